"""How far a run is, whether it gets better, and which epochs went wrong."""

import datetime
import json
import os

import pytest

from dcgan_mri.review import status
from dcgan_mri.run import reading
from dcgan_mri.slice_set import Slices
from tests.helpers import write_slice_set
from tests.results import write_result


def logged(folder, *values):
    """A run whose epochs have these values; ten iterations and 60 seconds each."""
    (folder / "log").write_text(json.dumps([
        {"epoch": epoch, "iteration": 10 * epoch, "elapsed_time": 60.0 * epoch, "dis/y_real": 1.0, **of_epoch}
        for epoch, of_epoch in enumerate(values, 1)]))
    return reading.read(folder)


@pytest.fixture
def folder(tmp_path):
    return write_result(tmp_path / "run", [], epoch=4)


def kids(*values):
    return [{"measure/kid": value} for value in values]


def test_a_run_under_way(folder):
    logged(folder, *kids(9.0, 5.0))
    os.utime(folder / "log", (0, datetime.datetime(2026, 11, 27, 12, 31).timestamp()))
    found = status.progress(reading.read(folder))
    assert found == {"state": "Running", "text": "epoch 2 of 4", "news": "updated", "when": "27 November 12:31",
                     "time": datetime.datetime(2026, 11, 27, 12, 31).timestamp(), "left": "2 min",
                     "patience": 600 + 3 * 60}


def test_a_finished_run(folder):
    found = status.progress(logged(folder, *kids(9.0, 5.0, 4.0, 3.0)))
    assert (found["state"], found["text"], found["news"]) == ("Finished", "4 epochs in 4 min", "ended")
    assert found["left"] is found["patience"] is None


def test_a_run_that_stopped_within_its_last_epoch(folder):
    (folder / "log").write_text(json.dumps([
        {"epoch": epoch, "iteration": iteration, "elapsed_time": 1.0 * iteration}
        for epoch, iteration in ((1, 10), (2, 20), (3, 30), (3, 35))]))
    assert status.progress(reading.read(folder))["state"] == "Running"


def test_a_run_that_has_only_begun(folder):
    assert status.progress(reading.read(folder))["news"] == "started"
    assert status.verdict(reading.read(folder), 1) is None
    assert status.trend(reading.read(folder)) == ""
    assert status.best_epoch(reading.read(folder)) is None


@pytest.mark.parametrize(("values", "trend"), [
    ([9.0], "Too early to say whether it gets better."),
    ([9.0, 8.0, 5.0], "It got better: from 9 in epoch 1 to 5 in epoch 3, its lowest."),
    ([9.0, 5.0, 6.0], "It stayed about as good after epoch 2: from 9 in epoch 1 to 5, its lowest, then 6 in epoch 3."),
    ([5.0, 9.0, 7.0], "It got worse after epoch 1: 5, its lowest, then 7 in epoch 3.")])
def test_whether_it_gets_better(folder, values, trend):
    assert status.trend(logged(folder, *kids(*values))) == trend


def test_how_good_an_epoch_is(folder):
    found = status.verdict(logged(folder, *kids(9.0, 5.0, 0.1)), 2)
    assert found["title"] == "KID in epoch 2"
    assert found["distance"].startswith("Still about 5 times that of real slices")
    assert found["place"] == "far"


def test_an_epoch_without_kid_has_that_of_the_one_before(folder):
    assert status.verdict(logged(folder, *kids(9.0), {}), 2)["title"] == "KID in epoch 1"


def test_which_run_is_nearer(folder, tmp_path):
    runs = [logged(folder, *kids(9.0, 5.0, 4.0, 4.0)),
            logged(write_result(tmp_path / "b", [], epoch=4), *kids(2.0, 8.0, 4.0))]
    assert [status.nearer(runs, "ab", epoch) for epoch in (1, 2, 3, 4)] == [
        "In epoch 1, by KID, b (2) is nearer to real slices than a (9).",
        "In epoch 2, by KID, a (5) is nearer to real slices than b (8).",
        "In epoch 3, by KID, a (4) is as near to real slices as b (4).",
        "In epoch 4 b has no KID: which run is nearer to real slices is not known."]


def test_the_best_epoch_is_that_of_the_lowest_kid(folder):
    assert status.best_epoch(logged(folder, *kids(9.0, 5.0, 7.0))) == 2


@pytest.mark.parametrize(("values", "flags"), [
    (kids(9.0, 5.0, 7.0), {}),
    (kids(9.0, 5.0, 51.0), {3: ("diverged", "Distance from real slices (KID) 51, limit 50")}),
    (kids(9.0, 0.01, 9.0), {}),  # ten times the lowest, but not ten times what real slices give
    ([{"dis/loss": -1010.0}], {1: ("diverged", "Losses: discriminator −1\u202f010, limit −1\u202f000")}),
    ([{"gen/loss": 999.0}], {}),
    ([{"measure/variety.levels": 0.2}] * 4, dict.fromkeys(
        (3, 4), (status.ONE_LEVEL, "Variety: levels in the brain 0.2, limit 0.25"))),
    ([{"measure/diversity.similarity": value} for value in (2.0, 2.0, 2.0, 1.2)],
     {3: (status.ONE_IMAGE, "Likeness of pairs 2, limit 1.32")}),
])
def test_epochs_that_went_wrong(folder, values, flags):
    scale = json.loads((folder / "measures.json").read_text())
    scale["diversity.similarity"] = {"real_low": 0.9, "real_high": 1.1}
    (folder / "measures.json").write_text(json.dumps(scale))
    assert status.flags(logged(folder, *values)) == flags


def test_flags_in_words():
    flags = {**dict.fromkeys((3, 14, 15, 16), (status.ONE_LEVEL, "")), 20: ("diverged", "KID 95, limit 51")}
    assert status.in_words(flags, True) == (
        "Epochs 3, 14 to 16: nearly the same level in the brain in all images; epoch 20: diverged. "
        "Still so in the newest epoch.")
    assert status.in_words(dict.fromkeys(range(3, 17, 2), (status.ONE_IMAGE, "x")), False) == (
        "7 epochs: nearly the same image every time. Not in the newest epoch.")
    assert status.in_words({}, False) == ""


@pytest.mark.parametrize(("said", "subjects", "text"), [
    ("synthetic phantom", ("001", "002"), "16 slices of 2 synthetic phantoms, 16×16 pixels"),
    (None, ("phantom_001",), "16 slices of 1 synthetic phantom, 16×16 pixels"),
    (None, ("001",), "16 slices of 1 subject, 16×16 pixels")])
def test_what_is_learned(tmp_path, said, subjects, text):
    slices = write_slice_set(tmp_path / "set", subjects=subjects)
    if said:
        description = json.loads((slices / "dataset.json").read_text())
        (slices / "dataset.json").write_text(json.dumps({**description, "made_from": said}))
    read = reading.read(write_result(tmp_path / "run", [1], slices))
    assert status.what(read, Slices(slices)) == text
    assert status.what(read, None) == "16 slices, 16×16 pixels"
