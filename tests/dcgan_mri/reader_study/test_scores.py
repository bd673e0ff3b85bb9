"""The statistics: known cases, and intervals that hold what they promise."""

import numpy as np
import pytest

from dcgan_mri.reader_study import scores
from dcgan_mri.reader_study.answers import collect
from dcgan_mri.reader_study.scores import Sheet


def simulated(rng, n_readers, logit, readers=0.0, images=0.0, n=50):
    """Answers to n real and n generated images; readers and images differ in difficulty as normal logits."""
    real = np.arange(2 * n) < n
    share = 1 / (1 + np.exp(-(logit + rng.normal(0, readers, (n_readers, 1)) + rng.normal(0, images, 2 * n))))
    right = rng.random(share.shape) < share
    sure = rng.integers(0, 3, share.shape)
    none = np.zeros((n_readers, 0), dtype=int)
    return Sheet(real, np.where(right == real, 4 + sure, 3 - sure), none, none)


def expected(logit, readers, images):
    """The accuracy that `simulated` has on average over all readers and images."""
    logits = np.random.default_rng(0).normal(logit, np.hypot(readers, images), 10**6)
    return (1 / (1 + np.exp(-logits))).mean()


def share_inside(intervals, truth):
    return np.mean([interval.low <= truth <= interval.high for interval in intervals])


def test_measures_of_a_small_sheet():
    found = scores.measures(np.array([6, 5, 2, 4]), np.array([1, 3, 5, 4, 1]))
    assert found["sensitivity"] == 3 / 5
    assert found["specificity"] == 3 / 4
    assert found["accuracy"] == pytest.approx(6 / 9)
    assert found["balanced"] == pytest.approx((3 / 5 + 3 / 4) / 2)
    # Pairs of a real and a generated image of which the real one is rated higher; equal ones count half.
    assert found["auc"] == pytest.approx((5 + 4.5 + 2 + 3.5) / 20)


@pytest.mark.parametrize(("rating_of_real", "rating_of_generated", "auc"), [(6, 1, 1.0), (1, 6, 0.0), (3, 3, 0.5)])
def test_auc_of_extremes(rating_of_real, rating_of_generated, auc):
    assert scores.measures(np.full(4, rating_of_real), np.full(3, rating_of_generated))["auc"] == auc


def test_wilson_of_100_images_reaches_as_far_as_the_report_says():
    found = scores.wilson(np.arange(100) < 50)
    assert found.value == 0.5
    assert found.high - 0.5 == pytest.approx(0.096, abs=0.0005)


def test_a_readers_own_accuracy_lies_in_wilsons_interval():
    rng = np.random.default_rng(0)
    sheets = [simulated(rng, 3, logit=0.8) for _ in range(150)]
    truth = expected(0.8, 0, 0)
    inside = [share_inside([reader["accuracy"]], truth) for sheet in sheets for reader in scores.of_each_reader(sheet)]
    assert 0.92 <= np.mean(inside) <= 0.98


@pytest.mark.parametrize(("logit", "readers", "images"), [(0.0, 0.3, 0.5), (0.8, 0.5, 1.0)])
def test_the_accuracy_of_all_readers_lies_in_the_interval(logit, readers, images, monkeypatch):
    monkeypatch.setattr(scores, "REPLICATES", 200)
    rng = np.random.default_rng(0)
    found = [scores.over_readers(simulated(rng, 5, logit, readers, images), rng) for _ in range(200)]
    truth = expected(logit, readers, images)
    for name in ("accuracy", "sensitivity", "specificity", "balanced"):
        assert 0.91 <= share_inside([estimates[name] for estimates in found], truth) <= 0.99


def test_other_readers_count_as_well_as_other_images():
    """Readers who differ widen the interval, though each is as exact as before."""
    real = np.arange(100) < 50
    none = np.zeros((4, 0), dtype=int)

    def reach(accuracies):
        right = np.stack([np.arange(50) < 50 * accuracy for accuracy in accuracies])
        right = np.concatenate([right, right], axis=1)
        sheet = Sheet(real, np.where(right == real, 5, 2), none, none)
        found = scores.over_readers(sheet, np.random.default_rng(0))["accuracy"]
        return found.high - found.low

    assert reach([0.5, 0.6, 0.8, 0.9]) > 1.5 * reach([0.7, 0.7, 0.7, 0.7])


def test_answers_that_are_all_right_give_no_interval():
    found = scores.over_readers(simulated(np.random.default_rng(0), 3, logit=100.0), np.random.default_rng(0))
    assert (found["accuracy"].low, found["accuracy"].value, found["accuracy"].high) == (1, 1, 1)


def test_fleiss_kappa():
    real = np.array([True, True, False, False])
    none = np.zeros((3, 0), dtype=int)
    agreeing = Sheet(real, np.array([[6, 1, 5, 2]] * 3), none, none)
    assert scores.fleiss(agreeing) == pytest.approx(1)
    # Worked by hand: each image has 2 of 3 alike (observed 1/3), patient and computer are equally frequent (1/2).
    split = Sheet(real, np.array([[6, 6, 1, 1], [6, 1, 6, 1], [1, 6, 1, 6]]), none, none)
    assert scores.fleiss(split) == pytest.approx((1 / 3 - 1 / 2) / (1 - 1 / 2))
    assert scores.fleiss(Sheet(real, np.full((3, 4), 6), none, none)) is None
    assert scores.fleiss(Sheet(real, np.array([[6, 1, 5, 2]]), none[:1], none[:1])) is None


@pytest.mark.parametrize(("first", "second", "kappa"), [
    ([6, 5, 1, 2], [4, 6, 3, 1], 1.0), ([6, 6, 1, 1], [6, 1, 6, 1], 0.0), ([6, 6, 1, 1], [1, 1, 6, 6], -1.0),
    ([6, 6, 6, 6], [5, 5, 4, 4], None), ([], [], None)])
def test_kappa_with_oneself(first, second, kappa):
    sheet = Sheet(np.array([True, False]), np.array([[6, 1]]), np.array([first], dtype=int),
                  np.array([second], dtype=int))
    assert scores.of_each_reader(sheet)[0]["kappa"] == (kappa if kappa is None else pytest.approx(kappa))


def test_sheet_puts_each_readers_order_into_that_of_the_key(key, write_answers):
    def second_thoughts(answers):
        repeats = [trial["name"] for trial in key["readers"][1] if trial["kind"] == "repeat"]
        answers.update(dict.fromkeys(repeats, 3))

    counted, _ = collect([write_answers("a.json", 1), write_answers("b.json", 2, second_thoughts)], key)
    sheet = scores.sheet_of(key, counted)
    assert np.array_equal(sheet.real, [False] * 5 + [True] * 6)
    assert np.array_equal(sheet.ratings, [[1] * 5 + [6] * 6] * 2)
    assert sorted(sheet.first[0]) == [1, 6]
    assert np.array_equal(sheet.first[0], sheet.second[0])
    assert np.array_equal(sheet.second[1], [3, 3])
