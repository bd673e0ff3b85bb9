"""Axial levels and places of the bright region, when they are the same again and again."""

import numpy as np
import pytest

from dcgan_mri.metrics.variety import centre
from tests.degradations import repeated


def test_falls_as_one_image_takes_over(value, others):
    found = [value("variety", repeated(others, share)) for share in (0, 0.5, 0.9, 1)]
    for name in ("variety.levels", "variety.centres"):
        numbers = [each[name] for each in found]
        assert numbers == sorted(numbers, reverse=True)
        assert numbers[-1] == pytest.approx(0, abs=1e-6)
        assert numbers[0] > 0.7


def test_one_level_of_all_subjects_has_no_spread_of_levels_but_of_places(value, others):
    numbers = value("variety", np.repeat(others[4::10], 5, axis=0))
    assert numbers["variety.levels"] < 0.5
    assert numbers["variety.centres"] > 0.7


def test_centre_in_radii_of_the_head():
    v, u = np.mgrid[:64, :64] - 32
    inside, region = np.hypot(v, u) < 20, np.hypot(v + 10, u) < 4
    grey = np.where(region, 0.9, np.where(inside, 0.4, 0)).astype(np.float32)
    down, right = centre(grey, inside, region)
    assert down == pytest.approx(-0.5, abs=0.03)
    assert right == pytest.approx(0, abs=0.03)
    assert np.isnan(centre(np.where(inside, 0.4, 0), inside, region)).all()
