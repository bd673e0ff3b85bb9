"""Noise that is added is found, in grey levels."""

import numpy as np
import pytest
from skimage.restoration import estimate_sigma

from dcgan_mri.metrics.noise import sigma
from tests.degradations import with_noise


def test_sigma_is_that_of_scikit_image_without_a_mask():
    grey = np.random.default_rng(0).standard_normal((64, 64)).astype(np.float32)
    everywhere = np.ones(grey.shape, bool)
    assert sigma(grey, everywhere) == pytest.approx(255 * estimate_sigma(grey), rel=0.02)


def test_only_what_lies_under_the_mask_counts():
    grey = np.zeros((64, 64), np.float32)
    mask = np.zeros(grey.shape, bool)
    mask[:, :30] = True
    grey[~mask] = np.random.default_rng(0).random(int((~mask).sum()))
    assert sigma(grey, mask) == 0
    assert sigma(grey, ~mask) > 20
    assert np.isnan(sigma(grey, np.zeros(grey.shape, bool)))


def test_black_air_has_no_noise(value, others):
    assert value("noise", others)["noise.air"] == 0


@pytest.mark.parametrize("added", [4, 10, 25])
def test_added_noise_adds_up(value, others, added):
    before, after = value("noise", others), value("noise", with_noise(others, added))
    assert after["noise.inside"] == pytest.approx(np.hypot(before["noise.inside"], added), rel=0.1)
    # Half of the noise on black is clipped away.
    assert after["noise.air"] == pytest.approx(added / 2, rel=0.15)
