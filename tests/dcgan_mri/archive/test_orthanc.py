"""The archive commands against a real Orthanc."""

import os
import subprocess
import sys
import time

import numpy as np
import pytest
from pydicom import dcmread

from dcgan_mri.archive.__main__ import main
from dcgan_mri.archive.dicomweb import Archive
from dcgan_mri.dicom.secondary_capture import secondary_capture
from tests.helpers import ROOT
from tests.orthanc import PASSWORD, USER


@pytest.fixture
def archive(orthanc, capsys):
    """Function that runs a command and gives its status, output and error."""
    def run(*command):
        status = 0
        try:
            main([*map(str, command), "--url", orthanc.url, "--user", USER])
        except SystemExit as end:
            status = end.code
        said = capsys.readouterr()
        return status, said.out, said.err
    return run


def test_goes_on_after_the_server_was_killed_in_the_middle(orthanc, archive, write_images, tmp_path):
    images = write_images(tmp_path / "images", range(100))
    pushing = subprocess.Popen(
        [sys.executable, "-m", "dcgan_mri.archive", "push", images, "--batch", "2", "--url", orthanc.url, "--user",
         USER], cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)}, stderr=subprocess.PIPE, text=True)
    while pushing.poll() is None and orthanc.count() < 30:
        time.sleep(0.01)
    orthanc.kill()
    said, = pushing.communicate(timeout=60)[1].splitlines()
    assert pushing.returncode == 1
    known = int(said.split(" of 100 images are known to be there")[0].split()[-1])

    orthanc.start()
    assert 30 <= orthanc.count() < 100
    assert 28 <= known <= orthanc.count()

    status, out, _ = archive("push", images)
    assert status == 0
    assert out.startswith("100 images are in ")
    assert orthanc.count() == 100
    asked = Archive(orthanc.url, USER, PASSWORD)
    for file in images.iterdir():
        image = dcmread(file)
        assert np.array_equal(asked.pixels(image), image.pixel_array)


def test_list_dry_run_and_push_again(archive, orthanc, write_images, tmp_path):
    images = write_images(tmp_path / "images", range(3), generator="a" * 64)
    more = write_images(tmp_path / "more", range(2), generator="b" * 64)
    assert archive("list") == (0, f"{orthanc.url} has no synthetic images\n", "")
    assert archive("push", images, "--dry-run") == (
        0, f"3 of 3 images would be sent to {orthanc.url}, 0 are there\n", "")
    assert orthanc.count() == 0
    assert archive("push", images)[0] == archive("push", more)[0] == 0
    assert archive("push", images) == (0, f"3 images are in {orthanc.url}, 0 of them new\n", "")
    lines = archive("list")[1].splitlines()
    assert [line.split("  study ")[0] for line in lines] == [
        "SYNTHETIC-aaaaaaaa  3 images", "SYNTHETIC-bbbbbbbb  2 images"]


def test_counts_only_what_comes_back(archive, orthanc, write_images, tmp_path):
    images = write_images(tmp_path / "images", range(1000, 1010))
    status, out, said = archive("push", images)
    assert (status, out) == (1, "")
    assert said.startswith("dcgan_mri.archive: error: 5 of 10 images are not stored, the first is ")
    assert "seed01001.dcm: the archive does not keep it" in said
    assert said.endswith("(5 are there)\n")
    assert orthanc.count() == 5


def test_other_pixels_under_the_same_uid(archive, orthanc, write_images, tmp_path):
    images = write_images(tmp_path / "images", range(3))
    forged = dcmread(images / "seed00001.dcm")
    forged.PixelData = bytes(len(forged.PixelData))
    forged.save_as(tmp_path / "forged.dcm")
    orthanc.ask("POST", "/instances", data=(tmp_path / "forged.dcm").read_bytes())
    status, _, said = archive("push", images)
    assert status == 1
    assert "1 of 3 images are not stored, the first is " in said
    assert "seed00001.dcm: the archive has other pixels under its UID" in said
    assert orthanc.count() == 3


def test_any_bytes_come_back(orthanc, archive, tmp_path):
    # A multipart message has line ends and boundaries, which pixels may look like.
    (tmp_path / "images").mkdir()
    line_ends = np.frombuffer(b"\r\n--\n\r\r\n", np.uint8)
    for seed in range(8):
        grey = np.resize(np.roll(line_ends, seed), (64, 64))
        secondary_capture(np.stack([grey] * 3, axis=2), seed, "c" * 64, False).save_as(
            tmp_path / "images" / f"{seed}.dcm", enforce_file_format=True)
    assert archive("push", tmp_path / "images")[1].startswith("8 images are in ")


@pytest.mark.parametrize(("password", "path", "message"), [
    ("wrong", "/dicom-web", "answers 401 Unauthorized; give --user"),
    (PASSWORD, "/no-web", "answers 404 Not Found; check --url"),
    (PASSWORD, "", "is not that of a DICOMweb archive; check --url")])
def test_wrong_password_or_address(orthanc, write_images, tmp_path, monkeypatch, capsys, password, path, message):
    monkeypatch.setenv("DCGAN_MRI_ARCHIVE_PASSWORD", password)
    images = write_images(tmp_path / "images", range(2))
    url = orthanc.url.removesuffix("/dicom-web") + path
    for command in (["push", str(images)], ["push", str(images), "--dry-run"], ["list"]):
        with pytest.raises(SystemExit) as end:
            main([*command, "--url", url, "--user", USER])
        assert end.value.code == 1
        said, = capsys.readouterr().err.splitlines()
        assert message in said
    assert orthanc.count() == 0
