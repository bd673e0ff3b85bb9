import gzip

import nibabel as nib
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from preprocess.errors import DataError
from preprocess.header import parse_header, times
from preprocess.nifti import read_header, read_nifti


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
        ({"datatype": 128}, "voxels are RGB24"),
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
        read_nifti(path)


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
    header = read_header(path)
    assert (header.affine, header.affine_source) == (None, "none")
    (tmp_path / "w.nii").write_bytes(patched(make, sform_code=0, qform_code=1, quatern_b=3, quatern_c=3))
    header = read_header(tmp_path / "w.nii")
    assert np.isnan(header.affine).all()
    assert header.affine_source.startswith("qform (")


@given(st.binary(max_size=600), st.sampled_from([b"", b"\x5c\x01\0\0", b"\0\0\x01\x5c", b"\x1c\x02\0\0"]))
def test_any_bytes_are_a_header_or_refused_by_name(tail, start):
    try:
        header = parse_header(start + tail, "v.nii")
    except DataError:
        return
    assert 0 < header.volume_bytes <= 1 << 30


def test_a_shape_in_words():
    assert times((240, 240, 155)) == "240×240×155"
