"""What a result folder says."""

import json

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from dcgan_mri.config import Config
from dcgan_mri.slice_set import Slices
from dcgan_mri.errors import DataError
from dcgan_mri.review import run
from tests.results import write_result


def entry(epoch, iteration, **values):
    return {"epoch": epoch, "iteration": iteration, "elapsed_time": 1.0, **values}


def test_entries_bear_the_number_of_their_grid():
    log = [entry(1, 90), entry(2, 180), entry(2, 200), entry(3, 270), entry(3, 271)]
    assert [(found["epoch"], found["iteration"]) for found in run.by_grid(log)] == [
        (1, 90), (2, 180), (3, 270), (4, 271)]


def test_a_run_that_stopped_within_its_first_epoch():
    assert [found["epoch"] for found in run.by_grid([entry(0, 20, loss=1.0)])] == [1]
    assert [found["epoch"] for found in run.by_grid([entry(0, 20), entry(1, 90)])] == [1]


def test_numbers_that_are_none_are_left_out():
    values = {"a": float("nan"), "b": float("inf"), "c": "text", "d": True, "e": 1}
    assert run.by_grid([entry(1, 1, **values)])[0]["values"] == {"e": 1}


def test_differences_from_the_paper():
    found = {setting["name"]: setting for setting in run.differences(Config(dropout=0.0))}
    assert [name for name, setting in found.items() if setting["differs"]] == ["dropout"]
    assert (found["dropout"]["value"], found["dropout"]["paper"]) == (0.0, 0.2)
    assert found["batchsize"]["source"] == "paper, II-C"


def test_facts(tmp_path, slices16):
    read = run.read(write_result(tmp_path / "run", range(1, 4), slices16))
    facts = dict(run.facts(read, Slices(slices16)))
    assert facts["Slice set"] == str(slices16)
    assert facts["Speed"] == "2.5 s an iteration, 3.2 images a second, 30 s in all"
    assert facts["Processes"] == "4"
    assert facts["Packages"] == "chainer 7.8.1"
    assert "not found from here" in dict(run.facts(read, None))["Slice set"]


def test_a_training_that_has_only_begun(tmp_path):
    folder = write_result(tmp_path / "run", [])
    for name in ("log", "measures.json", "environment.json"):
        (folder / name).unlink()
    read = run.read(folder)
    assert (read.entries, read.scale, read.starts, read.grids) == ([], {}, [], {})
    assert run.facts(read, None) == [["Result folder", str(folder)]]


def test_no_result_folder(tmp_path):
    with pytest.raises(DataError, match="not a result folder, config.yaml is missing"):
        run.read(tmp_path)


@pytest.mark.parametrize(("name", "text", "message"), [
    ("log", "[", "cannot read it"), ("log", "{}", "holds a dict"), ("measures.json", "[]", "holds a list"),
    ("environment.json", "\x00", "cannot read it"), ("config.yaml", "batchsize: many", "batchsize")])
def test_damaged_files_are_named(tmp_path, name, text, message):
    folder = write_result(tmp_path / "run", [1])
    (folder / name).write_text(text)
    with pytest.raises(Exception, match=message) as error:
        run.read(folder)
    assert str(folder / name) in str(error.value)


@settings(max_examples=200, deadline=None)
@example(log=[{"epoch": 1, "iteration": 0}])
@example(log=[{"epoch": 0, "iteration": 1, "elapsed_time": float("inf")}])
@example(log=[{"epoch": 0, "iteration": 8.7e152}, {"epoch": 2.1e155, "iteration": 1}])
@given(log=st.lists(st.dictionaries(st.sampled_from(["epoch", "iteration", "elapsed_time", "gen/loss"]), st.one_of(
    st.none(), st.booleans(), st.integers(-3, 10**6), st.floats(), st.text(max_size=3), st.lists(st.integers())))))
def test_any_log_is_read(log):
    entries = run.by_grid(log)
    assert [found["epoch"] for found in entries] == sorted({found["epoch"] for found in entries})
    json.dumps(entries, allow_nan=False)
