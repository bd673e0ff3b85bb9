import numpy as np
import pytest
from preprocess.build import Plan, build
from preprocess.errors import DataError
from preprocess.inspection import inspect
from preprocess.settings import parse_slices
from preprocess.settings import Settings


def text_of(path, settings):
    ((lines, usable),) = inspect(path, settings)
    return "\n".join(lines), usable


def test_says_what_a_file_is_and_what_would_be_made_of_it(tmp_path, make, small):
    brain = make.brain()
    labels = np.zeros(brain.shape, np.uint8)
    labels[5:9, 6:9, 3:5] = 4
    subject = make.subject(tmp_path, voxels=brain.astype("f4"), seg=labels, slope=2.0, inter=5.0, endianness=">")
    text, usable = text_of(subject.volume, small)
    assert usable
    low, high = np.percentile(brain * 2.0 + 5, [0.1, 99.9])
    for words in (
        f"BraTS20_Training_001  {subject.volume}",
        "shape        20×24×10",
        "data type    float32, big-endian",
        "spacing      1 × 1 × 1 mm",
        "orientation  LPS (from sform)",
        "scaling      stored × 2 + 5",
        f"min 5, 0.1 % {low:g}",
        f"99.9 % {high:g}, max {brain.max() * 2 + 5:g}",
        "background   5, ",
        "labels       tumour in 2 slices",
        "build        5 slices: 2 … 6 of 0 … 9, at 2 … 6 mm",
        f"the array is taken as it lies; {low:g} becomes black, {high:g} white",
        "20 × 24 mm become 32×32 pixels",
    ):
        assert words in text


def test_says_what_is_odd_about_a_file(tmp_path, make, small):
    voxels = -make.brain().astype("f8")
    voxels[0, 0, 0] = np.nan
    path = make.save(tmp_path / "odd.nii", voxels, affine=np.diag([1.0, 1.0, 2.0, 1.0]), slope=-1.0, inter=0)
    data = bytearray(path.read_bytes())
    data[84:88] = np.float32(9).tobytes()
    path.write_bytes(data)
    text, usable = text_of(path, small)
    assert usable
    assert "spacing      1 × 9 × 2 mm by pixdim, 1 × 1 × 2 mm by the affine" in text
    assert "orientation  RAS" in text
    assert "the array is turned" in text
    assert "1 voxels (NaN or infinite" in text
    assert "not uniform" in text
    assert "no _seg file" in text
    assert "min 0," in text


def test_says_why_build_would_refuse_a_file(tmp_path, make):
    path = make.save(tmp_path / "v.nii.gz", make.brain(), affine=None)
    text, usable = text_of(path, Settings(slices=parse_slices("2-6")))
    assert not usable
    assert "shape        20×24×10" in text
    assert "orientation  unusable: its header says no orientation" in text
    assert "build        refuses it: " in text
    text, usable = text_of(path, Settings(slices=parse_slices("2-6"), orientation="stored"))
    assert usable
    assert "the array is taken as it lies" in text
    text, usable = text_of(tmp_path / "none.nii", Settings())
    assert not usable
    assert "no such file" in text


def test_every_volume_of_a_folder(tmp_path, make, small):
    make.subject(tmp_path, "A")
    make.save(tmp_path / "imagesTr" / "BRATS_001.nii.gz", np.stack([make.brain()] * 4, axis=-1))
    (tmp_path / "B").mkdir()
    (tmp_path / "B" / "B_flair.nii").write_bytes(b"<html>")
    results = list(inspect(tmp_path, small))
    assert [(lines[0].split()[0], usable) for lines, usable in results] == [
        ("A", True), ("B", False), ("BRATS_001", True)]
    with pytest.raises(DataError, match="no t2 volume"):
        list(inspect(tmp_path / "A", Settings(modality="t2")))


def test_a_file_is_seen_as_its_data_set_sees_it(tmp_path, make, small):
    path = make.save(tmp_path / "imagesTr" / "BRATS_001.nii.gz", np.stack([make.brain()] * 4, axis=-1))
    text, usable = text_of(path, small)
    assert usable
    assert "shape        20×24×10×4" in text


def test_says_what_build_says_of_links(tmp_path, make, small):
    (tmp_path / "data").mkdir()
    subject = make.subject(tmp_path / "store")
    (tmp_path / "data" / "BraTS20_Training_001").symlink_to(subject.volume.parent)
    (tmp_path / "data" / "BraTS20_Training_002").symlink_to("gone")
    results = [("\n".join(lines), usable) for lines, usable in inspect(tmp_path / "data", small)]
    assert [usable for _, usable in results] == [True, False]
    with pytest.raises(DataError) as caught:
        build(Plan(tmp_path / "data", tmp_path / "set", "all", settings=small))
    assert f"build        refuses it: {caught.value}" in results[1][0]


def test_says_that_build_leaves_a_mask_out(tmp_path, make, small):
    path = make.save(tmp_path / "OTMultiClass.nii", (make.brain() > 0).astype("u1"))
    text, usable = text_of(path, small)
    assert usable
    assert "build        leaves it out: " in text
    assert "OTMultiClass.nii: it looks like a mask (2 values, all whole numbers); to slice it all the same, use" in text
