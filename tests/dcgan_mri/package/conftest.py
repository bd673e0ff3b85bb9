"""Runs whose generators can be packaged."""

import numpy as np
import pytest

from dcgan_mri.config import Config
from dcgan_mri.networks import Generator
from dcgan_mri.run import snapshots
from tests.helpers import SMALL
from tests.results import write_result


def generator_of(**settings):
    """A generator with statistics as after a training, whose images have all greys."""
    config = Config(**{**SMALL, "init_scale": 0.2, **settings})
    gen = Generator(config)
    rng = np.random.default_rng(0)
    for i, row in enumerate(gen.rows):
        if row.bn:
            link = gen[f"bn{i}"]
            link.avg_mean[...] = rng.normal(size=link.avg_mean.shape)
            link.avg_var[...] = rng.uniform(0.2, 3, link.avg_var.shape)
            link.gamma.array[...] = rng.uniform(0.5, 2, link.gamma.shape)
            link.beta.array[...] = rng.normal(size=link.beta.shape)
    return gen, config


@pytest.fixture
def result(tmp_path, slices16):
    """A result folder with a generator."""
    gen, config = generator_of(alpha=0.001)
    folder = write_result(tmp_path / "result", range(1, 4), slices16, **{**SMALL, "init_scale": 0.2, "alpha": 0.001})
    snapshots.save_generator(folder / "generator.npz", gen, config)
    return folder
