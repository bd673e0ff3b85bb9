"""The slices that experiments use."""

import subprocess

import pytest

from dcgan_mri.errors import DataError, UsageError
from experiments import data
from experiments.scales import SCALES
from tests.helpers import write_slice_set


def test_images_are_held_against_held_out_slices_where_there_are_some(tmp_path):
    with_some = data.describe(write_slice_set(tmp_path / "a", held_out=4), 16)
    without = data.describe(write_slice_set(tmp_path / "b"), 16)
    assert (with_some.reference, with_some.reference_slices) == ("held-out", 4)
    assert (without.reference, without.reference_slices) == ("train", 16)
    assert len(with_some.reference_set()) == 4


def test_sets_that_differ_have_other_fingerprints_and_no_path_goes_into_results(tmp_path):
    one = data.describe(write_slice_set(tmp_path / "a"), 16)
    other = data.describe(write_slice_set(tmp_path / "b", n=15), 16)
    assert one.fingerprint != other.fingerprint
    assert str(tmp_path) not in str(one.facts())


def test_slices_of_the_first_subjects():
    slices = data.Data("", "x", "", (3, 4, 5), "train", 12)
    assert [slices.slices(n) for n in (0, 1, 2, 3)] == [12, 3, 7, 12]


def test_slices_of_another_size_are_refused(tmp_path):
    with pytest.raises(UsageError, match="16 pixels wide"):
        data.describe(write_slice_set(tmp_path / "a"), 64)


@pytest.mark.parametrize("scale", SCALES.values())
def test_the_phantom_as_planned(scale):
    slices = data.planned_phantom(scale)
    assert slices.subjects == 30
    assert slices.slices(15) == {"paper": 720, "small": 360}[scale.name]


def test_a_phantom_that_cannot_be_made_is_one_line(tmp_path, monkeypatch):
    monkeypatch.setattr(subprocess, "run", lambda *args, **kwargs: subprocess.CompletedProcess(
        args, 1, stderr="preprocess: error: no space left\n"))
    with pytest.raises(DataError, match="no space left.*--data"):
        data.phantom(tmp_path, SCALES["small"])
