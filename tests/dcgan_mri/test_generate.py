"""Generating as a user starts it."""

import argparse
import csv
import hashlib
import re
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from pydicom import dcmread

from dcgan_mri import grid
from dcgan_mri.run import snapshots
from dcgan_mri.config import Config
from dcgan_mri.errors import UsageError
from dcgan_mri.generate import MAX_SEED, chosen_seeds, file_name, parse_seeds
from dcgan_mri.networks import Generator
from tests.helpers import ROOT, SMALL, mpiexec, run_job


@pytest.fixture(scope="module")
def generator_file(tmp_path_factory):
    """A generator whose images differ, untrained."""
    config = Config(**SMALL)
    gen = Generator(config)
    gen["dc3"].b.array[...] = 0.5
    gen["dc3"].W.array *= 500
    gen["dc1"].W.array *= 500
    path = tmp_path_factory.mktemp("generator") / "generator.npz"
    snapshots.save_generator(path, gen, config)
    return path


def generate(file, out, *options, ranks=None):
    return run_job("-m", "dcgan_mri.generate", file, "-o", out, "-g", "off", *options, ranks=ranks)


def pictures(folder):
    return {path.name: np.array(Image.open(path)).astype(int) for path in folder.glob("seed*.png")}


def test_stack_of_100_and_its_grid(generator_file, tmp_path):
    done = generate(generator_file, tmp_path / "out")
    assert done.returncode == 0, done.stderr
    made = pictures(tmp_path / "out")
    assert sorted(made) == [f"seed{seed:05d}.png" for seed in range(100)]
    assert len({picture.tobytes() for picture in made.values()}) == 100
    images = grid.cut(np.array(Image.open(tmp_path / "out" / "grid.png")))
    assert images.shape == (100, 16, 16, 3)
    assert np.array_equal(images[24], made["seed00024.png"])


def test_same_seed_same_image_on_any_number_of_ranks(generator_file, tmp_path):
    assert generate(generator_file, tmp_path / "one", "-n", 13, "--seed", 5).returncode == 0
    assert generate(generator_file, tmp_path / "three", "--seeds", "17,5-9,12", ranks=3).returncode == 0
    one, three = pictures(tmp_path / "one"), pictures(tmp_path / "three")
    assert sorted(three) == [file_name(seed) for seed in (5, 6, 7, 8, 9, 12, 17)]
    for name, picture in three.items():
        assert np.abs(picture - one[name]).max() <= 1


def test_more_ranks_than_images(generator_file, tmp_path):
    done = generate(generator_file, tmp_path / "out", "-n", 1, ranks=2)
    assert done.returncode == 0, done.stderr
    assert list(pictures(tmp_path / "out")) == ["seed00000.png"]


def test_dropout_changes_the_image(generator_file, tmp_path):
    assert generate(generator_file, tmp_path / "off", "-n", 2).returncode == 0
    assert generate(generator_file, tmp_path / "on", "-n", 2, "--dropout").returncode == 0
    off, on = pictures(tmp_path / "off"), pictures(tmp_path / "on")
    assert all(not np.array_equal(off[name], on[name]) for name in off)


def test_dicom_beside_png_and_where_all_comes_from(generator_file, tmp_path):
    for name in ("one", "two"):
        done = generate(generator_file, tmp_path / name, "--seeds", "3,90000", "--format", "png,dicom")
        assert done.returncode == 0, done.stderr
    one, two = ({path.name: path.read_bytes() for path in (tmp_path / name).iterdir()} for name in ("one", "two"))
    assert one == two
    for name, picture in pictures(tmp_path / "one").items():
        image = dcmread((tmp_path / "one" / name).with_suffix(".dcm"))
        assert np.abs(image.pixel_array - picture.mean(axis=2)).max() <= 0.5
    with (tmp_path / "one" / "samples.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [(row["file"], row["seed"]) for row in rows] == [
        ("seed00003.png", "3"), ("seed00003.dcm", "3"), ("seed90000.png", "90000"), ("seed90000.dcm", "90000")]
    for row in rows:
        assert row["sha256"] == hashlib.sha256(one[row["file"]]).hexdigest()
        assert row["generator_sha256"] == hashlib.sha256(generator_file.read_bytes()).hexdigest()


def test_dicom_without_pydicom(generator_file, tmp_path):
    code = "import sys; sys.modules['pydicom'] = None; from dcgan_mri.generate import main; main(sys.argv[1:])"
    done = subprocess.run(
        [sys.executable, "-c", code, generator_file, "-o", tmp_path / "out", "-g", "off", "--format", "png,dicom"],
        cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert done.returncode == 2
    assert done.stderr == "dcgan_mri.generate: error: --format png,dicom needs pydicom; `pip install pydicom`\n"
    assert not (tmp_path / "out").exists()


def test_folder_of_a_run_for_its_generator(generator_file, tmp_path):
    done = generate(generator_file.parent, tmp_path / "out")
    assert done.returncode == 1
    assert done.stderr == (f"dcgan_mri.generate: error: {generator_file.parent}: is the folder of a run; "
                           f"name the generator in it, {generator_file}\n")


@pytest.mark.parametrize(("file", "options", "status", "message"), [
    ("none.npz", [], 1, "none.npz: cannot read it"),
    (None, ["-n", "0"], 2, "-n 0: must be from 1 to"),
    (None, ["-n", "10000000000000"], 2, "-n 10000000000000: must be from 1 to"),
    (None, ["--seeds", "9-5"], 2, "the range 9-5 runs backwards; write 5-9"),
    (None, ["--seeds", "9" * 5000], 2, "is neither a seed from 0 to 9223372036854775807 nor a range"),
    (None, ["--seeds", "0-999998,5-6"], 2, "more than 1000000 images"),
    (None, ["--seeds", "1", "-n", "3"], 2, "leave out --seed and -n"),
])
def test_wrong_input_gets_one_line_and_a_status(generator_file, tmp_path, file, options, status, message):
    done = generate(file or generator_file, tmp_path / "out", *options, ranks=2)
    assert done.returncode == status
    line, = done.stderr.splitlines()
    assert line.startswith("dcgan_mri.generate: error: ")
    assert message in line
    assert not (tmp_path / "out").exists()


def test_folder_with_images_is_not_overwritten(generator_file, tmp_path):
    (tmp_path / "keep.png").write_bytes(b"")
    done = generate(generator_file, tmp_path)
    assert done.returncode == 2
    assert done.stderr.splitlines()[-1].endswith("exists already; give another folder by -o")


@pytest.mark.parametrize("launcher", [[], [mpiexec(), "-n", "2"]])
def test_ctrl_c_is_one_line_and_leaves_no_folder(generator_file, tmp_path, launcher):
    out = tmp_path / "out"
    with subprocess.Popen(
            [*launcher, sys.executable, "-m", "dcgan_mri.generate", generator_file, "-o", out, "-n", "100000", "-g",
             "off"], cwd=ROOT, stderr=subprocess.PIPE, text=True) as process:
        end = time.monotonic() + 100
        while not list(out.glob("*/seed*.png")) and time.monotonic() < end:
            time.sleep(0.05)
        process.send_signal(signal.SIGINT)
        error = process.communicate(timeout=60)[1]
    assert process.returncode == 130
    assert error.count("dcgan_mri.generate: interrupted; the same command begins again\n") == 1
    assert "Traceback" not in error
    assert list(tmp_path.iterdir()) == []


def test_seed_named_twice_is_made_once(generator_file, tmp_path):
    done = generate(generator_file, tmp_path / "out", "--seeds", "1,1,2")
    assert done.returncode == 0, done.stderr
    assert "2 images in" in done.stdout
    assert "what --seeds names more than once is made once" in done.stdout


def test_grey_is_the_mean_of_the_channels(generator_file, tmp_path):
    assert generate(generator_file, tmp_path / "colour", "-n", 2).returncode == 0
    assert generate(generator_file, tmp_path / "grey", "-n", 2, "--grey").returncode == 0
    colour, grey = pictures(tmp_path / "colour"), pictures(tmp_path / "grey")
    for name, picture in grey.items():
        assert np.array_equal(picture, np.rint(colour[name].mean(axis=2)))
        assert np.ptp(colour[name], axis=2).any()


@given(st.lists(st.tuples(st.integers(0, 10**6), st.integers(0, 50)), min_size=1, max_size=5))
def test_lists_of_ranges(ranges):
    text = ",".join(f"{first}-{first + extra}" if extra else str(first) for first, extra in ranges)
    expected = [seed for first, extra in ranges for seed in range(first, first + extra + 1)]
    assert parse_seeds(text) == expected


@given(st.text(max_size=12))
def test_any_text_is_a_list_of_seeds_or_refused(text):
    try:
        seeds = parse_seeds(text)
    except UsageError:
        assert not re.fullmatch(r"[0-9]{1,18}(,[0-9]{1,18})*", text)
        return
    assert seeds
    assert all(0 <= seed <= MAX_SEED for seed in seeds)


@pytest.mark.parametrize(("seed", "number", "expected"), [
    (None, None, range(100)), (7, 2, [7, 8]), (3, None, range(3, 103))])
def test_first_seed_and_number(seed, number, expected):
    assert chosen_seeds(argparse.Namespace(seed=seed, number=number, seeds=None)) == list(expected)


@pytest.mark.parametrize("seed", [-1, MAX_SEED])
def test_seed_out_of_range(seed):
    with pytest.raises(UsageError, match="--seed"):
        chosen_seeds(argparse.Namespace(seed=seed, number=None, seeds=None))
