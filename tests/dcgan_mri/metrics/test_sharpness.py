"""Blur is seen at both borders; noise is not taken for sharpness."""

import numpy as np
import pytest

from dcgan_mri.metrics.sharpness import border_energies
from tests.degradations import blurred, faded, with_noise


def test_falls_with_blur(value, others):
    found = [value("sharpness", others), *(value("sharpness", blurred(others, sigma)) for sigma in (0.7, 1.2, 2))]
    for name in ("sharpness.brain", "sharpness.bright"):
        numbers = [each[name] for each in found]
        assert numbers == sorted(numbers, reverse=True)
        assert numbers[-1] < 0.35 * numbers[0]


def test_a_fading_bright_region_loses_its_own_border_only(value, others):
    before, after = value("sharpness", others), value("sharpness", faded(others, 0.5))
    assert after["sharpness.bright"] < 0.6 * before["sharpness.bright"]
    assert after["sharpness.brain"] == pytest.approx(before["sharpness.brain"], rel=0.15)


def test_noise_and_brightness_move_it_little(value, others):
    before = value("sharpness", others)
    for harm in (with_noise(others, 8), (others * 0.7).astype(np.uint8)):
        after = value("sharpness", harm)
        for name, number in before.items():
            assert after[name] == pytest.approx(number, rel=0.1)


def test_no_head_is_nan():
    empty = np.zeros((64, 64), bool)
    assert np.isnan(border_energies(np.zeros((64, 64), np.float32), empty, empty)).all()
