import io
import itertools

import numpy as np
import pytest
from PIL import Image
from preprocess.errors import DataError
from preprocess.layouts import Subject
from preprocess.selection import SliceChoice, parse_slices
from preprocess.slices import apply_window
from preprocess.subject import Settings, load_subject, make_slices

ORDERS = list(itertools.product(itertools.permutations(range(3)), itertools.product((1, -1), repeat=3)))


def store(voxels, affine, axes, signs):
    """The same volume with its axes in another order and direction, and the affine that says so."""
    turned = voxels.transpose(axes)[tuple(slice(None, None, sign) for sign in signs)]
    index = np.zeros((4, 4))
    index[3, 3] = 1
    for place, (axis, sign) in enumerate(zip(axes, signs, strict=True)):
        index[axis, place] = sign
        index[axis, 3] = 0 if sign > 0 else voxels.shape[axis] - 1
    return turned, affine @ index


def slices_of(subject, settings):
    loaded = load_subject(subject, settings, subject.volume.parent)
    return list(make_slices(loaded, settings))


def greys(subject, settings):
    return np.stack([np.asarray(Image.open(io.BytesIO(png))) for _, png in slices_of(subject, settings)])


@pytest.mark.parametrize("scaling", [(1.0, 0.0), (2.0, -20.0)])
@pytest.mark.parametrize("dtype", ["u1", "i2", "u2", "i4", "f4", "f8"])
def test_one_brain_stored_in_48_orders_two_endiannesses_six_types_and_scalings(tmp_path, make, small, dtype, scaling):
    """The PNGs of the plain file, byte for byte in every order, and within one grey level for every type."""
    brain = make.brain()
    reference = greys(make.subject(tmp_path / "reference", voxels=brain), small)
    assert len(np.unique(reference)) > 60
    # The brain's values are even and at most 240, so that they are stored exactly with this scaling.
    stored = ((brain - scaling[1]) / scaling[0]).astype(dtype)
    first = None
    for endianness, (axes, signs) in itertools.product("<>", ORDERS):
        turned, affine = store(stored, make.LPS, axes, signs)
        subject = make.subject(tmp_path, voxels=turned, affine=affine, slope=scaling[0], inter=scaling[1],
                               endianness=endianness)  # fmt: skip
        pngs = [png for _, png in slices_of(subject, small)]
        first = first or pngs
        assert pngs == first
    difference = np.abs(greys(subject, small).astype(int) - reference)
    assert difference.max() <= 1


def test_a_row_says_where_a_slice_comes_from(tmp_path, make, small):
    brain = make.brain()
    labels = np.zeros(brain.shape, np.uint8)
    labels[5:9, 6:9, 3] = 4
    subject = make.subject(tmp_path, "P 1", voxels=brain, seg=labels)
    loaded = load_subject(subject, small, tmp_path)
    rows = [row for row, _ in make_slices(loaded, small)]
    assert rows[1]["file"] == "P 1_img_00003.png"
    assert (rows[1]["slice"], rows[1]["position_mm"], rows[1]["orientation"]) == (3, "3.000", "LPS")
    assert rows[1]["source"] == "P 1/P 1_flair.nii.gz"
    assert [row["tumour_pixels"] for row in rows] == [0, 12, 0, 0, 0]
    assert rows[1]["brain_pixels"] == (brain[:, :, 3] > 0).sum()
    low, high = np.percentile(brain, [0.1, 99.9])
    assert (float(rows[1]["window_low"]), float(rows[1]["window_high"])) == pytest.approx((low, high))
    assert loaded.sources["seg"] == "P 1/P 1_seg.nii.gz"


def test_labels_stored_another_way_than_the_volume(tmp_path, make):
    brain = make.brain()
    labels = np.zeros(brain.shape, np.uint8)
    labels[3:9, 2:6, 7] = 1
    subject = make.subject(tmp_path, voxels=brain)
    turned, affine = store(labels, make.LPS, (2, 0, 1), (-1, 1, -1))
    seg = make.save(tmp_path / "seg.nii", turned.astype("f4"), affine=affine, slope=0.5, inter=0)
    settings = Settings(slices=SliceChoice("tumour"), size=32)
    rows = [row for row, _ in slices_of(Subject(subject.name, subject.volume, seg), settings)]
    assert [(row["slice"], row["tumour_pixels"]) for row in rows] == [(7, 24)]


def test_labels_of_another_shape_are_named(tmp_path, make, small):
    subject = make.subject(tmp_path, seg=np.zeros((20, 24, 9), np.uint8))
    with pytest.raises(DataError, match=r"_seg\.nii\.gz: its shape 20×24×9 is not the volume's 20×24×10"):
        slices_of(subject, small)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_voxels_that_are_not_numbers_are_black_and_do_not_move_the_window(tmp_path, make, small, bad):
    brain = make.brain().astype("f4")
    clean = greys(make.subject(tmp_path / "clean", voxels=brain), small)
    brain[4:6, 4:6, :] = bad
    found = greys(make.subject(tmp_path / "bad", voxels=brain), small)
    where = np.abs(found.astype(int) - clean) > 2
    assert found.max() > 250
    # 240×240 to 256×256 in small: the hole and what bicubic interpolation mixes with it.
    assert 0 < where.any(axis=0).sum() < 60
    assert (found[:, 7, 6] == 0).all()


def test_nan_around_the_brain_is_background(tmp_path, make, small):
    brain = make.brain()
    around = np.where(brain > 0, brain, np.nan).astype("f4")
    rows = [row for row, _ in slices_of(make.subject(tmp_path, voxels=around), small)]
    assert [row["brain_pixels"] for row in rows] == [int((brain[:, :, index] > 0).sum()) for index in range(2, 7)]


def test_negative_slope_keeps_bright_bright(tmp_path, make, small):
    brain = make.brain()
    plain = greys(make.subject(tmp_path / "plain", voxels=brain), small)
    turned = greys(make.subject(tmp_path / "turned", voxels=-brain, slope=-1.0, inter=0.0), small)
    np.testing.assert_array_equal(turned, plain)


def test_a_volume_z_scored_over_all_voxels_looks_as_before(tmp_path, make, small):
    brain = make.brain()
    scored = ((brain - brain.mean()) / brain.std()).astype("f4")
    before = greys(make.subject(tmp_path / "raw", voxels=brain), small)
    after = greys(make.subject(tmp_path / "scored", voxels=scored), small)
    assert np.abs(after.astype(int) - before).max() <= 1


def test_a_volume_z_scored_inside_the_brain_keeps_its_black_background(tmp_path, make, small):
    brain = make.brain()
    inside = brain > 0
    scored = np.where(inside, (brain - brain[inside].mean()) / brain[inside].std(), 0).astype("f4")
    assert (scored < 0).any()
    rows, pngs = zip(*slices_of(make.subject(tmp_path, voxels=scored), small), strict=True)
    for row, png in zip(rows, pngs, strict=True):
        image = np.asarray(Image.open(io.BytesIO(png)))
        assert (image[[0, 0, -1, -1], [0, -1, 0, -1]] == 0).all()
        assert image.max() > 200
        assert row["brain_pixels"] == inside[:, :, row["slice"]].sum()


def test_one_hot_voxel_does_not_darken_the_brain(tmp_path, make):
    brain = make.brain((60, 60, 20))
    settings = Settings(slices=parse_slices("5-15"), size=64)
    before = greys(make.subject(tmp_path / "a", voxels=brain), settings)
    brain[30, 30, 10] = 32767
    after = greys(make.subject(tmp_path / "b", voxels=brain), settings)
    assert abs(np.median(after[after > 0]) - np.median(before[before > 0])) <= 2


def test_an_absolute_window(tmp_path, make):
    brain = make.brain((32, 32, 8))
    settings = Settings(slices=parse_slices("4"), size=32, window_percent=None, window_raw=(20.0, 100.0))
    subject = make.subject(tmp_path, voxels=brain)
    ((row, _),) = slices_of(subject, settings)
    assert (row["window_low"], row["window_high"]) == ("20.0", "100.0")
    np.testing.assert_array_equal(greys(subject, settings)[0], apply_window(brain[:, :, 4].T, 20.0, 100.0))


@pytest.mark.parametrize(
    ("voxels", "reason"),
    [
        (np.zeros((4, 4, 8), "i2"), "all its voxels are 0"),
        (np.full((4, 4, 8), 7, "u1"), "all its voxels have the same value, 7"),
        (np.full((4, 4, 8), np.nan, "f4"), "no voxel is a number"),
        (np.full((4, 4, 8), np.inf, "f8"), "no voxel is a number"),
        (np.r_[np.zeros(99999), 1].reshape(100, 100, 10).astype("u1"), "0.1 and 99.9 are both 0; .*--window"),
    ],
)
def test_a_volume_without_contrast_is_named(tmp_path, make, small, voxels, reason):
    with pytest.raises(DataError, match=reason):
        slices_of(make.subject(tmp_path, voxels=voxels), small)


def test_trailing_dimensions_of_one_and_decathlon_channels(tmp_path, make, small):
    brain = make.brain()
    plain = slices_of(make.subject(tmp_path / "a", voxels=brain), small)
    single = slices_of(make.subject(tmp_path / "b", voxels=brain[..., None]), small)
    assert [png for _, png in single] == [png for _, png in plain]
    # Decathlon files are stored rotated by 180 degrees against BraTS, and say so.
    turned, affine = store(brain, make.LPS, (0, 1, 2), (-1, -1, 1))
    four = np.stack([turned, turned // 2, turned * 0 + 3, turned], axis=-1)
    path = make.save(tmp_path / "imagesTr" / "BRATS_001.nii.gz", four, affine=affine)
    found = slices_of(Subject("BraTS20_Training_001", path, channel=0), small)
    assert [png for _, png in found] == [png for _, png in plain]
    assert found[0][0]["orientation"] == "RAS"


def test_anisotropic_pixels_keep_their_proportions(tmp_path, make):
    brain = make.brain((40, 24, 8))
    affine = np.diag([-0.5, -1.0, 3.0, 1.0])
    settings = Settings(slices=parse_slices("4"), size=48)
    subject = make.subject(tmp_path, voxels=brain, affine=affine)
    image = greys(subject, settings)[0]
    assert image.shape == (48, 48)
    # 20 mm across and 24 mm along: 40 of 48 pixels are covered, the rest is black at both sides.
    assert (image[:, :4] == 0).all()
    assert (image[:, 44:] == 0).all()
    assert slices_of(subject, settings)[0][0]["position_mm"] == "12.000"
