import csv
import json
import re
import shlex
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image
from preprocess.__main__ import main


@pytest.fixture(scope="module")
def phantom(tmp_path_factory):
    folder = tmp_path_factory.mktemp("phantom")
    assert main(["phantom", "--out", str(folder), "--subjects", "1", "-j", "1"]) == 0
    return folder


@pytest.fixture
def tiny(tmp_path, make):
    make.subject(tmp_path / "data")
    return tmp_path / "data"


def build(data, out, *options):
    return main(["build", "--brats", str(data), "--out", str(out), "--subjects", "all", "-j", "1", *options])


def test_builds_the_papers_slices_from_a_phantom(phantom, tmp_path, capsys):
    out = tmp_path / "slices"
    assert main(["build", "--brats", str(phantom), "--out", str(out), "--subjects", "001", "-j", "1"]) == 0
    assert "48 slices of 1 subject in " in capsys.readouterr().out
    with open(out / "manifest.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [int(row["slice"]) for row in rows] == list(range(60, 108))
    assert rows[0]["file"] == "phantom_001_img_00060.png"
    assert {row["split"] for row in rows} == {"train"}
    assert all(int(row["brain_pixels"]) > 5000 for row in rows)
    for row in rows:
        with Image.open(out / row["file"]) as image:
            assert (image.mode, image.size) == ("L", (256, 256))
    description = json.loads((out / "dataset.json").read_bytes())
    assert (description["format"], description["version"], description["slices"]) == ("slice set", 1, 48)
    assert description["made_from"] == "synthetic phantom"
    assert {path.name for path in out.iterdir()} == {row["file"] for row in rows} | {
        "manifest.csv", "overview.png", "dataset.json"}


def test_a_missing_subject_is_named_with_what_was_found(phantom, tmp_path, capsys):
    assert main(["build", "--brats", str(phantom), "--out", str(tmp_path / "s")]) == 1
    message = capsys.readouterr().err
    assert "no subject 002, 003, 004, 005, 006, 007, …, 015" in message
    assert "1 found: phantom_001" in message
    assert message.count("\n") == 1
    assert not (tmp_path / "s").exists()


def test_again_does_nothing_and_says_so(tiny, tmp_path, capsys):
    for words in ("5 slices of 1 subject in ", "already complete, 5 slices of 1 subject; nothing to do"):
        assert build(tiny, tmp_path / "set", "--slices", "2-6") == 0
        assert words in capsys.readouterr().out


def test_verify(tiny, tmp_path, capsys):
    out = tmp_path / "set"
    build(tiny, out, "--slices", "2-6")
    capsys.readouterr()
    assert main(["verify", str(out)]) == 0
    assert "5 slices, all as written" in capsys.readouterr().out
    (out / "BraTS20_Training_001_img_00004.png").unlink()
    assert main(["verify", str(out)]) == 1
    printed = capsys.readouterr()
    assert printed.out == "BraTS20_Training_001_img_00004.png: missing\n"
    assert "1 problem; use --overwrite to build it again" in printed.err


def test_inspect(tiny, capsys):
    assert main(["inspect", str(tiny), "--slices", "2-6"]) == 0
    assert "build        5 slices: 2 … 6 of 0 … 9" in capsys.readouterr().out
    assert main(["inspect", str(tiny)]) == 1
    assert "refuses it" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("options", "slices"),
    [
        (["--slices-mm", "-1.5", "2"], "0-2"),
        (["--slices", "tumour", "--min-tumour-pixels", "5"], "4-5"),
        (["--slices", "all"], "0-9"),
    ],
)
def test_ways_to_choose_slices(tmp_path, make, options, slices):
    labels = make.brain() * 0
    labels[8:11, 8:11, 4:6] = 1
    labels[8, 8, 6] = 1
    make.subject(tmp_path / "data", seg=labels.astype("u1"))
    assert build(tmp_path / "data", tmp_path / "set", *options) == 0
    with open(tmp_path / "set" / "manifest.csv", newline="") as file:
        found = [int(row["slice"]) for row in csv.DictReader(file)]
    first, last = map(int, slices.split("-"))
    assert found == list(range(first, last + 1))


def test_another_modality_window_and_size(tmp_path, make, capsys):
    make.save(tmp_path / "data" / "P1" / "P1_t1.nii", make.brain())
    assert build(tmp_path / "data", tmp_path / "set", "--slices", "2-6") == 1
    assert "no flair volume in it: files of t1 were found" in capsys.readouterr().err
    options = ["--slices", "2-6", "--modality", "t1", "--window-raw", "-10", "90", "--size", "64"]
    assert build(tmp_path / "data", tmp_path / "set", *options) == 0
    with open(tmp_path / "set" / "manifest.csv", newline="") as file:
        row = next(csv.DictReader(file))
    assert (row["window_low"], row["window_high"]) == ("-10.0", "90.0")
    with Image.open(tmp_path / "set" / row["file"]) as image:
        assert image.size == (64, 64)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--slices", "9-3"], "--slices 9-3"),
        (["--slices-mm", "9", "3"], "the lower first"),
        (["--slices-mm", "nan", "3"], "the lower first"),
        (["--window", "99,1"], "--window 99,1"),
        (["--window-raw", "5", "5"], "the lower first"),
        (["--window-raw", "0", "inf"], "the lower first"),
        (["--split", "0.5"], "at least two subjects"),
        (["--skip", "1"], "--skip leaves no subject"),
    ],
)
def test_wrong_usage_is_status_2_and_one_line(tiny, tmp_path, capsys, options, words):
    assert build(tiny, tmp_path / "set", *options) == 2
    message = capsys.readouterr().err
    assert words in message
    assert message.count("\n") == 1


@pytest.mark.parametrize(
    "options", [["--split", "1.5"], ["--size", "4"], ["-j", "0"], ["--orientation", "up"], ["--slices-mm", "3"]]
)
def test_values_out_of_range_are_status_2(tiny, tmp_path, options, capsys):
    assert build(tiny, tmp_path / "set", *options) == 2
    assert capsys.readouterr().err.startswith("preprocess: error: argument ")


@pytest.mark.parametrize(("option", "what"), [
    ("--size", "a whole number from 8 to 4096"), ("-j", "a whole number of 1 or more"),
    ("--split", "a number between 0 and 1")])
def test_words_for_numbers_are_answered_with_what_fits(tiny, tmp_path, capsys, option, what):
    assert build(tiny, tmp_path / "set", option, "abc") == 2
    assert f": abc is not {what}; --help" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["biuld"], "there is no command biuld, did you mean build?"),
        (["build", "--brast", "x"], "there is no option --brast, did you mean --brats?"),
        (["build", "--brats", "x", "--overwrit"], "there is no option --overwrit, did you mean --overwrite?"),
        (["verify", "x", "--qqq=1"], "there is no option --qqq; --help lists them"),
        (["build"], "required: --brats, --out; --help lists the options"),
    ],
)
def test_a_misspelt_word_is_named_with_what_was_meant(capsys, arguments, words):
    """Abbreviations count as misspelt, as in dcgan_mri.train: another option could be added later."""
    assert main(arguments) == 2
    message = capsys.readouterr().err
    assert words in message
    assert message.count("\n") == 1


def test_without_a_command_it_lists_them(capsys):
    assert main([]) == 0
    printed = capsys.readouterr().out
    assert all(f"    {command} " in printed for command in ("build", "import", "phantom", "inspect", "verify"))
    assert main(["--version"]) == 0
    assert re.fullmatch(r"preprocess \d+\.\d+\.\d+\n", capsys.readouterr().out)


def test_a_set_of_many_subjects_says_how_to_hold_some_out(tmp_path, make, capsys):
    for number in range(6):
        make.subject(tmp_path / "data", f"S_{number}")
    hint = "all 6 subjects are for training; with --split 0.2 --overwrite a fifth of them is held out"
    assert build(tmp_path / "data", tmp_path / "set", "--slices", "5") == 0
    assert hint in capsys.readouterr().err
    for options in (["--slices", "5"], ["--slices", "5", "--split", "0.2", "--overwrite"]):
        assert build(tmp_path / "data", tmp_path / "set", *options) == 0
        assert "for training" not in capsys.readouterr().err
    assert build(tmp_path / "data", tmp_path / "five", "--slices", "5", "--skip", "0") == 0
    assert "for training" not in capsys.readouterr().err


def test_import(tmp_path, capsys):
    (tmp_path / "pngs").mkdir()
    for name in ("a_1", "a_2", "b_1"):
        Image.new("L", (16, 16), 90).save(tmp_path / "pngs" / f"{name}.png")
    options = ["import", str(tmp_path / "pngs"), "--out", str(tmp_path / "set"), "--subject-pattern", "^[a-z]"]
    assert main([*options, "--split", "0.5"]) == 0
    assert "3 slices of 2 subjects in " in capsys.readouterr().out
    assert main(["verify", str(tmp_path / "set")]) == 0
    assert main([*options, "--split", "0.5"]) == 0
    assert "already complete, 3 slices of 2 subjects" in capsys.readouterr().out
    assert main(options) == 1
    assert "other settings (split: 0.5, now null)" in capsys.readouterr().err


def test_the_command_that_phantom_prints_runs_as_printed(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr("preprocess.phantom.make_phantom", lambda *_: (make_small(), np.zeros((20, 24, 120), "u1")))
    assert main(["phantom", "--out", str(tmp_path / "my phantom"), "--subjects", "1", "-j", "1"]) == 0
    printed = shlex.split(capsys.readouterr().out.split("slice them with: ")[1])
    assert printed[:3] == [sys.executable, "-m", "preprocess"]
    assert main([str(tmp_path / "set") if word == "DIR" else word for word in printed[3:]]) == 0


def make_small():
    return np.random.default_rng(0).integers(0, 500, (20, 24, 120)).astype("i2")


def test_interrupted(tiny, tmp_path, capsys, monkeypatch):
    def interrupt(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr("preprocess.build.run_all", interrupt)
    assert build(tiny, tmp_path / "set", "--slices", "2-6") == 130
    assert "interrupted; nothing was written" in capsys.readouterr().err
    monkeypatch.undo()
    assert build(tiny, tmp_path / "set", "--slices", "2-6") == 0


def run(*arguments):
    return subprocess.run([sys.executable, "-m", "preprocess", *arguments], capture_output=True, text=True)


@pytest.mark.parametrize("command", [[], ["build"], ["import"], ["phantom"], ["verify"], ["inspect"]])
def test_help_is_printed(command):
    done = run(*command, "--help")
    assert done.returncode == 0
    assert "usage: python -m preprocess" in done.stdout


def test_as_a_user_types_it(tiny, tmp_path):
    out = str(tmp_path / "set")
    done = run("build", "--brats", str(tiny), "--out", out, "--subjects", "1", "--slices", "2-6", "-j2")
    assert done.returncode == 0, done.stderr
    assert "slicing: 100%" in done.stderr
    assert run("verify", out).returncode == 0
    none = tmp_path / "none"
    done = run("verify", str(none))
    assert done.returncode == 1
    assert done.stderr == f"preprocess: error: {none}: there is no such folder; give the folder of a slice set\n"


def test_a_reader_that_stops_early_is_no_error(tiny):
    shell = f"set -o pipefail; for i in 1 2 3; do {sys.executable} -m preprocess inspect {tiny} --slices 2; done | true"
    done = subprocess.run(["bash", "-c", shell], capture_output=True, text=True)
    assert "Traceback" not in done.stderr
    assert "BrokenPipe" not in done.stderr
