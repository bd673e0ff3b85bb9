"""What is measured of a run."""

import math

import numpy as np
import pytest

from dcgan_mri.slice_set import Slices
from experiments import measuring, quantities
from experiments.training import Trained
from tests.dcgan_mri.test_evaluate import write_phantom_set
from tests.phantoms import phantom_slices


@pytest.fixture(scope="module")
def slice_set(tmp_path_factory):
    return write_phantom_set(tmp_path_factory.mktemp("measuring") / "set")


@pytest.fixture(scope="module")
def reference(slice_set):
    return measuring.Reference(Slices(slice_set), Slices(slice_set, split="held-out"))


def trained(noise):
    """A training whose images are made-up slices, noisier or less after each of these epochs."""
    pictures = phantom_slices(10, 10, seed=5)[0].astype(float)
    shown = [np.clip(pictures + np.random.default_rng(0).normal(0, sigma, pictures.shape), 0, 255)
             for sigma in noise.values()]
    stacks = np.repeat(np.array(shown).astype(np.uint8)[..., None], 3, axis=4)
    scores = [[epoch, float(epoch), -1.0] for epoch in range(1, max(noise) + 1)]
    return Trained(list(noise), stacks, scores, None, 100, 1.0, "CPU")


@pytest.fixture(scope="module")
def measured(reference):
    return reference.measure_run(trained({2: 60.0, 4: 3.0, 5: 3.0, 6: 3.0, 7: 3.0, 8: 6.0}))


def test_every_quantity_there_is(measured):
    assert set(measured["values"]) == set(quantities.NAMES)


def test_a_value_is_the_mean_over_the_last_five_epochs(reference, measured):
    last = reference.measure_run(trained({8: 6.0}))
    one_before = reference.measure_run(trained({7: 3.0}))
    for name in ("kid", "noise.air", "coverage.share", "sharpness.brain"):
        assert measured["values"][name] == pytest.approx(
            (last["values"][name] + 4 * one_before["values"][name]) / 5)
    # Scores of real images are 4 to 8 there, those of generated ones -1.
    assert measured["values"]["scores.gap"] == 7.0
    assert measured["values"]["kid.swing"] == pytest.approx(measuring.swing(
        [measured["along"][epoch]["kid"] for epoch in range(4, 9)]))


def test_every_epoch_that_was_kept_is_measured_along_the_run(measured):
    assert list(measured["along"]) == [2, 4, 5, 6, 7, 8]
    assert measured["along"][2]["kid"] > measured["along"][8]["kid"] > measured["along"][7]["kid"]


def test_held_out_slices_come_out_nearer_to_the_training_slices_than_noisy_ones_do(reference, measured):
    real = reference.measure_real()
    # A slice is its own nearest among the held-out ones, so that coverage and copies would say nothing.
    assert set(real) == {name for name in quantities.NAMES if name not in ("scores.gap", "kid.swing")
                         and not name.startswith(("coverage", "memorisation"))}
    assert real["kid"] < measured["values"]["kid"]
    assert real["noise.air"] == 0


def test_without_held_out_slices_copies_are_left_out_and_so_are_real_slices(slice_set):
    alone = measuring.Reference(Slices(slice_set))
    assert alone.measure_real() == {}
    values = alone.measure_run(trained({1: 3.0}))["values"]
    assert {name for name in quantities.NAMES if name not in values} == {
        name for name in quantities.NAMES if name.startswith("memorisation")}


def test_copies_of_training_slices_are_seen(slice_set, reference):
    copied = Slices(slice_set).batch(range(24))
    assert reference.measure(reference.stack(copied))["memorisation.copies"] > 0.9


def test_successes_and_failures_are_ten_each(measured):
    assert len(set(measured["successes"] + measured["failures"])) == 20


def test_extremes_by_the_rule():
    distances = np.array([5.0, 1, 9, 3] + [4] * 20)
    successes, failures = measuring.extremes(distances)
    assert (successes[:2], failures[:2]) == ([1, 3], [2, 0])


def test_means_leave_out_what_is_no_number():
    assert measuring.mean([1.0, math.nan, 3.0]) == 2.0
    assert math.isnan(measuring.mean([math.nan]))


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
