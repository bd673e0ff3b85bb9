"""Real slices, played by phantoms, and what is held against them."""

import numpy as np
import pytest

from dcgan_mri.metrics import MEASURES
from dcgan_mri.metrics.reference import Reference
from tests.phantoms import phantom_slices


class Slices:
    """As `dcgan_mri.slice_set.Slices`, of pictures."""

    def __init__(self, pictures, subjects, levels):
        self.pictures, self.subjects, self.levels = pictures, subjects, levels

    def __len__(self):
        return len(self.pictures)

    def batch(self, indices):
        return self.pictures[np.asarray(indices)]


@pytest.fixture(scope="session")
def slices():
    """60 slices of 6 subjects."""
    return Slices(*phantom_slices(6, 10))


@pytest.fixture(scope="session")
def reference(slices):
    """The same, described once."""
    return Reference(slices)


@pytest.fixture(scope="session")
def training(reference):
    """The same as a stack."""
    return reference.real


@pytest.fixture(scope="session")
def others():
    """Pictures of 40 slices of 4 other subjects, uint8 of shape (40, 64, 64)."""
    return phantom_slices(4, 10, seed=1)[0]


@pytest.fixture(scope="session")
def held_out(reference, others):
    """Those slices as a stack."""
    _, subjects, levels = phantom_slices(4, 10, seed=1)
    return reference.stack(others, subjects, levels)


@pytest.fixture(scope="session")
def value(reference, held_out):
    """Function from a measure's name and pictures to its numbers against the phantoms."""
    def of(name, pictures):
        measure = next(measure for measure in MEASURES if measure.name == name)
        stack = reference.stack(pictures)
        if not measure.against_held_out:
            return reference.measure(stack, [measure])
        return measure.compare(measure.describe(stack, reference.real), measure.describe(held_out, reference.real),
                               np.random.default_rng(0))

    return of
