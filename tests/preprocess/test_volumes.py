import itertools

import nibabel as nib
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from preprocess.errors import DataError
from preprocess.nifti import read_header
from preprocess.volumes import load_volume, orientation_code, stored_spacing

ORDERS = list(itertools.product(itertools.permutations(range(3)), itertools.product((1, -1), repeat=3)))
RIGHT_TO_LEFT = np.array([[-2, 0, 0, 40], [0, -3, 0, 50], [0, 0, 4, -60], [0, 0, 0, 1]], dtype=float)


def store(voxels, affine, axes, signs):
    """The same volume with its axes in another order and direction, and the affine that says so."""
    turned = voxels.transpose(axes)[tuple(slice(None, None, sign) for sign in signs)]
    index = np.zeros((4, 4))
    index[3, 3] = 1
    for place, (axis, sign) in enumerate(zip(axes, signs, strict=True)):
        index[axis, place] = sign
        index[axis, 3] = 0 if sign > 0 else voxels.shape[axis] - 1
    return turned, affine @ index


@pytest.mark.parametrize(("axes", "signs"), ORDERS)
def test_all_48_axis_orders_end_as_one(tmp_path, make, axes, signs):
    voxels = make.brain()
    turned, affine = store(voxels, RIGHT_TO_LEFT, axes, signs)
    volume = load_volume(make.save(tmp_path / "v.nii", turned, affine=affine))
    np.testing.assert_array_equal(volume.voxels, voxels)
    assert volume.spacing == (2, 3, 4)
    np.testing.assert_allclose(volume.positions, 4.0 * np.arange(10) - 60)
    assert volume.orientation == "".join(nib.aff2axcodes(affine))


def test_the_patients_left_front_and_top(tmp_path, make):
    """RAS: stored axes run to the patient's right, front and top; the view wants left, back and top."""
    voxels = np.zeros((5, 6, 7), dtype=np.int16)
    voxels[4, 0, 0] = 1  # the most right
    voxels[0, 5, 0] = 2  # the most in front
    voxels[0, 0, 6] = 3  # the highest
    volume = load_volume(make.save(tmp_path / "v.nii", voxels, affine=np.eye(4)))
    assert volume.orientation == "RAS"
    assert volume.voxels[0, 5, 0] == 1
    assert volume.voxels[4, 0, 0] == 2
    assert volume.voxels[4, 5, 6] == 3


@given(st.sampled_from(ORDERS), st.tuples(*[st.floats(-0.5, 0.5)] * 3))
def test_oblique_affines_end_as_the_nearest_order(tmp_path_factory, make, order, angles):
    voxels = make.brain((6, 7, 8))
    turned, affine = store(voxels, make.LPS, *order)
    rotation = np.eye(4)
    for axis, angle in enumerate(angles):
        first, second = [other for other in range(3) if other != axis]
        step = np.eye(4)
        step[first, first] = step[second, second] = np.cos(angle)
        step[first, second], step[second, first] = -np.sin(angle), np.sin(angle)
        rotation = step @ rotation
    # Each axis still points mostly where it did; where two are nearly as near, either order may be right.
    if np.abs(np.diag(rotation)[:3]).min() < 0.75:
        return
    path = make.save(tmp_path_factory.mktemp("o") / "v.nii", turned, affine=rotation @ affine)
    np.testing.assert_array_equal(load_volume(path).voxels, voxels)


def test_position_of_a_tilted_slice_is_that_of_its_middle(tmp_path, make):
    affine = make.LPS.copy()
    affine[2, 1] = 0.25
    volume = load_volume(make.save(tmp_path / "v.nii", make.brain((4, 9, 5)), affine=affine))
    np.testing.assert_allclose(volume.positions, np.arange(5) + 0.25 * 4)


def test_stored_takes_the_array_as_it_lies(tmp_path, make):
    voxels = make.brain()
    for affine in (np.eye(4), None, np.full((4, 4), np.nan)):
        path = make.save(tmp_path / "v.nii", voxels, affine=affine)
        volume = load_volume(path, orientation="stored")
        np.testing.assert_array_equal(volume.voxels, voxels)
        assert (volume.orientation, volume.positions) == ("stored", None)
        assert all(0.001 <= value <= 1000 for value in stored_spacing(read_header(path)))


def bad_affine(row, column, value):
    affine = np.diag([-1.0, -1.0, 1.0, 1.0])
    affine[row, column] = value
    return affine


@pytest.mark.parametrize(
    ("affine", "reason"),
    [
        (None, "says no orientation"),
        (bad_affine(0, 0, np.nan), "affine is not a number"),
        (bad_affine(0, 3, np.inf), "affine is not a number"),
        (bad_affine(0, 0, 0), "voxels of 0 × 1 × 1 mm"),
        (bad_affine(2, 2, 1e30), "voxels of 1 × 1 × 1e[+]30 mm"),
        (np.array([[1, 1, 0, 0], [0, 0, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1.0]]), "maps two axes onto one direction"),
    ],
)
def test_an_affine_that_cannot_be_is_named_with_the_way_out(tmp_path, make, affine, reason):
    path = make.save(tmp_path / "v.nii", make.brain(), affine=affine)
    with pytest.raises(DataError, match=f"{reason}.*--orientation stored"):
        load_volume(path)


def test_raw_units(tmp_path, make):
    volume = load_volume(make.save(tmp_path / "v.nii", make.brain(), slope=-0.5, inter=100))
    np.testing.assert_allclose(volume.raw(np.array([0, 10], dtype=np.int16)), [100, 95])


def test_the_voxels_are_not_copied(tmp_path, make):
    volume = load_volume(make.save(tmp_path / "v.nii", make.brain(), affine=np.eye(4)))
    assert np.shares_memory(volume.voxels, volume.stored)
    assert orientation_code(read_header(tmp_path / "v.nii")) == "RAS"
