"""One step of each optimizer by hand, and the clamp behind it."""

import numpy as np
import pytest

from dcgan_mri.chainer_compat import chainer
from dcgan_mri.config import Config
from dcgan_mri.optimizers import OPTIMIZERS, WeightClip

START, GRADIENT = 0.5, 0.2
DECAY = 0.001
PULL = GRADIENT + DECAY * START


class OneWeight(chainer.Chain):
    """A weight and a bias."""

    def __init__(self):
        super().__init__()
        with self.init_scope():
            self.w = chainer.Parameter(np.float32([START]))
            self.b = chainer.Parameter(np.float32([-START]))


def step(config, *hooks):
    model = OneWeight()
    optimizer = OPTIMIZERS[config.optimizer](config)
    optimizer.setup(model)
    for hook in (chainer.optimizer_hooks.WeightDecay(DECAY), *hooks):
        optimizer.add_hook(hook)
    for param in model.params():
        param.grad = np.float32([GRADIENT])
    optimizer.update()
    return model


@pytest.mark.parametrize(("given", "moved"), [
    ({"optimizer": "sgd"}, 0.01 * PULL),
    ({"optimizer": "sgd", "learning_rate": 0.1}, 0.1 * PULL),
    # The first mean square is (1 - 0.99) times the square.
    ({"optimizer": "rmsprop", "alpha": 5e-5}, 5e-5 * PULL / np.sqrt(0.01 * PULL ** 2)),
    # Corrected for their start, the first moments are the gradient and its square.
    ({}, 2e-4),
    ({"alpha": 1e-3, "beta1": 0.9}, 1e-3),
])
def test_first_step(given, moved):
    model = step(Config(**given))
    assert START - model.w.array[0] == pytest.approx(moved, rel=1e-3)


def test_clip_clamps_all_parameters_after_the_step():
    model = step(Config(optimizer="sgd"), WeightClip(0.3))
    assert (model.w.array[0], model.b.array[0]) == (np.float32(0.3), np.float32(-0.3))
    model = step(Config(optimizer="sgd"), WeightClip(0.499))
    assert model.w.array[0] == pytest.approx(START - 0.01 * PULL)  # 0.498 after the step: inside
