import csv
import dataclasses
import json
import os
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image
from preprocess.dataset import Plan, build
from preprocess.errors import DataError, OutputError, UsageError
from preprocess.selection import SliceChoice
from preprocess.verify import check_set


@pytest.fixture
def data(tmp_path, make):
    """Three subjects, the second with labels."""
    root = tmp_path / "data"
    brain = make.brain()
    labels = np.zeros(brain.shape, np.uint8)
    labels[5:9, 6:9, 3:5] = 4
    make.subject(root, "BraTS20_Training_001", brain)
    make.subject(root, "BraTS20_Training_002", brain[::-1].copy(), seg=labels)
    make.subject(root, "BraTS20_Training_003", brain[:, ::-1].copy(), affine=np.diag([-1.0, 1.0, 1.0, 1.0]))
    return root


@pytest.fixture
def plan(data, tmp_path, small):
    return Plan(data, tmp_path / "set", "all", settings=small)


def rows_of(folder):
    with open(folder / "manifest.csv", newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def content(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_a_set_is_complete_and_says_everything(plan, small):
    outcome = build(plan)
    assert (outcome.slices, outcome.subjects, outcome.left_out, outcome.already) == (15, 3, {}, False)
    rows = rows_of(plan.out)
    assert [(row["subject"][-1], row["slice"]) for row in rows] == [(s, str(i)) for s in "123" for i in range(2, 7)]
    assert [row["tumour_pixels"] for row in rows] == [""] * 5 + ["0", "12", "12", "0", "0"] + [""] * 5
    description = json.loads((plan.out / "dataset.json").read_bytes())
    assert (description["format"], description["version"]) == ("slice set", 1)
    assert (description["slices"], description["size"], description["subjects"]) == (15, 32, 3)
    assert description["settings"]["window_percentiles"] == [0.1, 99.9]
    assert description["settings"]["slices"] == {"kind": "index", "ranges": [[2, 6]], "min_tumour_pixels": None}
    assert set(description["versions"]) == {"python", "numpy", "nibabel", "pillow", "zlib"}
    assert set(description["sources"]["BraTS20_Training_002"]) == {"volume", "sha256", "seg", "seg_sha256"}
    assert set(content(plan.out)) == {row["file"] for row in rows} | {"manifest.csv", "dataset.json", "overview.png"}
    assert check_set(plan.out) == []
    with Image.open(plan.out / rows[0]["file"]) as image:
        assert (image.mode, image.size) == ("L", (32, 32))


def test_the_same_bytes_on_any_number_of_workers(plan, tmp_path):
    build(plan)
    build(dataclasses.replace(plan, out=tmp_path / "other", workers=3))
    assert content(tmp_path / "other") == content(plan.out)


def test_a_finished_set_is_left_alone(plan):
    build(plan)
    before = {path: path.stat().st_mtime_ns for path in plan.out.iterdir()}
    assert build(dataclasses.replace(plan, workers=2)).already
    assert {path: path.stat().st_mtime_ns for path in plan.out.iterdir()} == before


def test_volumes_stored_in_different_orientations_are_pointed_out(plan):
    (note,) = build(plan).notes
    assert "not all stored in the same orientation: LAS 1×, LPS 2× (the first LAS is BraTS20_Training_003)" in note
    assert build(plan).notes == [note]


def test_slices_without_brain_are_pointed_out(plan, make, data):
    empty = make.brain()
    empty[:, :, 3] = 0
    make.subject(data, "BraTS20_Training_001", empty)
    assert "slices that show no brain: 1 " in build(dataclasses.replace(plan, subjects="1-2")).notes[0]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"subjects": "001-002"}, "other subjects (3, now 2)"),
        ({"split": 0.5}, "other settings (split: null, now 0.5)"),
        ({"size": 16}, "other settings (size: 32, now 16)"),
        ({"window_percent": (1.0, 99.0)}, "other settings (window percentiles: [0.1, 99.9], now [1.0, 99.0])"),
        ({"slices": SliceChoice("index", ((2, 5),))}, "other settings (slices: "),
        ({"orientation": "stored"}, 'other settings (orientation: "header", now "stored")'),
    ],
)
def test_changed_settings_are_refused_unless_overwritten(plan, change, words, tmp_path):
    build(plan)
    of_plan = {key: value for key, value in change.items() if hasattr(plan, key)}
    of_settings = {key: value for key, value in change.items() if not hasattr(plan, key)}
    other = dataclasses.replace(plan, settings=dataclasses.replace(plan.settings, **of_settings), **of_plan)
    before = content(plan.out)
    with pytest.raises(DataError) as caught:
        build(other)
    assert words in str(caught.value)
    assert "--overwrite" in str(caught.value)
    assert content(plan.out) == before
    build(dataclasses.replace(other, overwrite=True))
    build(dataclasses.replace(other, out=tmp_path / "fresh"))
    assert content(plan.out) == content(tmp_path / "fresh")


def test_a_changed_volume_or_a_damaged_set_is_not_taken_for_complete(plan, data, make, tmp_path):
    build(plan)
    make.subject(data, "BraTS20_Training_001", make.brain()[::-1].copy())
    with pytest.raises(DataError, match=r"_001_flair\.nii\.gz: changed since the set was built\); use --overwrite"):
        build(plan)
    build(dataclasses.replace(plan, overwrite=True))
    (plan.out / "BraTS20_Training_002_img_00003.png").unlink()
    with pytest.raises(DataError, match=r"002_img_00003\.png: missing"):
        build(plan)
    build(dataclasses.replace(plan, overwrite=True))
    build(dataclasses.replace(plan, out=tmp_path / "fresh"))
    assert content(plan.out) == content(tmp_path / "fresh")


def test_a_folder_with_other_files_is_refused_and_untouched(plan):
    plan.out.mkdir()
    (plan.out / "thesis.tex").write_text("mine")
    for overwrite in (False, True):
        with pytest.raises(DataError, match=r"not empty and not a slice set \(it has thesis\.tex\)"):
            build(dataclasses.replace(plan, overwrite=overwrite))
    assert os.listdir(plan.out) == ["thesis.tex"]


def test_a_file_in_the_place_of_the_folder_is_refused(plan):
    plan.out.write_text("mine")
    with pytest.raises(DataError, match="this is a file, not a folder"):
        build(plan)


def test_the_split_is_by_subject_and_recorded(plan):
    build(dataclasses.replace(plan, split=0.3))
    parts = {}
    for row in rows_of(plan.out):
        parts.setdefault(row["split"], set()).add(row["subject"])
    assert set(parts) == {"train", "held-out"}
    assert not parts["train"] & parts["held-out"]
    assert (len(parts["train"]), len(parts["held-out"])) == (2, 1)
    with pytest.raises(UsageError, match="--split needs at least two subjects"):
        build(dataclasses.replace(plan, subjects="1", split=0.3, overwrite=True))


def test_without_keep_going_nothing_counts_as_a_set_and_the_rest_is_kept(plan, data):
    broken = data / "BraTS20_Training_002" / "BraTS20_Training_002_flair.nii.gz"
    whole = broken.read_bytes()
    broken.write_bytes(whole[:-20])
    with pytest.raises(DataError, match="002_flair.nii.gz: cannot read voxel data"):
        build(plan)
    assert not (plan.out / "dataset.json").exists()
    assert (plan.out / ".unfinished" / "BraTS20_Training_001.record.json").exists()
    broken.write_bytes(whole)
    assert build(plan).subjects == 3


def test_keep_going_finishes_without_the_broken_and_says_so_each_time(plan, data):
    (data / "BraTS20_Training_002" / "BraTS20_Training_002_flair.nii.gz").write_bytes(b"<html>")
    going = dataclasses.replace(plan, subjects="001-004", keep_going=True)
    for _ in range(2):
        outcome = build(going)
        assert (outcome.slices, outcome.subjects) == (10, 2)
        assert "a web page" in outcome.left_out["BraTS20_Training_002"]
        assert "no subject 004" in outcome.left_out["not found"]
    assert check_set(plan.out) == []
    assert json.loads((plan.out / "dataset.json").read_bytes())["left_out"].keys() == {"BraTS20_Training_002"}


def test_keep_going_with_nothing_left_is_an_error(plan, data):
    (data / "BraTS20_Training_001" / "BraTS20_Training_001_flair.nii.gz").write_bytes(b"")
    with pytest.raises(DataError, match="none of its 1 subjects could be used .*the file is empty"):
        build(dataclasses.replace(plan, subjects="1", keep_going=True))
    assert not (plan.out / "dataset.json").exists()


def test_a_slip_in_skip_is_pointed_out(plan):
    (_, note) = build(dataclasses.replace(plan, skip="2,BraTS20_Trainnig_003")).notes
    assert note == f"--skip BraTS20_Trainnig_003: there is no such subject in {plan.brats}"


def test_skipping_everything_is_refused(plan):
    with pytest.raises(UsageError, match="--skip leaves no subject"):
        build(dataclasses.replace(plan, skip="1-3"))


def test_an_unfinished_set_with_other_settings_is_refused_unless_overwritten(plan, data, tmp_path):
    broken = data / "BraTS20_Training_003" / "BraTS20_Training_003_flair.nii.gz"
    whole = broken.read_bytes()
    broken.write_bytes(b"")
    with pytest.raises(DataError, match="empty"):
        build(plan)
    broken.write_bytes(whole)
    other = dataclasses.replace(plan, settings=dataclasses.replace(plan.settings, size=16))
    with pytest.raises(DataError, match="an unfinished set with other settings .size: 32, now 16"):
        build(other)
    build(dataclasses.replace(other, overwrite=True))
    build(dataclasses.replace(other, out=tmp_path / "fresh"))
    assert content(plan.out) == content(tmp_path / "fresh")


def test_a_full_disk_is_a_clear_error_and_the_next_run_goes_on(plan, tmp_path):
    """The limit on a file's size stands for the disk: the write fails halfway through a slice."""
    code = (
        "import resource, sys; from preprocess.__main__ import main\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (600, resource.RLIM_INFINITY))\n"
        f"sys.exit(main(['build', '--brats', {str(plan.brats)!r}, '--out', {str(plan.out)!r}, '--subjects', 'all',"
        " '--slices', '2-6', '--size', '32', '-j', '1', '--keep-going']))"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert run.returncode == 1
    last = run.stderr.strip().splitlines()[-1]
    assert "cannot write (file too large); free some space; the same command then goes on" in last
    assert "Traceback" not in run.stderr
    assert not (plan.out / "dataset.json").exists()
    assert not list(plan.out.rglob("*.tmp"))
    assert build(plan).slices == 15
    build(dataclasses.replace(plan, out=tmp_path / "fresh"))
    assert content(plan.out) == content(tmp_path / "fresh")


def test_two_runs_into_one_folder(plan):
    from preprocess.storage import exclusive

    with exclusive(plan.out / ".unfinished"), pytest.raises(OutputError, match="another run is writing"):
        build(plan)
    assert build(plan).slices == 15


def test_spaces_and_other_alphabets_in_names(tmp_path, make, small):
    for name in ("Anna Müller, 3", "患者 1", "-x"):
        make.save(tmp_path / "my data" / f"{name}.nii.gz", make.brain())
    outcome = build(Plan(tmp_path / "my data", tmp_path / "the set", "all", settings=small, workers=2))
    assert (outcome.subjects, outcome.left_out) == (3, {})
    assert check_set(tmp_path / "the set") == []
    assert {row["subject"] for row in rows_of(tmp_path / "the set")} == {"Anna Müller, 3", "患者 1", "-x"}
