"""Pictures and grids."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from dcgan_mri.pixels import from_network, grey, save_png, to_network


@given(low=st.sampled_from([0.0, -1.0]), seed=st.integers(0, 1000))
def test_pictures_are_the_way_back_from_the_network(low, seed):
    images = np.random.default_rng(seed).integers(0, 256, (2, 4, 5), dtype=np.uint8)
    pictures = from_network(to_network(images, low), low)
    assert pictures.shape == (2, 4, 5, 3)
    assert np.array_equal(pictures[..., 1], images)


def test_out_of_range_is_clipped():
    x = np.array([-1, -0.1, 0, 1.5], np.float32).reshape(1, 1, 1, 4).repeat(3, axis=1)
    assert from_network(x, 0.0)[0, 0, :, 0].tolist() == [0, 0, 0, 255]


def test_grey_is_the_mean_of_the_channels():
    assert grey(np.array([[[1, 2, 6], [255, 255, 255]]], np.uint8)).tolist() == [[3, 255]]


@pytest.mark.parametrize("shape", [(7, 9, 3), (7, 9)])
def test_png_keeps_every_value(tmp_path, shape):
    picture = np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)
    save_png(tmp_path / "p.png", picture)
    assert np.array_equal(np.array(Image.open(tmp_path / "p.png")), picture)


@pytest.mark.parametrize("low", [0.0, -1.0])
def test_to_network(low):
    x = to_network(np.array([[[0, 255], [51, 102]]], np.uint8), low)
    assert x.shape == (1, 3, 2, 2)
    assert x.dtype == np.float32
    assert np.array_equal(x[0, 0], x[0, 2])
    np.testing.assert_allclose(x[0, 0].ravel(), low + np.array([0, 1, 0.2, 0.4]) * (1 - low), atol=1e-6)
