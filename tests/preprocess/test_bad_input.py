"""The table of bad inputs: each is one line that names file, reason and remedy; the other subjects are still done."""

import gzip
import os

import numpy as np
import pytest
from preprocess.__main__ import main
from preprocess.slice_set import check_set

BAD = "BraTS20_Training_002"


def packed(make, **options):
    return gzip.compress(make.nifti_bytes(options.pop("voxels", make.brain()), **options))


def patch(make, place, value):
    data = bytearray(make.nifti_bytes(make.brain()))
    data[place : place + len(value)] = value
    return gzip.compress(bytes(data))


def make_pair_without_image(make, path):
    header = bytearray(make.nifti_bytes(make.brain())[:352])
    header[344:348] = b"ni1\0"
    path.with_name(path.name.replace(".nii.gz", ".hdr")).write_bytes(bytes(header))


CASES = {
    "truncated gzip": (lambda make, path: path.write_bytes(packed(make)[:-300]), "file truncated"),
    "damaged gzip": (
        lambda make, path: path.write_bytes(packed(make)[:-8] + b"\1\2\3\4\5\6\7\x08"), "compressed data damaged"),
    "truncated plain file": (
        lambda make, path: path.write_bytes(make.nifti_bytes(make.brain())[:-300]), "file truncated"),
    "web page": (lambda make, path: path.write_bytes(b"<!DOCTYPE html><title>Log in</title>"), "a web page"),
    "Git LFS pointer": (
        lambda make, path: path.write_bytes(b"version https://git-lfs.github.com/spec/v1\n"), "git lfs pull"),
    "empty file": (lambda make, path: path.write_bytes(b""), "the file is empty"),
    "folder": (lambda make, path: path.mkdir(), "this is a folder"),
    "dangling link": (lambda make, path: path.symlink_to("gone.nii.gz"), "this link leads nowhere"),
    "link to itself": (lambda make, path: path.symlink_to(path.name), "link leads in a circle"),
    "absurd dimensions": (
        lambda make, path: path.write_bytes(patch(make, 42, b"\x30\x75\x30\x75\x30\x75")), "over the limit"),
    "dimensions beyond the file": (
        lambda make, path: path.write_bytes(patch(make, 42, b"\xf4\x01\xf4\x01\xf4\x01")), "truncated"),
    "bad data type code": (lambda make, path: path.write_bytes(patch(make, 70, b"\x99\x99")), "unknown data type code"),
    "complex numbers": (lambda make, path: path.write_bytes(patch(make, 70, b"\x20\0")), "voxels are complex64"),
    "missing .img": (make_pair_without_image, r"_flair.img is missing"),
    "Analyze header": (lambda make, path: path.write_bytes(patch(make, 344, bytes(4))), "Analyze 7.5"),
    "NaN only": (
        lambda make, path: path.write_bytes(packed(make, voxels=np.full((9, 9, 9), np.nan, "f4"))), "all NaN"),
    "all zero": (
        lambda make, path: path.write_bytes(packed(make, voxels=np.zeros((9, 9, 9), "i2"))), "all its voxels are 0"),
    "constant": (
        lambda make, path: path.write_bytes(packed(make, voxels=np.full((9, 9, 9), 5, "u1"))), "the same value, 5"),
    "2-D": (lambda make, path: path.write_bytes(packed(make, voxels=np.ones((9, 9, 1), "i2"))), "2-D image"),
    "ambiguous 4-D": (
        lambda make, path: path.write_bytes(packed(make, voxels=np.ones((9, 9, 9, 4), "i2"))), "--channel 0 … 3"),
    "no orientation": (lambda make, path: path.write_bytes(packed(make, affine=None)), "--orientation stored"),
    "too few slices": (
        lambda make, path: path.write_bytes(packed(make, voxels=make.brain((20, 24, 5)))), "slice 6 was asked for"),
}


@pytest.fixture
def build(tmp_path, make, capsys):
    """Run the command line over one good and one bad subject; gives its status and its last line."""

    def run(prepare, *options):
        make.subject(tmp_path / "data", "BraTS20_Training_001")
        folder = tmp_path / "data" / BAD
        folder.mkdir()
        prepare(make, folder / f"{BAD}_flair.nii.gz")
        status = main(["build", "--brats", str(tmp_path / "data"), "--out", str(tmp_path / "set"), "--subjects", "all",
                       "--slices", "2-6", "--size", "16", "-j", "1", *options])
        error = capsys.readouterr().err
        assert "Traceback" not in error
        # The progress bar names the subject that it has finished; it is not a message.
        lines = error.replace("\r", "\n").splitlines()
        return status, [line for line in lines if BAD in line and "subject/s" not in line]

    return run


@pytest.mark.parametrize("case", CASES)
def test_bad_input_is_one_line_and_the_rest_is_done(build, tmp_path, case):
    prepare, reason = CASES[case]
    status, lines = build(prepare, "--keep-going")
    assert status == 1
    assert len(lines) == 1
    line = lines[0]
    assert line.startswith(f"left out: {tmp_path / 'data' / BAD / BAD}_flair.")
    assert reason in line
    assert "; " in line
    assert check_set(tmp_path / "set") == []
    assert len(list((tmp_path / "set").glob("BraTS20_Training_001_img_*.png"))) == 5
    assert not list((tmp_path / "set").glob(f"{BAD}*"))


def test_without_keep_going_it_ends_there(build, tmp_path):
    status, lines = build(CASES["web page"][0])
    assert status == 1
    assert lines[0].startswith("preprocess: error: ")
    assert not (tmp_path / "set" / "dataset.json").exists()


def test_labels_of_another_shape(build, tmp_path, make):
    def prepare(make, path):
        make.subject(tmp_path / "other", BAD, seg=np.zeros((20, 24, 9), np.uint8))
        for file in (tmp_path / "other" / BAD).iterdir():
            os.rename(file, path.parent / file.name)

    status, lines = build(prepare, "--keep-going")
    assert status == 1
    assert f"{BAD}_seg.nii.gz: its shape 20×24×9 is not the volume's 20×24×10; " in lines[0]


def test_a_subject_that_escapes_the_folder_is_not_found(build, tmp_path, capsys, make):
    make.subject(tmp_path / "data", "BraTS20_Training_001")
    status = main(["build", "--brats", str(tmp_path / "data"), "--out", str(tmp_path / "set"), "--subjects",
                   "../../etc/passwd"])
    assert status == 1
    assert "no subject ../../etc/passwd; 1 found: BraTS20_Training_001" in capsys.readouterr().err
    assert not (tmp_path / "set").exists()
