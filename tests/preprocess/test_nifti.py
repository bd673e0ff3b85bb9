import gzip
import hashlib

import nibabel as nib
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from preprocess.errors import DataError
from preprocess.nifti import read_nifti, source_sha256

DTYPES = ("u1", "i1", "u2", "i2", "u4", "i4", "u8", "i8", "f4", "f8")


@given(
    st.sampled_from(DTYPES),
    st.sampled_from("<>"),
    st.sampled_from([nib.Nifti1Header, nib.Nifti2Header]),
    st.tuples(*[st.integers(2, 5)] * 3),
    st.sampled_from([(), (1,), (1, 1)]),
    st.tuples(st.floats(-1e3, 1e3, width=32).filter(lambda slope: abs(slope) > 1e-3), st.floats(-1e3, 1e3, width=32)),
    st.booleans(),
)
def test_reads_what_nibabel_reads(tmp_path_factory, make, dtype, order, kind, shape, trailing, scaling, packed):
    path = tmp_path_factory.mktemp("n") / ("v.nii.gz" if packed else "v.nii")
    values = np.arange(np.prod(shape)).reshape(shape + trailing).astype(dtype)
    data = make.nifti_bytes(values, slope=scaling[0], inter=scaling[1], endianness=order, header_class=kind)
    path.write_bytes(gzip.compress(data, 1) if packed else data)
    header, voxels, digest = read_nifti(path)
    reference = nib.load(path)
    assert voxels.dtype == np.dtype(dtype)
    assert voxels.dtype.isnative
    np.testing.assert_array_equal(voxels, values.reshape(shape))
    np.testing.assert_allclose(voxels * header.slope + header.inter, reference.get_fdata().reshape(shape), rtol=1e-6)
    np.testing.assert_array_equal(header.affine, reference.affine)
    assert digest == hashlib.sha256(path.read_bytes()).hexdigest() == source_sha256(path)


def test_only_the_chosen_channel_of_a_4d_file_is_read(tmp_path, make):
    values = np.arange(2 * 3 * 4 * 4, dtype=np.int16).reshape(2, 3, 4, 4)
    path = make.save(tmp_path / "BRATS_001.nii.gz", values)
    for channel in range(4):
        np.testing.assert_array_equal(read_nifti(path, channel)[1], values[..., channel])
    with pytest.raises(DataError, match=r"4-D \(2×3×4×4\).*--channel 0 … 3"):
        read_nifti(path)
    with pytest.raises(DataError, match="channels 0 … 3, not 4"):
        read_nifti(path, 4)


def test_a_channel_of_a_3d_file_is_refused(tmp_path, make):
    path = make.save(tmp_path / "v.nii", make.brain())
    assert read_nifti(path, 0)[0].shape == (20, 24, 10)
    with pytest.raises(DataError, match="one volume, not a channel 2"):
        read_nifti(path, 2)


@pytest.mark.parametrize("names", [("a.hdr", "a.img"), ("a.hdr.gz", "a.img.gz"), ("a.HDR", "a.IMG")])
def test_pairs_of_header_and_image(tmp_path, make, names):
    voxels = make.brain()
    image = nib.Nifti1Pair(voxels, make.LPS)
    nib.save(image, tmp_path / "x.hdr")
    for made, name in zip(("x.hdr", "x.img"), names, strict=True):
        data = (tmp_path / made).read_bytes()
        (tmp_path / name).write_bytes(gzip.compress(data) if name.endswith(".gz") else data)
    header, found, digest = read_nifti(tmp_path / names[0])
    np.testing.assert_array_equal(found, voxels)
    assert header.is_pair
    both = (tmp_path / names[0]).read_bytes() + (tmp_path / names[1]).read_bytes()
    assert digest == hashlib.sha256(both).hexdigest() == source_sha256(tmp_path / names[0])


def test_a_pair_without_its_image_is_named(tmp_path, make):
    nib.save(nib.Nifti1Pair(make.brain(), make.LPS), tmp_path / "a.hdr")
    (tmp_path / "a.img").unlink()
    with pytest.raises(DataError, match=r"a\.hdr: its voxel file a\.img is missing; put it beside"):
        read_nifti(tmp_path / "a.hdr")
    (tmp_path / "a.hdr").rename(tmp_path / "a.nii")
    with pytest.raises(DataError, match=r"it is no \.hdr file"):
        read_nifti(tmp_path / "a.nii")


def test_a_plain_file_that_is_too_short_is_named_before_reading(tmp_path, make):
    path = tmp_path / "v.nii"
    path.write_bytes(make.nifti_bytes(make.brain())[:-1])
    with pytest.raises(DataError, match=r"file truncated\? its header promises 9952 bytes, the file has 9951"):
        read_nifti(path)
