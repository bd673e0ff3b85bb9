"""What holds on real BraTS volumes; name their folder in DCGAN_MRI_BRATS to run it."""

import csv
import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from preprocess.__main__ import main
from preprocess.subjects import find_subjects
from preprocess.volumes import load_volume

FOLDER = os.environ.get("DCGAN_MRI_BRATS", "")
pytestmark = pytest.mark.skipif(not os.path.isdir(FOLDER), reason="DCGAN_MRI_BRATS names no folder of BraTS volumes")


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    out = tmp_path_factory.mktemp("real") / "set"
    assert main(["build", "--brats", FOLDER, "--out", str(out), "--subjects", "first:3"]) == 0
    with open(out / "manifest.csv", newline="") as file:
        return out, list(csv.DictReader(file))


def test_every_slice_shows_a_brain(made):
    out, rows = made
    assert len(rows) == 3 * 48
    for row in rows:
        assert int(row["brain_pixels"]) > 3000
        with Image.open(out / row["file"]) as image:
            assert (image.mode, image.size) == ("L", (256, 256))
            assert np.asarray(image).max() > 100


def test_brains_are_evenly_bright_and_tumours_are_brighter_but_not_washed_out(made):
    out, rows = made
    chosen = {row["subject"] for row in rows}
    medians = []
    for subject in find_subjects(Path(FOLDER)):
        if subject.name not in chosen:
            continue
        own = [row for row in rows if row["subject"] == subject.name]
        grey = np.stack([np.asarray(Image.open(out / row["file"]).resize((240, 240))) for row in own], axis=-1)
        first, last = int(own[0]["slice"]), int(own[-1]["slice"]) + 1
        part = np.s_[:, :, first:last]
        brain = load_volume(subject.volume).voxels[part].swapaxes(0, 1) > 0
        medians.append(np.median(grey[brain]))
        if subject.seg:
            tumour = load_volume(subject.seg).voxels[part].swapaxes(0, 1) > 0
            assert np.median(grey[tumour]) > np.median(grey[brain])
            assert (grey[tumour] == 255).mean() <= 0.25
    assert max(medians) <= 2 * min(medians)
