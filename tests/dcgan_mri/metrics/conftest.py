"""Real slices, played by phantoms, and what is held against them."""

import numpy as np
import pytest

from dcgan_mri.metrics.features import Scattering
from dcgan_mri.metrics.stack import Stack
from tests.phantoms import phantom_slices


@pytest.fixture(scope="session")
def training():
    """Stack of 60 slices of 6 subjects."""
    pictures, subjects, levels = phantom_slices(6, 10)
    return Stack(pictures, Scattering(pictures / np.float32(255)), subjects, levels)


@pytest.fixture(scope="session")
def others():
    """Pictures of 40 slices of 4 other subjects, uint8 of shape (40, 64, 64)."""
    return phantom_slices(4, 10, seed=1)[0]


@pytest.fixture(scope="session")
def held_out(training, others):
    """Those slices as a stack."""
    _, subjects, levels = phantom_slices(4, 10, seed=1)
    return Stack(others, training.extractor, subjects, levels)


@pytest.fixture(scope="session")
def value(training, held_out):
    """Function from a measure's name and pictures to its numbers against the phantoms."""
    from dcgan_mri.metrics import MEASURES

    def of(name, pictures):
        measure = MEASURES[name]
        stack = Stack(pictures, training.extractor)
        baseline = held_out if measure.against_held_out else training
        return measure.compare(measure.describe(stack, training), measure.describe(baseline, training),
                               np.random.default_rng(0))

    return of
