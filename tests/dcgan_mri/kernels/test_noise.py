"""Noise that is added as it is drawn."""

import numpy as np

from dcgan_mri.chainer_compat import chainer
from dcgan_mri.randomness import Draws
from dcgan_mri.kernels.noise import add_noise


def test_the_noise_is_the_draws_of_that_name():
    draws = Draws(1, 2, range(3))
    x = np.random.default_rng(0).random((3, 4, 5), dtype=np.float32)
    y = add_noise(x, draws, "a", 0.2)
    np.testing.assert_allclose(y.array, x + np.float32(0.2) * draws.normal("a", (4, 5)), rtol=0, atol=1e-6)


def test_the_gradient_passes_unchanged():
    x = chainer.Variable(np.zeros((2, 3), np.float32))
    y = add_noise(x, Draws(0, 0, range(2)), "a", 1.0)
    gy = np.arange(6, dtype=np.float32).reshape(2, 3)
    y.grad = gy
    y.backward()
    np.testing.assert_array_equal(x.grad, gy)
