import csv
import dataclasses
import itertools
import json
import os
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image
from preprocess.build import Plan, build, load_subject, make_slices
from preprocess.errors import DataError, UsageError
from preprocess.files import built_beside
from preprocess.settings import Settings, SliceChoice, parse_slices
from preprocess.slice_set import check_set
from preprocess.slices import apply_window
from preprocess.subjects import Subject

ORDERS = list(itertools.product(itertools.permutations(range(3)), itertools.product((1, -1), repeat=3)))


def store(voxels, affine, axes, signs):
    """The same volume with its axes in another order and direction, and the affine that says so."""
    turned = voxels.transpose(axes)[tuple(slice(None, None, sign) for sign in signs)]
    index = np.zeros((4, 4))
    index[3, 3] = 1
    for place, (axis, sign) in enumerate(zip(axes, signs, strict=True)):
        index[axis, place] = sign
        index[axis, 3] = 0 if sign > 0 else voxels.shape[axis] - 1
    return turned, affine @ index


def slices_of(subject, settings):
    loaded = load_subject(subject, settings, subject.volume.parent)
    return [(row, np.asarray(image)) for row, image in make_slices(loaded, settings)]


def greys(subject, settings):
    return np.stack([image for _, image in slices_of(subject, settings)])


@pytest.mark.parametrize("scaling", [(1.0, 0.0), (2.0, -20.0)])
@pytest.mark.parametrize("dtype", ["u1", "i2", "u2", "i4", "f4", "f8"])
def test_one_brain_stored_in_48_orders_two_endiannesses_six_types_and_scalings(tmp_path, make, small, dtype, scaling):
    """The pixels of the plain file in every order, and within one grey level for every type."""
    brain = make.brain()
    reference = greys(make.subject(tmp_path / "reference", voxels=brain), small)
    assert len(np.unique(reference)) > 60
    # The brain's values are even and at most 240, so that they are stored exactly with this scaling.
    stored = ((brain - scaling[1]) / scaling[0]).astype(dtype)
    first = None
    for endianness, (axes, signs) in itertools.product("<>", ORDERS):
        turned, affine = store(stored, make.LPS, axes, signs)
        subject = make.subject(tmp_path, voxels=turned, affine=affine, slope=scaling[0], inter=scaling[1],
                               endianness=endianness)
        images = greys(subject, small)
        first = images if first is None else first
        np.testing.assert_array_equal(images, first)
    difference = np.abs(greys(subject, small).astype(int) - reference)
    assert difference.max() <= 1


def test_a_row_says_where_a_slice_comes_from(tmp_path, make, small):
    brain = make.brain()
    labels = np.zeros(brain.shape, np.uint8)
    labels[5:9, 6:9, 3] = 4
    subject = make.subject(tmp_path, "P 1", voxels=brain, seg=labels)
    loaded = load_subject(subject, small, tmp_path)
    rows = [row for row, _ in make_slices(loaded, small)]
    assert rows[1]["file"] == "P 1_img_00003.png"
    assert (rows[1]["slice"], rows[1]["position_mm"], rows[1]["orientation"]) == (3, "3.000", "LPS")
    assert rows[1]["source"] == "P 1/P 1_flair.nii.gz"
    assert [row["tumour_pixels"] for row in rows] == [0, 12, 0, 0, 0]
    assert rows[1]["brain_pixels"] == (brain[:, :, 3] > 0).sum()
    low, high = np.percentile(brain, [0.1, 99.9])
    assert (float(rows[1]["window_low"]), float(rows[1]["window_high"])) == pytest.approx((low, high))
    assert loaded.sources["seg"] == "P 1/P 1_seg.nii.gz"


def test_labels_stored_another_way_than_the_volume(tmp_path, make):
    brain = make.brain()
    labels = np.zeros(brain.shape, np.uint8)
    labels[3:9, 2:6, 7] = 1
    subject = make.subject(tmp_path, voxels=brain)
    turned, affine = store(labels, make.LPS, (2, 0, 1), (-1, 1, -1))
    seg = make.save(tmp_path / "seg.nii", turned.astype("f4"), affine=affine, slope=0.5, inter=0)
    settings = Settings(slices=SliceChoice("tumour"), size=32)
    rows = [row for row, _ in slices_of(Subject(subject.name, subject.volume, seg), settings)]
    assert [(row["slice"], row["tumour_pixels"]) for row in rows] == [(7, 24)]


def test_labels_of_another_shape_are_named(tmp_path, make, small):
    subject = make.subject(tmp_path, seg=np.zeros((20, 24, 9), np.uint8))
    with pytest.raises(DataError, match=r"_seg\.nii\.gz: its shape 20×24×9 is not the volume's 20×24×10"):
        slices_of(subject, small)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_voxels_that_are_not_numbers_are_black_and_do_not_move_the_window(tmp_path, make, small, bad):
    brain = make.brain().astype("f4")
    clean = greys(make.subject(tmp_path / "clean", voxels=brain), small)
    brain[4:6, 4:6, :] = bad
    found = greys(make.subject(tmp_path / "bad", voxels=brain), small)
    where = np.abs(found.astype(int) - clean) > 2
    assert found.max() > 250
    # 240×240 to 256×256 in small: the hole and what bicubic interpolation mixes with it.
    assert 0 < where.any(axis=0).sum() < 60
    assert (found[:, 7, 6] == 0).all()


def test_nan_around_the_brain_is_background(tmp_path, make, small):
    brain = make.brain()
    around = np.where(brain > 0, brain, np.nan).astype("f4")
    rows = [row for row, _ in slices_of(make.subject(tmp_path, voxels=around), small)]
    assert [row["brain_pixels"] for row in rows] == [int((brain[:, :, index] > 0).sum()) for index in range(2, 7)]


def test_negative_slope_keeps_bright_bright(tmp_path, make, small):
    brain = make.brain()
    plain = greys(make.subject(tmp_path / "plain", voxels=brain), small)
    turned = greys(make.subject(tmp_path / "turned", voxels=-brain, slope=-1.0, inter=0.0), small)
    np.testing.assert_array_equal(turned, plain)


def test_a_volume_z_scored_over_all_voxels_looks_as_before(tmp_path, make, small):
    brain = make.brain()
    scored = ((brain - brain.mean()) / brain.std()).astype("f4")
    before = greys(make.subject(tmp_path / "raw", voxels=brain), small)
    after = greys(make.subject(tmp_path / "scored", voxels=scored), small)
    assert np.abs(after.astype(int) - before).max() <= 1


def test_a_volume_z_scored_inside_the_brain_keeps_its_black_background(tmp_path, make, small):
    brain = make.brain()
    inside = brain > 0
    scored = np.where(inside, (brain - brain[inside].mean()) / brain[inside].std(), 0).astype("f4")
    assert (scored < 0).any()
    for row, image in slices_of(make.subject(tmp_path, voxels=scored), small):
        assert (image[[0, 0, -1, -1], [0, -1, 0, -1]] == 0).all()
        assert image.max() > 200
        assert row["brain_pixels"] == inside[:, :, row["slice"]].sum()


def test_one_hot_voxel_does_not_darken_the_brain(tmp_path, make):
    brain = make.brain((60, 60, 20))
    settings = Settings(slices=parse_slices("5-15"), size=64)
    before = greys(make.subject(tmp_path / "a", voxels=brain), settings)
    brain[30, 30, 10] = 32767
    after = greys(make.subject(tmp_path / "b", voxels=brain), settings)
    assert abs(np.median(after[after > 0]) - np.median(before[before > 0])) <= 2


def test_an_absolute_window(tmp_path, make):
    brain = make.brain((32, 32, 8))
    settings = Settings(slices=parse_slices("4"), size=32, window_percent=None, window_raw=(20.0, 100.0))
    subject = make.subject(tmp_path, voxels=brain)
    ((row, _),) = slices_of(subject, settings)
    assert (row["window_low"], row["window_high"]) == ("20.0", "100.0")
    np.testing.assert_array_equal(greys(subject, settings)[0], apply_window(brain[:, :, 4].T, 20.0, 100.0))


@pytest.mark.parametrize(
    ("voxels", "reason"),
    [
        (np.zeros((4, 4, 8), "i2"), "all its voxels are 0"),
        (np.full((4, 4, 8), 7, "u1"), "all its voxels have the same value, 7"),
        (np.full((4, 4, 8), np.nan, "f4"), "no voxel is a number"),
        (np.full((4, 4, 8), np.inf, "f8"), "no voxel is a number"),
        (np.r_[np.zeros(99999), 0.5].reshape(100, 100, 10), "0.1 and 99.9 are both 0; .*--window"),
    ],
)
def test_a_volume_without_contrast_is_named(tmp_path, make, small, voxels, reason):
    with pytest.raises(DataError, match=reason):
        slices_of(make.subject(tmp_path, voxels=voxels), small)


def test_trailing_dimensions_of_one_and_decathlon_channels(tmp_path, make, small):
    brain = make.brain()
    plain = greys(make.subject(tmp_path / "a", voxels=brain), small)
    single = greys(make.subject(tmp_path / "b", voxels=brain[..., None]), small)
    np.testing.assert_array_equal(single, plain)
    # Decathlon files are stored rotated by 180 degrees against BraTS, and say so.
    turned, affine = store(brain, make.LPS, (0, 1, 2), (-1, -1, 1))
    four = np.stack([turned, turned // 2, turned * 0 + 3, turned], axis=-1)
    path = make.save(tmp_path / "imagesTr" / "BRATS_001.nii.gz", four, affine=affine)
    subject = Subject("BraTS20_Training_001", path, channel=0)
    np.testing.assert_array_equal(greys(subject, small), plain)
    assert slices_of(subject, small)[0][0]["orientation"] == "RAS"


def test_anisotropic_pixels_keep_their_proportions(tmp_path, make):
    brain = make.brain((40, 24, 8))
    affine = np.diag([-0.5, -1.0, 3.0, 1.0])
    settings = Settings(slices=parse_slices("4"), size=48)
    subject = make.subject(tmp_path, voxels=brain, affine=affine)
    image = greys(subject, settings)[0]
    assert image.shape == (48, 48)
    # 20 mm across and 24 mm along: 40 of 48 pixels are covered, the rest is black at both sides.
    assert (image[:, :4] == 0).all()
    assert (image[:, 44:] == 0).all()
    assert slices_of(subject, settings)[0][0]["position_mm"] == "12.000"


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
    assert description["made_from"] == "MRI volumes"
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
    build(dataclasses.replace(plan, out=tmp_path / "other" / "set", workers=3))
    assert content(tmp_path / "other" / "set") == content(plan.out)


def test_a_finished_set_is_left_alone(plan):
    build(plan)
    before = {path: path.stat().st_mtime_ns for path in plan.out.iterdir()}
    assert build(dataclasses.replace(plan, workers=2)).already
    assert {path: path.stat().st_mtime_ns for path in plan.out.iterdir()} == before


def test_volumes_stored_in_different_orientations_are_pointed_out(plan):
    (note,) = build(plan).notes
    assert "not all stored in the same orientation: LAS 1×, LPS 2× (which is which: " in note
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
    build(dataclasses.replace(other, out=tmp_path / "fresh" / "set"))
    assert content(plan.out) == content(tmp_path / "fresh" / "set")


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
    build(dataclasses.replace(plan, out=tmp_path / "fresh" / "set"))
    assert content(plan.out) == content(tmp_path / "fresh" / "set")


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


def test_without_keep_going_nothing_is_left(plan, data):
    broken = data / "BraTS20_Training_002" / "BraTS20_Training_002_flair.nii.gz"
    whole = broken.read_bytes()
    broken.write_bytes(whole[:-20])
    with pytest.raises(DataError, match="002_flair.nii.gz: cannot read voxel data"):
        build(plan)
    assert os.listdir(plan.out.parent) == ["data"]
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


def test_a_full_disk_is_a_clear_error_and_leaves_nothing(plan, tmp_path):
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
    assert "cannot write (file too large); free some space and run it again" in last
    assert "Traceback" not in run.stderr
    assert os.listdir(plan.out.parent) == ["data"]
    assert build(plan).slices == 15
    build(dataclasses.replace(plan, out=tmp_path / "fresh" / "set"))
    assert content(plan.out) == content(tmp_path / "fresh" / "set")


def test_two_runs_into_one_folder(plan):
    with pytest.raises(DataError, match="another run is making it"), built_beside(plan.out):
        build(plan)
    assert build(plan).slices == 15


def test_spaces_and_other_alphabets_in_names(tmp_path, make, small):
    for name in ("Anna Müller, 3", "患者 1", "-x"):
        make.save(tmp_path / "my data" / f"{name}.nii.gz", make.brain())
    outcome = build(Plan(tmp_path / "my data", tmp_path / "the set", "all", settings=small, workers=2))
    assert (outcome.subjects, outcome.left_out) == (3, {})
    assert check_set(tmp_path / "the set") == []
    assert {row["subject"] for row in rows_of(tmp_path / "the set")} == {"Anna Müller, 3", "患者 1", "'-x"}


def test_a_subject_that_a_spreadsheet_would_take_for_a_formula(tmp_path, make, small):
    name = '=HYPERLINK("http:⁄⁄evil.example","open")'
    make.save(tmp_path / "data" / f"{name}.nii", make.brain())
    build(Plan(tmp_path / "data", tmp_path / "set", "all", settings=small))
    with open(tmp_path / "set" / "manifest.csv", newline="", encoding="utf-8") as file:
        cells = [cell for row in csv.reader(file) for cell in row]
    assert f"'{name}" in cells
    assert f"'{name}_img_00002.png" in cells
    assert not [cell for cell in cells if cell.startswith(("=", "+", "-", "@"))]
    assert all((tmp_path / "set" / row["file"]).is_file() for row in rows_of(tmp_path / "set"))
    assert check_set(tmp_path / "set") == []


def test_names_that_are_not_text_end_no_build(tmp_path, make, small):
    make.save(tmp_path / "data" / "bad\udcff_flair.nii", make.brain())
    make.save(tmp_path / "data" / "fold\udcff" / "S1_flair.nii", make.brain())
    plan = Plan(tmp_path / "data", tmp_path / "set\udcff", "all", settings=small, keep_going=True)
    for _ in range(2):
        outcome = build(plan)
        assert outcome.subjects == 1
        assert "its name cannot be used" in outcome.left_out["bad\udcff"]
    plan = Plan(tmp_path / "data" / "fold\udcff", tmp_path / "other", "all", settings=small)
    assert [build(plan).already for _ in range(2)] == [False, True]


def test_masks_are_left_out_with_a_note_unless_asked_for(tmp_path, make, small):
    brain = make.brain()
    labels = np.select([brain > 180, brain > 100], [4, 1], 0)
    make.save(tmp_path / "data" / "S1.nii", brain)
    for name, voxels in (("brainmask", (brain > 0).astype("u1")), ("seg_fusion", labels.astype("f4"))):
        make.save(tmp_path / "data" / f"{name}.nii", voxels)
    plan = Plan(tmp_path / "data", tmp_path / "set", "all", settings=small)
    for _ in range(2):
        outcome = build(plan)
        assert (outcome.subjects, outcome.left_out) == (1, {})
        assert "they look like masks (few values, all whole numbers): brainmask, seg_fusion" in outcome.notes[0]
    assert json.loads((plan.out / "dataset.json").read_bytes())["masks"] == ["brainmask", "seg_fusion"]
    asked = build(dataclasses.replace(plan, subjects="S1,brainmask", out=tmp_path / "asked"))
    assert (asked.subjects, asked.notes) == (2, [])
    with pytest.raises(DataError, match="none of its 2 subjects could be used .brainmask, seg_fusion: looks like"):
        build(dataclasses.replace(plan, skip="S1", out=tmp_path / "none"))


def test_corners_brighter_than_the_middle_are_refused_and_an_absolute_window_helps(tmp_path, make, small):
    brain = make.brain().astype("u2")
    subject = make.subject(tmp_path, voxels=np.where(brain > 0, brain, 65535).astype("u2"))
    with pytest.raises(DataError, match=r"its corners \(65535\) are brighter than its middle.*--window-raw"):
        slices_of(subject, small)
    settings = dataclasses.replace(small, window_percent=None, window_raw=(0.0, 240.0))
    plain = greys(make.subject(tmp_path / "plain", voxels=brain), settings)
    np.testing.assert_array_equal(greys(subject, settings), plain)
