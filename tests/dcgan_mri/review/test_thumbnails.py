"""Thumbnails keep to their bytes, whatever they show."""

import io

import numpy as np
import pytest
from PIL import Image

from dcgan_mri.review import thumbnails


@pytest.mark.parametrize("n_epochs", [1, 100, 200])
@pytest.mark.parametrize("kind", ["noise", "smooth"])
def test_a_grid_keeps_to_its_bytes(kind, n_epochs):
    noise = np.random.default_rng(0).integers(0, 256, (1600, 1600, 3), dtype=np.uint8)
    picture = noise if kind == "noise" else np.tile(np.arange(1600, dtype=np.uint16)[:, None, None] // 7, (1, 1600, 3))
    found = thumbnails.of_grid(picture.astype(np.uint8), thumbnails.budget(n_epochs))
    assert len(found) <= thumbnails.budget(n_epochs)
    with Image.open(io.BytesIO(found)) as image:
        assert image.format == "WEBP"
        assert image.width == image.height >= (400 if n_epochs == 1 or kind == "smooth" else 200)


def test_a_hundred_grids_and_720_slices_stay_below_five_megabytes():
    slice_bytes = len(thumbnails.of_slice(np.random.default_rng(0).integers(60, 120, (256, 256), dtype=np.uint8)))
    assert (100 * thumbnails.budget(100) + 720 * slice_bytes) * 4 / 3 < 4.8e6


def test_small_images_are_not_blown_up():
    with Image.open(io.BytesIO(thumbnails.of_slice(np.zeros((16, 16), np.uint8)))) as image:
        assert image.size == (16, 16)
    with Image.open(io.BytesIO(thumbnails.of_grid(np.zeros((160, 160, 3), np.uint8), 10**6))) as image:
        assert image.size == (160, 160)
