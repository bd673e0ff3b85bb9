"""Adam in one pass, against Chainer's with its hook for weight decay."""

import numpy as np
import pytest

from dcgan_mri.chainer_compat import chainer
from dcgan_mri.kernels import adam, backends


def trained(make, kernels, shape):
    rng = np.random.default_rng(0)
    link = chainer.Link()
    with link.init_scope():
        link.W = chainer.Parameter(rng.normal(0, 1, shape).astype(np.float32))
    optimizer = make(link)
    with backends.using(kernels):
        for _ in range(5):
            link.W.grad = rng.normal(0, 1, shape).astype(np.float32)
            optimizer.update()
    state = link.W.update_rule.state
    return link.W.array, state["m"], state["v"]


def ours(link):
    return adam.Adam(2e-4, 0.5, 1e-3).setup(link)


def chainers(link):
    optimizer = chainer.optimizers.Adam(alpha=2e-4, beta1=0.5).setup(link)
    optimizer.add_hook(chainer.optimizer_hooks.WeightDecay(1e-3))
    return optimizer


@pytest.mark.parametrize("shape", [(7,), (), (300, 1000), (64, 32, 4, 4)])
@pytest.mark.parametrize("kernels", backends.NAMES)
def test_the_same_as_chainers(kernels, shape):
    for one, other in zip(trained(ours, kernels, shape), trained(chainers, "plain", shape), strict=True):
        np.testing.assert_allclose(one, other, rtol=2e-6, atol=1e-7)
