"""Intervals, real against real, and what is missing is said to be."""

import numpy as np
import pytest

from dcgan_mri.metrics import MEASURES, comparison
from dcgan_mri.metrics.base import Measure, Quantity
from dcgan_mri.metrics.reference import Reference
from dcgan_mri.metrics.stack import Stack
from tests.degradations import with_noise


class Mean(Measure):
    name = "mean"
    quantities = (Quantity("mean", "", "", ""),)

    def compare(self, samples, baseline, rng):
        return {"mean": float(samples["x"].mean())}


class Count(Measure):
    name = "count"
    quantities = (Quantity("count", "", "", ""),)
    equal_sizes = True

    def compare(self, samples, baseline, rng):
        return {"count": float(len(samples["x"]) + 1000 * len(baseline["x"]))}


MEAN = Mean()


def test_halves_keep_subjects_whole():
    groups = np.repeat(np.arange(7), 3)
    pairs = comparison.halves(groups, np.random.default_rng(0))
    assert len(pairs) == 2 * comparison.SPLITS
    for one, other in pairs:
        assert not set(groups[one]) & set(groups[other])
        assert sorted([*one, *other]) == list(range(21))
    assert comparison.halves(np.zeros(5, int), np.random.default_rng(0)) == []


def test_interval_of_a_mean_covers_as_often_as_it_says():
    rng = np.random.default_rng(0)
    hits = 0
    for _ in range(150):
        samples = {"x": rng.standard_normal(60)}
        result = comparison.compare(MEAN, samples, samples, np.arange(60), np.zeros(60, int))["mean"]
        hits += result.low <= 0 <= result.high
    assert 0.88 < hits / 150 < 0.99


def test_interval_of_grouped_samples_is_wider():
    rng = np.random.default_rng(0)
    subjects = np.repeat(np.arange(10), 20)
    samples = {"x": rng.standard_normal(10)[subjects] + 0.1 * rng.standard_normal(200)}
    alone = comparison.compare(MEAN, samples, samples, np.arange(200), np.zeros(200, int))["mean"]
    grouped = comparison.compare(MEAN, samples, samples, subjects, np.zeros(200, int))["mean"]
    assert grouped.high - grouped.low > 2 * (alone.high - alone.low)


def test_one_subject_has_no_real_against_real():
    samples = {"x": np.arange(10.0)}
    result = comparison.compare(MEAN, samples, samples, np.arange(10), np.zeros(10, int))["mean"]
    assert result.value == 4.5
    assert np.isnan([result.real, result.real_low, result.real_high]).all()


def test_what_depends_on_the_number_is_compared_at_equal_numbers():
    groups = np.repeat([0, 1], [30, 30])
    result = comparison.compare(Count(), {"x": np.zeros(100)}, {"x": np.zeros(60)}, np.arange(100), groups)["count"]
    assert result.value == result.real == 30030


@pytest.fixture(scope="module")
def measured(reference, others, held_out):
    steps = []
    results, copies = comparison.measure_all(reference.stack(others), reference, held_out, steps.append)
    assert len(steps) == comparison.n_steps(True)
    assert copies["index"].shape == (40,)
    return results


def test_slices_of_other_subjects_lie_where_real_lies(measured):
    names = [quantity.name for measure in MEASURES for quantity in measure.quantities]
    assert sorted(measured) == sorted(names)
    for name in names:
        result = measured[name]
        if name in ("swd.256", "swd.128"):
            assert np.isnan(result.value)
            continue
        assert result.low <= result.value <= result.high, name
        width = max(result.real_high - result.real_low, result.high - result.low, 0.05 * abs(result.real))
        assert result.real_low - width <= result.value <= result.real_high + width, name


def test_noise_does_not(reference, others, held_out, measured):
    results, _ = comparison.measure_all(reference.stack(with_noise(others, 25)), reference, held_out)
    for name in ("noise.inside", "kid", "swd.64", "fid", "memorisation.features"):
        assert results[name].value > measured[name].real_high, name


def test_without_held_out_slices_copies_are_missing(reference, others):
    steps = []
    results, _ = comparison.measure_all(reference.stack(others[:12]), reference, None, steps.append)
    assert len(steps) == comparison.n_steps(False)
    assert np.isnan(results["memorisation.copies"].value)
    assert not np.isnan(results["kid"].value)


def test_threads_change_nothing(training, others):
    one, two = (Stack(others[:20], training.extractor, threads=n) for n in (1, 2))
    assert np.array_equal(one.heads, two.heads)
    assert np.array_equal(one.features, two.features)


@pytest.mark.parametrize("side", [16, 32])
def test_smallest_images_are_measured_too(slices, others, side):
    # One pixel in so many: as small as the networks of the tests of training make them.
    pictures = others[:, ::64 // side, ::64 // side]
    small = Reference(type(slices)(pictures, np.arange(40) // 10, np.arange(40) % 10))
    results, _ = comparison.measure_all(small.stack(pictures[::-1]), small)
    assert results["diversity.similarity"].value == pytest.approx(1, rel=0.2)
    assert results["kid"].value < 1
    assert results["coverage.share"].value > 0.3
