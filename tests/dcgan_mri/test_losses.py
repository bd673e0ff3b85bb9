"""The losses against their formulas, what `zero_sum` promises, and the gradient penalty."""

import numpy as np
import pytest

from dcgan_mri.chainer_compat import F, chainer
from dcgan_mri.config import Config
from dcgan_mri.randomness import Draws
from dcgan_mri.losses import LOSSES, gradient_penalty, r1_penalty
from dcgan_mri.networks import Discriminator
from tests.helpers import SMALL

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


def test_gradient_penalty_by_hand():
    v = chainer.Parameter(np.float32([0.3]))

    def dis(x, draws):
        return F.broadcast_to(v, (2,)) * F.sum(x ** 2, axis=(1, 2, 3))

    x = np.array([[[[1]], [[2]], [[2]]], [[[0]], [[6]], [[8]]]], np.float32)  # of lengths 3 and 10
    penalty = gradient_penalty(dis, x, None)
    # The gradient is 2 v x, of length 6 v and 20 v.
    assert float(penalty.array) == pytest.approx(((6 * 0.3 - 1) ** 2 + (20 * 0.3 - 1) ** 2) / 2, rel=1e-5)
    v.cleargrad()
    penalty.backward()
    assert v.grad.item() == pytest.approx((6 * 0.3 - 1) * 6 + (20 * 0.3 - 1) * 20, rel=1e-5)


@pytest.mark.parametrize("activation", ["relu", "leaky_relu", "elu"])
@pytest.mark.parametrize("last", ["sigmoid", "tanh"])
def test_gradient_penalty_can_be_differentiated_by_the_weights(activation, last):
    config = Config(**SMALL, dis_bn=False, dis_activation=activation, dis_last_activation=last, init_scale=0.1)
    dis = Discriminator(config)
    for param in dis.params():
        param.array = param.array.astype(np.float64)
    x = np.random.default_rng(0).random((2, 3, 16, 16))
    direction = {name: np.random.default_rng(1).standard_normal(param.shape) for name, param in dis.namedparams()}

    def penalty_at(step):
        for name, param in dis.namedparams():
            param.array += step * direction[name]
        penalty = gradient_penalty(dis, x, Draws(0, 0, range(2)))
        for name, param in dis.namedparams():
            param.array -= step * direction[name]
        return penalty

    with chainer.using_config("train", True):
        dis.cleargrads()
        penalty_at(0).backward()
        step = 1e-7  # so small that no ReLU turns
        numeric = float((penalty_at(step).array - penalty_at(-step).array) / (2 * step))
    # The bias of the score has no part in the gradient at the image.
    ours = sum((param.grad * direction[name]).sum() for name, param in dis.namedparams() if param.grad is not None)
    assert [name for name, param in dis.namedparams() if param.grad is None] == ["/l5/b"]
    assert ours == pytest.approx(numeric, rel=1e-4)


def test_r1_penalty_is_half_the_mean_of_squared_lengths():
    v = chainer.Parameter(np.float32([0.3]))

    def dis(x, draws):
        return F.broadcast_to(v, (2,)) * F.sum(x ** 2, axis=(1, 2, 3))

    x = np.array([[[[1]], [[2]], [[2]]], [[[0]], [[6]], [[8]]]], np.float32)  # of lengths 3 and 10
    penalty = r1_penalty(dis, x, None)
    # The gradient is 2 v x, of length 6 v and 20 v.
    assert float(penalty.array) == pytest.approx((36 + 400) * 0.3 ** 2 / 4, rel=1e-5)
    v.cleargrad()
    penalty.backward()
    assert v.grad.item() == pytest.approx((36 + 400) * 0.3 / 2, rel=1e-5)


def test_gradient_penalty_of_a_flat_discriminator_is_one_and_finite():
    v = chainer.Parameter(np.float32([0]))

    def dis(x, draws):
        return F.broadcast_to(v, (2,)) * F.sum(x, axis=(1, 2, 3))

    penalty = gradient_penalty(dis, np.ones((2, 3, 1, 1), np.float32), None)
    v.cleargrad()
    penalty.backward()
    assert float(penalty.array) == pytest.approx(1)
    assert np.isfinite(v.grad).all()
