import gzip
import hashlib
import itertools
import os

import nibabel as nib
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from preprocess.errors import DataError
from preprocess.volumes import (
    affine_of,
    is_pair,
    load_volume,
    orientation_code,
    read_header,
    read_voxels,
    source_sha256,
    times,
)

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
        assert all(0.001 <= value <= 1000 for value in volume.spacing)


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
    brain = make.brain()
    volume = load_volume(make.save(tmp_path / "v.nii", brain, slope=-0.5, inter=100))
    np.testing.assert_array_equal(volume.voxels, brain * -0.5 + 100)


def test_the_voxels_keep_their_type_and_are_not_copied(tmp_path, make):
    volume = load_volume(make.save(tmp_path / "v.nii", make.brain(), affine=np.eye(4)))
    assert volume.voxels.dtype == np.int16
    assert volume.voxels.base is not None
    assert orientation_code(np.eye(4)) == "RAS"


DTYPES = ("u1", "i1", "u2", "i2", "u4", "i4", "u8", "i8", "f4", "f8")


def read(path, channel=None):
    """Header and voxels of a file."""
    header = read_header(path)
    return header, read_voxels(path, header, channel)


@given(
    st.sampled_from(DTYPES),
    st.sampled_from("<>"),
    st.sampled_from([nib.Nifti1Header, nib.Nifti2Header]),
    st.tuples(*[st.integers(2, 5)] * 3),
    st.sampled_from([(), (1,), (1, 1)]),
    st.just((1.0, 0.0)) | st.tuples(
        st.floats(-1e3, 1e3, width=32).filter(lambda slope: abs(slope) > 1e-3), st.floats(-1e3, 1e3, width=32)),
    st.booleans(),
)
def test_reads_what_nibabel_reads(tmp_path_factory, make, dtype, order, kind, shape, trailing, scaling, packed):
    path = tmp_path_factory.mktemp("n") / ("v.nii.gz" if packed else "v.nii")
    values = np.arange(np.prod(shape)).reshape(shape + trailing).astype(dtype)
    data = make.nifti_bytes(values, slope=scaling[0], inter=scaling[1], endianness=order, header_class=kind)
    path.write_bytes(gzip.compress(data, 1) if packed else data)
    header, voxels = read(path)
    reference = nib.load(path)
    assert voxels.dtype == (np.dtype(dtype) if scaling == (1, 0) else np.float64)
    assert voxels.dtype.isnative
    np.testing.assert_array_equal(voxels, reference.get_fdata().reshape(shape))
    np.testing.assert_array_equal(affine_of(header, path), reference.affine)
    assert source_sha256(path) == hashlib.sha256(path.read_bytes()).hexdigest()


def test_only_the_chosen_channel_of_a_4d_file_is_read(tmp_path, make):
    values = np.arange(2 * 3 * 4 * 4, dtype=np.int16).reshape(2, 3, 4, 4)
    path = make.save(tmp_path / "BRATS_001.nii.gz", values)
    for channel in range(4):
        np.testing.assert_array_equal(read(path, channel)[1], values[..., channel])
    with pytest.raises(DataError, match=r"4-D \(2×3×4×4\).*--channel 0 … 3"):
        read(path)
    with pytest.raises(DataError, match="channels 0 … 3, not 4"):
        read(path, 4)


def test_a_channel_of_a_3d_file_is_refused(tmp_path, make):
    path = make.save(tmp_path / "v.nii", make.brain())
    assert read(path, 0)[1].shape == (20, 24, 10)
    with pytest.raises(DataError, match="one volume, not a channel 2"):
        read(path, 2)


@pytest.mark.parametrize("names", [("a.hdr", "a.img"), ("a.hdr.gz", "a.img.gz"), ("a.HDR", "a.IMG")])
def test_pairs_of_header_and_image(tmp_path, make, names):
    voxels = make.brain()
    image = nib.Nifti1Pair(voxels, make.LPS)
    nib.save(image, tmp_path / "x.hdr")
    for made, name in zip(("x.hdr", "x.img"), names, strict=True):
        data = (tmp_path / made).read_bytes()
        (tmp_path / name).write_bytes(gzip.compress(data) if name.endswith(".gz") else data)
    header, found = read(tmp_path / names[0])
    np.testing.assert_array_equal(found, voxels)
    assert is_pair(header)
    both = (tmp_path / names[0]).read_bytes() + (tmp_path / names[1]).read_bytes()
    assert source_sha256(tmp_path / names[0]) == hashlib.sha256(both).hexdigest()


def test_a_pair_without_its_image_is_named(tmp_path, make):
    nib.save(nib.Nifti1Pair(make.brain(), make.LPS), tmp_path / "a.hdr")
    (tmp_path / "a.img").unlink()
    with pytest.raises(DataError, match=r"a\.hdr: its voxel file a\.img is missing; put it beside"):
        read(tmp_path / "a.hdr")
    (tmp_path / "a.hdr").rename(tmp_path / "a.nii")
    with pytest.raises(DataError, match=r"it is no \.hdr file"):
        read(tmp_path / "a.nii")


def test_a_plain_file_that_is_too_short_is_named_before_reading(tmp_path, make):
    path = tmp_path / "v.nii"
    path.write_bytes(make.nifti_bytes(make.brain())[:-1])
    with pytest.raises(DataError, match=r"file truncated\? its header promises 9952 bytes, the file has 9951"):
        read(path)


def patched(make, **fields):
    data = bytearray(make.nifti_bytes(make.brain()))
    header = nib.Nifti1Header(bytes(data[:348]), check=False)
    for name, value in fields.items():
        header.structarr[name] = value
    data[:348] = header.binaryblock
    return bytes(data)


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"dim": [3, 30000, 30000, 30000, 1, 1, 1, 1]}, "30000×30000×30000 voxels of 2 bytes, over the limit"),
        ({"dim": [3, 500, 500, 500, 1, 1, 1, 1]}, r"truncated\? its header promises 250000352 bytes"),
        ({"dim": [9, 20, 24, 10, 1, 1, 1, 1]}, "9 dimensions"),
        ({"dim": [3, 20, -24, 10, 1, 1, 1, 1]}, "shape 20×-24×10"),
        ({"dim": [2, 20, 24, 1, 1, 1, 1, 1]}, r"2-D image \(20×24\)"),
        ({"dim": [3, 20, 240, 1, 1, 1, 1, 1]}, r"2-D image \(20×240×1\)"),
        ({"dim": [5, 2, 2, 2, 2, 300, 1, 1]}, "it is 5-D"),
        ({"datatype": 4242}, "unknown data type code 4242"),
        ({"datatype": 128}, "voxels are RGB"),
        ({"datatype": 32}, "voxels are complex64"),
        ({"vox_offset": 1e30}, "voxel data start at byte 1e"),
        ({"vox_offset": 20}, "voxel data start at byte 20"),
        ({"vox_offset": 1e6}, "before its voxel data|promises"),
        ({"scl_slope": 2, "scl_inter": np.nan}, "intensity scaling cannot be used"),
        ({"magic": b"abc"}, "NIfTI magic is b'abc"),
        ({"magic": b""}, "Analyze 7.5"),
        ({"sizeof_hdr": 1234}, "not a NIfTI file"),
    ],
)
@pytest.mark.parametrize("packed", [False, True])
def test_a_bad_header_is_named(tmp_path, make, fields, reason, packed):
    path = tmp_path / "bad.nii.gz"
    data = patched(make, **fields)
    path.write_bytes(gzip.compress(data) if packed else data)
    if packed and "promises" in reason:
        reason = "truncated|promises|ends before"
    with pytest.raises(DataError, match=reason):
        read(path)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "the file is empty"),
        (b"<!DOCTYPE html><html>login</html>", "a web page"),
        (b"\n <html>", "a web page"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:00\n", "git lfs pull"),
        (b"\x5c\x01\x00\x00" + bytes(20), "header ends after 24 bytes"),
        (b"PK\x03\x04" + bytes(600), "not a NIfTI file"),
        (gzip.compress(b""), "the file is empty"),
        (gzip.compress(b"<html>"), "a web page"),
    ],
)
def test_what_is_not_nifti_is_named(tmp_path, content, reason):
    path = tmp_path / "x_flair.nii.gz"
    path.write_bytes(content)
    with pytest.raises(DataError, match=reason):
        read_header(path)


def test_a_header_without_orientation_and_with_a_broken_one(tmp_path, make):
    path = make.save(tmp_path / "v.nii", make.brain(), affine=None)
    with pytest.raises(DataError, match="says no orientation"):
        affine_of(read_header(path), path)
    (tmp_path / "w.nii").write_bytes(patched(make, sform_code=0, qform_code=1, quatern_b=3, quatern_c=3))
    with pytest.raises(DataError, match="its qform cannot be used"):
        affine_of(read_header(tmp_path / "w.nii"), path)


@given(st.binary(max_size=600), st.sampled_from([b"", b"\x5c\x01\0\0", b"\0\0\x01\x5c", b"\x1c\x02\0\0"]))
def test_any_bytes_are_a_header_or_refused_by_name(tmp_path_factory, tail, start):
    path = tmp_path_factory.mktemp("h") / "v.nii"
    path.write_bytes(start + tail)
    try:
        header = read_header(path)
    except DataError:
        return
    assert 0 < np.prod(header.get_data_shape()[:3], dtype=float) * header.get_data_dtype().itemsize <= 1 << 30


def test_a_shape_in_words():
    assert times((240, 240, 155)) == "240×240×155"


def test_compression_is_read_from_the_content_not_the_name(tmp_path, make):
    data = make.nifti_bytes(make.brain())
    (tmp_path / "plain.nii.gz").write_bytes(data)
    (tmp_path / "packed.nii").write_bytes(gzip.compress(data))
    for name in ("plain.nii.gz", "packed.nii"):
        np.testing.assert_array_equal(read(tmp_path / name)[1], make.brain())


@pytest.mark.parametrize("members", [2, 5])
def test_several_gzip_streams_in_a_file(tmp_path, make, members):
    data = make.nifti_bytes(make.brain())
    cut = -(-len(data) // members)
    parts = [gzip.compress(data[start : start + cut]) for start in range(0, len(data), cut)]
    (tmp_path / "v.nii.gz").write_bytes(b"".join(parts) + bytes(512))
    np.testing.assert_array_equal(read(tmp_path / "v.nii.gz")[1], make.brain())


@pytest.mark.parametrize("cut", [5, 200, -9, -4, -1])
def test_truncated_gzip_is_named(tmp_path, make, cut):
    path = tmp_path / "x.nii.gz"
    path.write_bytes(gzip.compress(make.nifti_bytes(make.brain()))[:cut])
    with pytest.raises(DataError, match=r"x\.nii\.gz: cannot read voxel data \(file truncated\?\); copy it again"):
        read(path)


def test_damaged_gzip_is_named_even_where_it_inflates(tmp_path, make):
    packed = bytearray(gzip.compress(make.nifti_bytes(make.brain()), 0))
    packed[1000] ^= 1
    (tmp_path / "x.nii.gz").write_bytes(packed)
    with pytest.raises(DataError, match="compressed data damaged"):
        read(tmp_path / "x.nii.gz")


def test_a_compressed_file_much_longer_than_announced_is_refused(tmp_path, make):
    (tmp_path / "bomb.nii.gz").write_bytes(gzip.compress(make.nifti_bytes(make.brain()) + bytes(50_000_000)))
    with pytest.raises(DataError, match="more data than its header says"):
        read(tmp_path / "bomb.nii.gz")


def test_what_is_not_a_file_is_named(tmp_path):
    (tmp_path / "folder.nii").mkdir()
    (tmp_path / "dangling.nii").symlink_to(tmp_path / "gone")
    (tmp_path / "empty.nii").touch()
    (tmp_path / "device.nii").symlink_to("/dev/zero")
    os.mkfifo(tmp_path / "pipe.nii")
    for name, reason in {
        "folder.nii": "this is a folder",
        "dangling.nii": "this link leads nowhere",
        "empty.nii": "the file is empty",
        "device.nii": "not a regular file",
        "pipe.nii": "not a regular file",
        "gone.nii": "no such file",
    }.items():
        with pytest.raises(DataError, match=f"{name}: .*{reason}"):
            read_header(tmp_path / name)
