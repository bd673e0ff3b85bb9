"""What is measured of a run."""

import json
import math

import numpy as np
import pytest

from dcgan_mri.slice_set import Slices
from dcgan_mri.errors import DataError
from dcgan_mri import grid
from dcgan_mri.pixels import save_png
from experiments import measuring, quantities
from tests.dcgan_mri.test_evaluate import write_phantom_set
from tests.phantoms import phantom_slices
from tests.results import write_result


@pytest.fixture(scope="module")
def slice_set(tmp_path_factory):
    return write_phantom_set(tmp_path_factory.mktemp("measuring") / "set")


@pytest.fixture(scope="module")
def reference(slice_set):
    return measuring.Reference(Slices(slice_set, split="held-out"))


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A run of eight epochs; the grids of the last ones show made-up slices, noisier from epoch to epoch."""
    folder = write_result(tmp_path_factory.mktemp("run") / "run", range(1, 9), side=64)
    pictures = phantom_slices(10, 10, seed=5)[0].astype(float)
    for epoch in (7, 8):
        noisy = pictures + np.random.default_rng(0).normal(0, 3 * (epoch - 6), pictures.shape)
        cells = np.repeat(np.clip(noisy, 0, 255).astype(np.uint8)[..., None], 3, axis=3)
        save_png(folder / "preview" / f"epoch_{epoch:04d}.png", grid.draw(cells, "title", range(100)))
    return folder


@pytest.fixture(scope="module")
def measured(reference, run):
    return measuring.measure_run(run, reference, along=True)


def test_every_quantity_of_the_last_grid_and_the_log(measured):
    assert set(measured["values"]) == set(quantities.NAMES)
    assert measured["values"]["noise.air"] > 1
    assert measured["values"]["scores.gap"] == 1.0
    assert measured["scores"] == [[epoch, 0.5, -0.5] for epoch in range(1, 9)]


def test_real_slices_come_out_nearer_to_real_ones_than_noisy_ones_do(slice_set, reference, measured):
    real = measuring.measure_real(Slices(slice_set), reference)
    assert set(real) == set(quantities.NAMES) - {"scores.gap", "kid.swing"}
    assert real["kid"] < measured["values"]["kid"]
    assert real["noise.air"] == 0


def test_measuring_again_gives_the_same_and_along_only_if_asked_for(reference, run, measured):
    again = measuring.measure_run(run, reference, along=False)
    assert again["along"] == {}
    assert repr(again["values"]) == repr({name: measured["values"][name] for name in again["values"]})
    assert set(measured["values"]) - set(again["values"]) == {"kid.swing"}


def test_along_the_second_half_of_the_epochs(measured):
    assert list(measured["along"]) == [4, 5, 6, 7, 8]
    assert measured["along"][8]["kid"] == measured["values"]["kid"]
    # Stripes of grey, and then brains.
    assert measured["along"][6]["kid"] > 10 * measured["along"][7]["kid"]


def test_successes_and_failures_are_ten_each(measured):
    assert len(set(measured["successes"] + measured["failures"])) == 20


def test_extremes_by_the_rule():
    distances = np.array([5.0, 1, 9, 3] + [4] * 20)
    successes, failures = measuring.extremes(distances)
    assert (successes[:2], failures[:2]) == ([1, 3], [2, 0])


@pytest.mark.parametrize(("last", "epochs"), [(1, [1]), (2, [1, 2]), (8, [4, 5, 6, 7, 8]), (
    100, [50, 57, 64, 71, 79, 86, 93, 100])])
def test_epochs_along_a_run(last, epochs):
    assert measuring.along_epochs(last) == epochs


def test_swing():
    assert measuring.swing([2.0, 2.0, 2.0]) == 0
    assert measuring.swing([1.0, 2.0, 3.0]) == 0.5
    assert math.isnan(measuring.swing([1.0, 2.0]))
    assert math.isnan(measuring.swing([-1.0, 0.0, 1.0]))


def test_white_share(reference):
    images = np.zeros((2, 64, 64, 3), np.uint8)
    images[:, 16:48, 16:48] = 128
    images[0, 16:48, 16:32] = 255
    assert measuring.white_share(reference.stack(images)) == pytest.approx(0.25, abs=0.02)
    assert math.isnan(measuring.white_share(reference.stack(np.zeros_like(images))))


@pytest.mark.parametrize("log", ["", "[]", "{"])
def test_a_log_that_cannot_be_read_is_named(tmp_path, log):
    (tmp_path / "log").write_text(log)
    with pytest.raises(DataError, match="log: cannot read"):
        measuring.read_log(tmp_path)


def test_a_run_without_grids_is_named(tmp_path, reference):
    (tmp_path / "log").write_text(json.dumps([{"epoch": 1}]))
    with pytest.raises(DataError, match="no sample grid"):
        measuring.measure_run(tmp_path, reference, along=False)
