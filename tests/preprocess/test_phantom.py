import gzip

import nibabel as nib
import numpy as np
import pytest
from preprocess.errors import DataError
from preprocess.phantom import AFFINE, SHAPE, encode_nifti, make_phantom, write_phantoms
from preprocess.slices import apply_window, percentiles


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    out = tmp_path_factory.mktemp("phantom")
    write_phantoms(out, 2, 0, 2)
    return out


@pytest.fixture(scope="module")
def phantoms(folder):
    return [
        tuple(np.asarray(nib.load(path).dataobj) for path in sorted((folder / f"phantom_{n:03d}").iterdir()))
        for n in (1, 2)
    ]


def test_the_files_are_those_of_brats(folder):
    for number in (1, 2):
        stem = f"phantom_{number:03d}"
        flair = nib.load(folder / stem / f"{stem}_flair.nii.gz")
        seg = nib.load(folder / stem / f"{stem}_seg.nii.gz")
        assert (flair.shape, flair.get_data_dtype()) == (SHAPE, np.int16)
        assert (seg.shape, seg.get_data_dtype()) == (SHAPE, np.uint8)
        np.testing.assert_array_equal(flair.affine, [[-1, 0, 0, 0], [0, -1, 0, 239], [0, 0, 1, 0], [0, 0, 0, 1]])
        np.testing.assert_array_equal(seg.affine, flair.affine)
        assert nib.aff2axcodes(flair.affine) == ("L", "P", "S")


def test_the_same_seed_and_number_give_the_same_volume_in_any_process(folder):
    path = folder / "phantom_002" / "phantom_002_flair.nii.gz"
    assert path.read_bytes() == encode_nifti(make_phantom(0, 2)[0], AFFINE)


def test_brains_differ(phantoms):
    assert (phantoms[0][0] != phantoms[1][0]).mean() > 0.1


def test_a_brain_in_empty_space(phantoms):
    for flair, _ in phantoms:
        brain = flair > 0
        assert flair.min() == 0
        # Real volumes: 14 to 20 % brain, 120 to 145 mm wide, 160 to 180 mm long.
        assert 0.12 < brain.mean() < 0.22
        for axis, (low, high) in enumerate([(110, 150), (150, 185), (110, 140)]):
            others = tuple(other for other in range(3) if other != axis)
            assert low < np.count_nonzero(brain.any(axis=others)) < high
        assert brain[:, :, 60:108].any(axis=(0, 1)).all()


def test_a_bright_tumour_with_labels_in_the_papers_slices(phantoms):
    places = []
    for flair, seg in phantoms:
        assert set(np.unique(seg)) <= {0, 1, 2, 4}
        tumour = seg > 0
        assert 3_000 < tumour.sum() < 250_000
        assert tumour[:, :, 60:108].any()
        assert not tumour[flair == 0].any()
        assert np.median(flair[tumour]) > 1.2 * np.median(flair[(flair > 0) & ~tumour])
        places.append(np.argwhere(tumour).mean(axis=0))
    assert np.linalg.norm(places[0] - places[1]) > 10


def test_brightness_through_the_window_is_that_of_real_volumes(phantoms):
    for flair, seg in phantoms:
        low, high = percentiles(flair, (0.1, 99.9))
        grey = apply_window(flair, low, high)
        assert 80 < np.median(grey[flair > 0]) < 190
        assert (grey[seg > 0] == 255).mean() < 0.25


def test_real_data_are_never_written_over(tmp_path, make, folder):
    subject = make.subject(tmp_path / "real")
    with pytest.raises(DataError, match="holds BraTS20_Training_001, which is not a phantom"):
        write_phantoms(tmp_path / "real", 1, 0, 1)
    assert subject.volume.stat().st_size < 10_000
    (tmp_path / "file").touch()
    with pytest.raises(DataError, match="a file, not a folder"):
        write_phantoms(tmp_path / "file", 1, 0, 1)


def test_an_earlier_phantom_is_replaced(tmp_path, monkeypatch):
    def quick(seed, number):
        return np.full((4, 4, 4), number, np.int16), np.zeros((4, 4, 4), np.uint8)

    monkeypatch.setattr("preprocess.phantom.make_phantom", quick)
    write_phantoms(tmp_path / "p", 3, 0, 1)
    (tmp_path / "p" / "phantom_002" / "phantom_002_flair.nii.gz").unlink()
    write_phantoms(tmp_path / "p", 2, 0, 1)
    assert sorted(path.name for path in tmp_path.rglob("*.*")) == [
        "phantom_001_flair.nii.gz", "phantom_001_seg.nii.gz",
        "phantom_002_flair.nii.gz", "phantom_002_seg.nii.gz"]


def test_the_compressed_file_has_no_time_in_it():
    data = encode_nifti(np.zeros((2, 3, 4), np.int16), AFFINE)
    assert data == encode_nifti(np.zeros((2, 3, 4), np.int16), AFFINE)
    assert len(gzip.decompress(data)) == 352 + 48
