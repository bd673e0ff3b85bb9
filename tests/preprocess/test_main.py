import csv
import json
import subprocess
import sys

import pytest
from PIL import Image
from preprocess.__main__ import main


@pytest.fixture(scope="module")
def phantom(tmp_path_factory):
    folder = tmp_path_factory.mktemp("phantom")
    assert main(["phantom", "--out", str(folder), "--subjects", "1", "-j", "1"]) == 0
    return folder


def test_builds_the_papers_slices_from_a_phantom(phantom, tmp_path, capsys):
    out = tmp_path / "slices"
    assert main(["build", "--brats", str(phantom), "--out", str(out), "--subjects", "001", "-j", "1"]) == 0
    assert "48 slices of 1 subjects" in capsys.readouterr().out
    with open(out / "manifest.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [int(row["slice"]) for row in rows] == list(range(60, 108))
    assert rows[0]["file"] == "BraTS20_Training_001_img_00060.png"
    assert {row["split"] for row in rows} == {"train"}
    assert all(int(row["brain_pixels"]) > 5000 for row in rows)
    for row in rows:
        with Image.open(out / row["file"]) as image:
            assert (image.mode, image.size) == ("L", (256, 256))
    description = json.loads((out / "dataset.json").read_bytes())
    assert (description["format"], description["version"], description["slices"]) == ("slice set", 1, 48)
    assert {path.name for path in out.iterdir()} == {row["file"] for row in rows} | {
        "manifest.csv", "overview.png", "dataset.json"}  # fmt: skip


def test_a_missing_subject_is_named_with_what_was_found(phantom, tmp_path, capsys):
    assert main(["build", "--brats", str(phantom), "--out", str(tmp_path / "s"), "--subjects", "001-003"]) == 1
    message = capsys.readouterr().err
    assert "no subject 002, 003" in message
    assert "1 found: BraTS20_Training_001" in message
    assert message.count("\n") == 1


@pytest.mark.parametrize("arguments", [["--help"], ["build", "--help"], ["phantom", "--help"], ["verify", "--help"]])
def test_help_is_printed(arguments):
    run = subprocess.run([sys.executable, "-m", "preprocess", *arguments], capture_output=True, text=True)
    assert run.returncode == 0
    assert "usage: python -m preprocess" in run.stdout
