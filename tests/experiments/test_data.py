"""The slices that experiments use."""

import subprocess

import pytest

from dcgan_mri.errors import DataError, UsageError
from experiments import data
from experiments.scales import SCALES, Scale
from tests.helpers import write_slice_set


def test_slices_of_held_out_subjects_are_found_where_there_are_some(tmp_path):
    with_some = data.describe(write_slice_set(tmp_path / "a", held_out=4), 16)
    without = data.describe(write_slice_set(tmp_path / "b"), 16)
    assert (with_some.held_out, len(with_some.held_out_slices())) == (4, 4)
    assert (without.held_out, without.held_out_slices()) == (0, None)


def test_sets_that_differ_have_other_fingerprints_and_no_path_goes_into_results(tmp_path):
    one = data.describe(write_slice_set(tmp_path / "a"), 16)
    other = data.describe(write_slice_set(tmp_path / "b", n=15), 16)
    assert one.fingerprint != other.fingerprint
    assert str(tmp_path) not in str(one.facts())


def test_a_damaged_held_out_part_is_an_error_and_not_left_out(tmp_path):
    folder = write_slice_set(tmp_path / "a", held_out=4)
    rows = (folder / "manifest.csv").read_text().splitlines()
    (folder / "manifest.csv").write_text("\n".join([*rows[:-1], "../" + rows[-1]]) + "\n")
    with pytest.raises(DataError, match="not a file name"):
        data.describe(folder, 16)


@pytest.mark.parametrize(("folder", "name"), [
    ("real64", "real64"), ("brats_2021_", "brats-2021"), ("a|b *c*", "a-b-c"), ("数据集", "slices")])
def test_a_name_is_fit_for_folders_and_for_the_report(tmp_path, folder, name):
    assert data.describe(write_slice_set(tmp_path / folder), 16).name == name


def test_no_set_of_the_users_passes_for_the_phantom(tmp_path):
    with pytest.raises(UsageError, match="rename it"):
        data.describe(write_slice_set(tmp_path / "phantom"), 16)


def test_slices_of_the_first_subjects():
    slices = data.Data("", "x", "", (3, 4, 5), 0)
    assert [slices.slices(n) for n in (0, 1, 2, 3)] == [12, 3, 7, 12]


def test_slices_of_another_size_are_refused(tmp_path):
    with pytest.raises(UsageError, match="16 pixels wide"):
        data.describe(write_slice_set(tmp_path / "a"), 64)


def test_a_phantom_that_cannot_be_made_is_one_line(tmp_path, monkeypatch):
    monkeypatch.setattr(subprocess, "run", lambda *args, **kwargs: subprocess.CompletedProcess(
        args, 1, stderr="preprocess: error: no space left\n"))
    with pytest.raises(DataError, match="no space left.*--data"):
        data.phantom(tmp_path, SCALES["small"])


TINY = Scale("tiny", {"image_size": 16, "width": 1 / 64}, 0.01, 1, 0, False, "70,80", "for tests")


def make_few(monkeypatch):
    """A phantom of four subjects, one held out."""
    monkeypatch.setattr(data, "PHANTOM_SUBJECTS", 4)


def test_the_phantom_is_made_once_whole_and_kept_out_of_git(tmp_path, monkeypatch):
    make_few(monkeypatch)
    subprocess.run(["git", "init", "-q", tmp_path], check=True)
    monkeypatch.chdir(tmp_path)
    made = data.phantom("with space", TINY)
    assert (made.name, made.counts, made.held_out) == ("phantom", (2, 2, 2), 2)
    assert [path.name for path in (tmp_path / "with space" / "data").iterdir() if path.name != ".gitignore"] == [
        "phantom-tiny"]
    before = (tmp_path / "with space" / "data" / "phantom-tiny" / "dataset.json").stat().st_mtime_ns
    assert data.phantom(tmp_path / "with space", TINY) == made
    assert (tmp_path / "with space" / "data" / "phantom-tiny" / "dataset.json").stat().st_mtime_ns == before
    assert subprocess.run(["git", "status", "--porcelain"], capture_output=True, check=True).stdout == b""


def test_a_plan_that_was_faster_is_not_overwritten(tmp_path, monkeypatch):
    make_few(monkeypatch)
    once = data._preprocess

    def while_another_one_finishes(*step):
        once(*step)
        if step[0] == "build":
            monkeypatch.setattr(data, "_preprocess", once)
            others.append(data.phantom(tmp_path, TINY))

    others = []
    monkeypatch.setattr(data, "_preprocess", while_another_one_finishes)
    assert data.phantom(tmp_path, TINY) == others[0]


def test_a_user_names_slices_or_gets_the_phantom(tmp_path, monkeypatch):
    make_few(monkeypatch)
    folder = write_slice_set(tmp_path / "mine")
    assert data.chosen(folder, tmp_path, TINY).name == "mine"
    assert data.chosen(None, tmp_path, TINY) == data.phantom(tmp_path, TINY)
