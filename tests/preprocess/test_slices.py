import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from PIL import Image
from preprocess.slices import (
    apply_window,
    axial_image,
    find_background,
    fit_square,
    foreground,
    has_contrast,
    looks_like_a_mask,
    percentiles,
)

PERCENT = st.floats(0, 100)
INTEGERS = hnp.arrays(hnp.integer_dtypes(endianness="=") | hnp.unsigned_integer_dtypes(endianness="="),
                      hnp.array_shapes(min_dims=1, max_dims=3, max_side=9))
FLOATS = hnp.arrays(st.sampled_from([np.float32, np.float64]), hnp.array_shapes(min_dims=1, max_dims=3, max_side=9))


@given(INTEGERS, PERCENT, PERCENT)
def test_percentiles_of_integers_are_numpys(values, first, second):
    expected = np.percentile(values.astype(np.float64), [first, second])
    np.testing.assert_allclose(percentiles(values, (first, second)), expected, rtol=1e-9, atol=1e-9)


@given(FLOATS, PERCENT)
def test_percentiles_of_floats_are_numpys_over_finite_values(values, percent):
    finite = values[np.isfinite(values)].astype(np.float64)
    found = percentiles(values, (percent,))
    if not finite.size:
        assert found is None
        return
    with np.errstate(over="ignore", invalid="ignore"):
        expected = np.percentile(finite, percent)
    if np.isfinite(expected):
        np.testing.assert_allclose(found[0], expected, rtol=1e-9, atol=1e-300)


def test_percentiles_of_integers_too_far_apart_for_a_histogram():
    values = np.array([-(2**40), 0, 5, 2**40], dtype=np.int64)
    np.testing.assert_array_equal(percentiles(values, (0, 50, 100)), [-(2.0**40), 2.5, 2.0**40])


@pytest.mark.parametrize("dtype", [np.int8, np.uint8, np.int16, np.uint64, np.int64])
def test_percentiles_at_the_ends_of_a_type(dtype):
    limits = np.iinfo(dtype)
    for value in (limits.min, limits.max):
        assert percentiles(np.full(5, value, dtype), (50,))[0] == float(value)


@given(FLOATS, st.floats(-1e300, 1e300), st.floats(-1e300, 1e300))
def test_window_is_monotonic_and_black_where_nothing_was_measured(values, low, high):
    if not has_contrast(low, high):
        return
    values = values.astype(np.float64)
    grey = apply_window(values, low, high)
    assert grey.dtype == np.uint8
    assert (grey[~np.isfinite(values)] == 0).all()
    finite = np.isfinite(values)
    assert (grey[finite & (values <= low)] == 0).all()
    assert (grey[finite & (values >= high)] == 255).all()
    order = np.argsort(values[finite], kind="stable")
    assert (np.diff(grey[finite][order].astype(int)) >= 0).all()


def test_window_rounds_to_the_nearest_grey():
    np.testing.assert_array_equal(apply_window(np.array([0, 0.49, 0.51, 127.6, 255]), 0, 255), [0, 0, 1, 128, 255])


@pytest.mark.parametrize("edges", [(1, 1), (2, 1), (np.nan, 1), (0, np.inf), (0, 5e-324)])
def test_edges_without_contrast(edges):
    assert not has_contrast(*edges)


def test_axial_image_has_the_right_on_the_left_and_the_front_up():
    voxels = np.zeros((4, 5, 3))
    voxels[0, 0, 1] = 1
    voxels[3, 0, 1] = 2
    voxels[0, 4, 1] = 3
    image = axial_image(voxels, 1)
    assert image.shape == (5, 4)
    assert (image[0, 0], image[0, -1], image[-1, 0]) == (1, 2, 3)


def test_a_square_slice_is_pillows_bicubic():
    grey = np.random.default_rng(0).integers(0, 256, (240, 240), dtype=np.uint8)
    expected = Image.fromarray(grey).resize((256, 256), Image.Resampling.BICUBIC)
    assert fit_square(grey, (1.0, 1.0), 256).tobytes() == expected.tobytes()


@given(st.integers(2, 40), st.integers(2, 40), st.floats(0.2, 5), st.floats(0.2, 5), st.integers(8, 64))
def test_proportions_in_mm_are_kept_and_the_rest_is_black(width, height, across, along, size):
    image = np.asarray(fit_square(np.full((height, width), 200, np.uint8), (across, along), size))
    assert image.shape == (size, size)
    lit = [np.flatnonzero(image.any(axis=axis)) for axis in (0, 1)]
    extent = np.array([width * across, height * along])
    for found, wanted in zip(lit, extent / extent.max() * size, strict=True):
        assert len(found) == found[-1] - found[0] + 1
        assert abs(len(found) - max(1, wanted)) <= 0.5 + 1e-6
        assert abs(found[0] - (size - 1 - found[-1])) <= 1
    assert set(np.unique(image)) <= {0, 200}


def test_background_is_what_all_corners_share():
    voxels = np.full((4, 4, 4), -3)
    voxels[1:3, 1:3, 1:3] = 7
    assert find_background(voxels) == -3
    assert foreground(voxels, -3).sum() == 8
    voxels[0, 0, 0] = 0
    assert find_background(voxels) is None
    assert foreground(voxels, None).all()


def test_background_may_be_nan():
    voxels = np.full((3, 3, 3), np.nan)
    voxels[1, 1, 1] = 2
    background = find_background(voxels)
    assert np.isnan(background)
    assert foreground(voxels, background).sum() == 1


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([0, 1], True), ([0.0, 1.0, 4.0], True), (range(16), True), (range(17), False), ([0.0, 0.5], False),
        ([5], False), ([0.0, np.nan], False),
    ],
)
def test_a_mask_has_few_values_all_whole(values, expected):
    assert looks_like_a_mask(np.resize(np.array(values), (20, 20, 20))) == expected


def test_an_image_that_is_plain_where_one_looks_first_is_no_mask():
    voxels = np.zeros((20, 20, 20))
    voxels.flat[1:100] = np.arange(99)
    assert not looks_like_a_mask(voxels)
