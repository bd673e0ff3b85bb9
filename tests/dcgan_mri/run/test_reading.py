"""What a result folder says."""

import json

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from dcgan_mri.errors import DataError
from dcgan_mri.run import reading
from tests.results import write_result


def entry(epoch, iteration, **values):
    return {"epoch": epoch, "iteration": iteration, "elapsed_time": 1.0, **values}


def test_entries_bear_the_number_of_their_grid():
    log = [entry(1, 90), entry(2, 180), entry(2, 200), entry(3, 270), entry(3, 271)]
    assert [(found["epoch"], found["iteration"]) for found in reading.by_grid(log)] == [
        (1, 90), (2, 180), (3, 270), (4, 271)]


def test_a_run_that_stopped_within_its_first_epoch():
    assert [found["epoch"] for found in reading.by_grid([entry(0, 20, loss=1.0)])] == [1]
    assert [found["epoch"] for found in reading.by_grid([entry(0, 20), entry(1, 90)])] == [1]


def test_numbers_that_are_none_are_left_out():
    values = {"a": float("nan"), "b": float("inf"), "c": "text", "d": True, "e": 1}
    assert reading.by_grid([entry(1, 1, **values)])[0]["values"] == {"e": 1}


def test_a_training_that_has_only_begun(tmp_path):
    folder = write_result(tmp_path / "run", [])
    for name in ("log", "measures.json", "environment.json"):
        (folder / name).unlink()
    read = reading.read(folder)
    assert (read.entries, read.scale, read.starts, read.grids) == ([], {}, [], {})


def test_no_result_folder(tmp_path):
    with pytest.raises(DataError, match="not a result folder, config.yaml is missing"):
        reading.read(tmp_path)


@pytest.mark.parametrize(("name", "text", "message"), [
    ("log", "[", "cannot read it"), ("log", "{}", "holds a dict"), ("measures.json", "[]", "holds a list"),
    ("environment.json", "\x00", "cannot read it"), ("config.yaml", "batchsize: many", "batchsize")])
def test_damaged_files_are_named(tmp_path, name, text, message):
    folder = write_result(tmp_path / "run", [1])
    (folder / name).write_text(text)
    with pytest.raises(Exception, match=message) as error:
        reading.read(folder)
    assert str(folder / name) in str(error.value)


@settings(max_examples=200, deadline=None)
@example(log=[{"epoch": 1, "iteration": 0}])
@example(log=[{"epoch": 0, "iteration": 1, "elapsed_time": float("inf")}])
@example(log=[{"epoch": 0, "iteration": 8.7e152}, {"epoch": 2.1e155, "iteration": 1}])
@given(log=st.lists(st.dictionaries(st.sampled_from(["epoch", "iteration", "elapsed_time", "gen/loss"]), st.one_of(
    st.none(), st.booleans(), st.integers(-3, 10**6), st.floats(), st.text(max_size=3), st.lists(st.integers())))))
def test_any_log_is_read(log):
    entries = reading.by_grid(log)
    assert [found["epoch"] for found in entries] == sorted({found["epoch"] for found in entries})
    json.dumps(entries, allow_nan=False)
