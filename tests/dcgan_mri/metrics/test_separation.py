"""A bright region is found where there is one, and fades when it is made to."""

import numpy as np
import pytest

from dcgan_mri.metrics import regions
from dcgan_mri.metrics.separation import contrast
from tests.degradations import blurred, faded


def test_regions_of_a_disc_with_a_bright_spot():
    v, u = np.mgrid[:64, :64] - 32
    head, spot = np.hypot(v, u) < 25, np.hypot(v - 5, u + 8) < 6
    texture = np.random.default_rng(0).random((64, 64)) * 0.2
    grey = np.where(spot, 0.9, np.where(head, 0.3 + texture, 0)).astype(np.float32)
    found = regions.head(grey)
    assert (found ^ head).sum() < 0.06 * head.sum()
    region = regions.bright(grey, found)
    assert (region & spot).sum() > 0.8 * spot.sum()
    assert (region & ~spot).sum() < 0.2 * spot.sum()
    has, _, area = contrast(grey, found, region)
    assert has == 1
    assert area == pytest.approx(spot.sum() / head.sum(), rel=0.2)


def test_texture_is_no_bright_region():
    v, u = np.mgrid[:64, :64] - 32
    texture = np.random.default_rng(0).random((64, 64)) * 0.1
    grey = np.where(np.hypot(v, u) < 25, 0.35 + texture, 0).astype(np.float32)
    inside = regions.head(grey)
    assert contrast(grey, inside, regions.bright(grey, inside))[0] == 0


@pytest.mark.parametrize("grey", [np.zeros((64, 64)), np.full((64, 64), 0.5), np.eye(64)])
def test_nothing_to_find_is_no_error(grey):
    grey = grey.astype(np.float32)
    inside = regions.head(grey)
    region = regions.bright(grey, inside)
    has, difference, area = contrast(grey, inside, region)
    assert has == 0
    assert np.isnan([difference, area]).all()


def test_falls_as_the_bright_region_fades(value, others):
    found = [value("separation", faded(others, strength)) for strength in (0, 0.3, 0.6, 0.9)]
    contrasts = [numbers["separation.contrast"] for numbers in found]
    assert contrasts == sorted(contrasts, reverse=True)
    assert contrasts[-1] < contrasts[0] / 2
    assert found[0]["separation.share"] > 0.9


def test_blur_moves_it_little(value, others):
    before, after = value("separation", others), value("separation", blurred(others, 1.2))
    assert after["separation.contrast"] == pytest.approx(before["separation.contrast"], rel=0.2)
    assert after["separation.share"] == before["separation.share"]
