"""The losses against their formulas, and what `zero_sum` promises."""

import numpy as np
import pytest

from dcgan_mri.chainer_compat import chainer
from dcgan_mri.losses import LOSSES

REAL = np.array([[2.0], [-1.0]], np.float32)
FAKE = np.array([[0.5], [1.5]], np.float32)


@pytest.mark.parametrize(("name", "dis", "gen"), [
    ("wasserstein", 1.0 - 0.5, -1.0),
    ("softplus", np.mean(np.log1p(np.exp(-REAL))) + np.mean(np.log1p(np.exp(FAKE))),
     np.mean(np.log1p(np.exp(-FAKE)))),
    ("mse", (1 + 4) / 2 + (0.25 + 2.25) / 2, (0.25 + 0.25) / 2),
])
def test_values(name, dis, gen):
    real, fake = chainer.Variable(REAL), chainer.Variable(FAKE)
    assert float(LOSSES[name].dis(real, fake).array) == pytest.approx(dis, rel=1e-6)
    assert float(LOSSES[name].gen(fake).array) == pytest.approx(gen, rel=1e-6)


@pytest.mark.parametrize("name", LOSSES)
def test_zero_sum_means_opposite_gradients(name):
    real, fake = chainer.Variable(REAL), chainer.Variable(FAKE)
    of_dis, = chainer.grad([LOSSES[name].dis(real, fake)], [fake])
    of_gen, = chainer.grad([LOSSES[name].gen(fake)], [fake])
    assert np.array_equal(of_dis.array, -of_gen.array) == LOSSES[name].zero_sum
