"""Generating as a user starts it."""

import argparse
import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from dcgan_mri import grid
from dcgan_mri.run import snapshots
from dcgan_mri.config import Config
from dcgan_mri.errors import UsageError
from dcgan_mri.generate import MAX_SEED, chosen_seeds, file_name, parse_seeds
from dcgan_mri.networks import Generator
from tests.helpers import SMALL, run_job


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


@pytest.mark.parametrize(("file", "options", "status", "message"), [
    ("none.npz", [], 1, "none.npz: cannot read it"),
    (None, ["-n", "0"], 2, "-n 0: must be at least 1"),
    (None, ["--seeds", "9-5"], 2, "'9-5' must rise"),
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
    assert generate(generator_file, tmp_path).returncode == 2


@given(st.lists(st.tuples(st.integers(0, 10**6), st.integers(0, 50)), min_size=1, max_size=5))
def test_lists_of_ranges(ranges):
    text = ",".join(f"{first}-{first + extra}" if extra else str(first) for first, extra in ranges)
    expected = [seed for first, extra in ranges for seed in range(first, first + extra + 1)]
    assert parse_seeds(text) == list(dict.fromkeys(expected))


@given(st.text(max_size=12))
def test_any_text_is_a_list_of_seeds_or_refused(text):
    try:
        seeds = parse_seeds(text)
    except UsageError:
        assert not re.fullmatch(r"[0-9]+(,[0-9]+)*", text)
        return
    assert seeds
    assert all(0 <= seed <= MAX_SEED for seed in seeds)
    assert len(seeds) == len(set(seeds))


@pytest.mark.parametrize(("seed", "number", "expected"), [
    (None, None, range(100)), (7, 2, [7, 8]), (3, None, range(3, 103))])
def test_first_seed_and_number(seed, number, expected):
    assert chosen_seeds(argparse.Namespace(seed=seed, number=number, seeds=None)) == list(expected)


@pytest.mark.parametrize("seed", [-1, MAX_SEED])
def test_seed_out_of_range(seed):
    with pytest.raises(UsageError, match="--seed"):
        chosen_seeds(argparse.Namespace(seed=seed, number=None, seeds=None))
