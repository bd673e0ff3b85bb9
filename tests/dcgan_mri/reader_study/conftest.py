"""A small study of 16×16 images."""

import json

import pytest

from dcgan_mri.config import Config
from dcgan_mri.networks import Generator
from dcgan_mri.reader_study import __main__ as reader_study
from dcgan_mri.run import snapshots
from tests.helpers import SMALL, write_slice_set


@pytest.fixture(scope="session")
def slices_and_held_out(tmp_path_factory):
    """Folder with 16 training slices, and 24 held-out ones at levels 16 to 39."""
    return write_slice_set(tmp_path_factory.mktemp("slices") / "set", held_out=24)


@pytest.fixture(scope="session")
def generator_file(tmp_path_factory):
    config = Config(**SMALL, init_scale=0.3)
    path = tmp_path_factory.mktemp("generator") / "generator.npz"
    snapshots.save_generator(path, Generator(config), config)
    return path


@pytest.fixture(scope="session")
def study(tmp_path_factory, slices_and_held_out, generator_file):
    """Folder of a study with three readers: 6 real slices, 5 generated images, 2 shown twice, 4 for practice."""
    out = tmp_path_factory.mktemp("study") / "study"
    reader_study.main(["make", str(generator_file), "-i", str(slices_and_held_out), "-o", str(out), "--real", "6",
                       "--synthetic", "5", "--repeats", "2", "--readers", "3"])
    return out


@pytest.fixture(scope="session")
def key(study):
    return json.loads((study / "key.json").read_text())


@pytest.fixture
def write_answers(tmp_path, key):
    """Function that writes a reader's answers: always right and sure, but where the caller changes them."""
    def write(name, reader=1, change=lambda answers: None, **fields):
        answers = right_answers(key, reader)
        change(answers)
        (tmp_path / name).write_text(json.dumps({
            "format": "reader study answers", "version": 1, "study": key["study"], "reader": reader,
            "answers": answers, **fields}))
        return str(tmp_path / name)

    return write


def right_answers(key, reader):
    """Ratings of one who knows the truth."""
    return {trial["name"]: 6 if key["images"][trial["image"]]["real"] else 1 for trial in key["readers"][reader - 1]}
