"""A lattice is found at its own period, whatever its strength."""

import numpy as np
import pytest

from dcgan_mri.metrics.checkerboard import PERIODS, bins, prominence
from tests.degradations import with_lattice


def test_bins_are_the_lattices_own():
    lattice, around = bins(64, 2)
    assert set(map(tuple, lattice.T)) == {(0, 32), (32, 0), (32, 32)}
    lattice, _ = bins(64, 4)
    assert lattice.shape == (2, 12)
    assert (0, 16) in set(map(tuple, lattice.T))
    assert (32, 0) not in set(map(tuple, lattice.T))
    assert around.shape[:2] == (2, 3)


@pytest.mark.parametrize("period", PERIODS)
def test_rises_with_the_lattice_and_only_at_its_period(value, others, period):
    strengths = [0, 0.05, 0.1, 0.2]
    found = [value("checkerboard", with_lattice(others, period, strength)) for strength in strengths]
    own = [numbers[f"checkerboard.{period}"] for numbers in found]
    assert own == sorted(own)
    assert own[-1] > 1.5 * own[0]
    for coarser in (p for p in PERIODS if p > period):
        assert found[-1][f"checkerboard.{coarser}"] == pytest.approx(found[0][f"checkerboard.{coarser}"], rel=0.15)


def test_other_subjects_have_none(value, others):
    numbers = value("checkerboard", others)
    assert all(0.8 < number < 1.25 for number in numbers.values())


def test_no_power_and_no_room_give_nan():
    assert np.isnan(prominence(np.zeros((64, 64), np.float32))).all()
    assert np.isnan(prominence(np.ones((8, 8), np.float32))[2])
