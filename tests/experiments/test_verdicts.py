"""The rule on made numbers."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from experiments.definition import Part
from experiments.verdicts import (
    FAILS,
    HOLDS,
    NOT_RUN,
    UNDECIDED,
    Diverged,
    combine,
    interval,
    jackknife,
    judge,
    judge_with_twins,
    means_of_resamples,
    spread_ratio,
)

LOWER = Part("kid", "a", "lower", "b", False, 0.5)
RATIO = Part("kid", "a", "lower", "b", True, 1.1)
ALIKE = Part("kid", "a", "alike", "b", False, 0.5)
HIGHER = Part("kid", "a", "higher", "b", False, 0.5)
SHARPER = Part("sharpness.brain", "a", "higher", "b", True, 1.1)
WHITER = Part("white.share", "a", "higher", "b", False, 0.05)
SPREAD = Part("kid", "arms", "higher", "seeds", True, 2.0, ("a", "b", "c"))


def arms(a, b):
    return {"a": dict(enumerate(a)), "b": dict(enumerate(b))}


@pytest.mark.parametrize(("part", "a", "b", "verdict"), [
    (LOWER, [1, 1.1, 1.2, 1], [3, 3.2, 3.1, 3], HOLDS),
    (LOWER, [3, 3.2, 3.1, 3], [1, 1.1, 1.2, 1], FAILS),
    (LOWER, [1, 1.1, 1.2, 1], [1.1, 1.2, 1.3, 1], FAILS),  # lower, but by less than matters
    (LOWER, [1, 5, 3, 3], [3, 3, 9, 3], UNDECIDED),
    (LOWER, [1, 1, 1], [3, 3, 3], UNDECIDED),  # too few
    (LOWER, [], [], NOT_RUN),
    (LOWER, [1, 1, 1, 1], [1.5, 1.5, 1.5, 1.5], UNDECIDED),  # exactly what matters is on neither side
    (RATIO, [1, 10, 100, 5], [2, 20, 200, 10], HOLDS),
    (RATIO, [1, 10, 100, 5], [1.05, 10.5, 105, 5.1], FAILS),
    (ALIKE, [1, 2, 3, 4], [1.1, 2.1, 3.1, 4.1], HOLDS),
    (ALIKE, [1, 2, 3, 4], [3, 4, 5, 6], FAILS),
    (ALIKE, [3, 4, 5, 6], [1, 2, 3, 4], FAILS),
    (ALIKE, [1, 2, 3, 4], [0, 3, 3, 4], UNDECIDED),
])
def test_verdicts(part, a, b, verdict):
    assert judge(part, arms(a, b)).verdict == verdict


def test_only_seeds_that_both_arms_have_are_paired():
    outcome = judge(LOWER, {"a": {0: 1.0, 1: 2.0, 2: 3.0, 3: 2.0, 7: 99.0},
                            "b": {0: 3.0, 1: 4.0, 2: 5.0, 3: 4.0, 8: -99.0}})
    assert (outcome.pairs, outcome.effect, outcome.verdict) == (4, -2.0, HOLDS)


def test_seeds_without_a_value_are_left_out_and_counted():
    outcome = judge(RATIO, arms([1, 10, 100, 5, math.nan, 2], [2, 20, 200, 10, 2, math.nan]))
    assert (outcome.pairs, outcome.note, outcome.verdict) == (4, "4 of 6 seeds give a value", HOLDS)
    assert judge(RATIO, arms([math.nan] * 5, [1] * 5)).note == "0 of 5 seeds give a value"


def test_a_ratio_is_that_of_the_means():
    outcome = judge(RATIO, arms([1, 2, 3, 4], [2, 4, 6, 28]))
    assert outcome.effect == pytest.approx(0.25)


@pytest.mark.parametrize(("a", "b", "verdict"), [
    ([-0.2, 0.0, -0.1, 0.1], [3, 4, 3, 4], HOLDS),
    ([3, 4, 3, 4], [-0.2, 0.0, -0.1, 0.1], FAILS),
    ([-2, -2.1, -2.2, -2], [-1, -1.1, -1, -1], HOLDS),
    ([-1, -1.1, -1, -1], [-2, -2.1, -2.2, -2], FAILS),
    ([0.1, -0.1, 0.1, -0.1], [-0.1, 0.1, 0.1, -0.1], UNDECIDED),
])
def test_an_estimate_of_kid_may_be_0_or_below(a, b, verdict):
    outcome = judge(RATIO, arms(a, b))
    assert outcome.verdict == verdict
    assert "no ratio" in outcome.note
    assert math.isnan(outcome.effect)


def test_a_twin_that_gives_another_verdict_makes_it_undecided():
    values = arms([1, 1.1, 1.2, 1, 1], [3, 3.2, 3.1, 3, 3])
    assert judge_with_twins(LOWER, values, {"a": {0: 1.3}, "b": {1: 2.9}}).verdict == HOLDS
    outcome = judge_with_twins(LOWER, values, {"a": {0: 1.3}, "b": {1: 0.0}})
    assert outcome.verdict == UNDECIDED
    assert outcome.note == "holds, but not with the twin of seed 1 of b"
    assert outcome.effect == judge(LOWER, values).effect
    assert judge_with_twins(LOWER, values, {"a": {0: Diverged}}).verdict == UNDECIDED
    # A twin of a seed that was not run, or of an arm without a say, changes nothing.
    assert judge_with_twins(LOWER, values, {"a": {9: 99.0}, "c": {0: 99.0}}).verdict == HOLDS


def test_a_number_may_stand_in_place_of_an_arm():
    above = Part("kid", "a", "higher", 0.5, False, 0.0)
    assert judge(above, {"a": {0: 0.8, 1: 0.9, 2: 0.85, 3: 0.8}}).verdict == HOLDS
    assert judge(above, {"a": {0: 0.1, 1: 0.2, 2: 0.15, 3: 0.2}}).verdict == FAILS


@pytest.mark.parametrize(("part", "a", "b", "verdict"), [
    (LOWER, [Diverged] * 4, [1, 2, 3, 4], FAILS),
    (LOWER, [1, 2, 3, 4], [Diverged] * 4, HOLDS),
    (LOWER, [1, 2, 3, 4], [Diverged, Diverged, 3, 4], UNDECIDED),
    (LOWER, [Diverged] * 4, [Diverged] * 4, UNDECIDED),
    (LOWER, [Diverged] * 3, [1, 2, 3], UNDECIDED),
    (ALIKE, [1, 2, 3, 4], [Diverged] * 4, FAILS),
    (HIGHER, [Diverged] * 4, [1, 2, 3, 4], HOLDS),  # claimed to be worse, and it is
    (HIGHER, [1, 2, 3, 4], [Diverged] * 4, FAILS),
    (SHARPER, [Diverged] * 4, [1, 2, 3, 4], FAILS),
    (SHARPER, [1, 2, 3, 4], [Diverged] * 4, HOLDS),
    (WHITER, [Diverged] * 4, [1, 2, 3, 4], UNDECIDED),  # neither more nor less of it is better
    (WHITER, [1, 2, 3, 4], [Diverged] * 4, UNDECIDED),
])
def test_a_training_that_diverged(part, a, b, verdict):
    outcome = judge(part, arms(a, b))
    assert outcome.verdict == verdict
    assert outcome.note.startswith("diverged: ")


def test_a_claim_of_several_parts():
    assert combine([HOLDS, HOLDS]) == HOLDS
    assert combine([HOLDS, UNDECIDED]) == UNDECIDED
    assert combine([HOLDS, UNDECIDED, FAILS]) == FAILS
    assert combine([HOLDS, NOT_RUN]) == UNDECIDED
    assert combine([FAILS, NOT_RUN]) == FAILS
    assert combine([NOT_RUN, NOT_RUN]) == NOT_RUN


def test_of_many_seeds_the_interval_is_students():
    values = np.random.default_rng(0).normal(3, 2, (1, 60))
    low, high = interval(means_of_resamples(values)[0], 60)
    reach = 2.001 * values.std(ddof=1) / 60 ** 0.5
    assert (low, high) == pytest.approx((values.mean() - reach, values.mean() + reach), abs=0.06)


@pytest.mark.parametrize(("n", "share"), [(4, 0.875), (5, 0.92)])
def test_how_often_the_interval_of_few_seeds_covers_the_truth(n, share):
    rng = np.random.default_rng(0)
    ends = [interval(means_of_resamples(rng.normal(3, 2, (1, n)))[0], n) for _ in range(2000)]
    assert np.mean([low < 3 < high for low, high in ends]) == pytest.approx(share, abs=0.015)


values = st.lists(st.floats(-100, 100), min_size=8, max_size=12).filter(lambda numbers: len(numbers) % 2 == 0)


def of_halves(numbers):
    return arms(numbers[::2], numbers[1::2])


def part(direction, margin):
    return Part("kid", "a", direction, "b", margin >= 1, margin)


@settings(max_examples=30, deadline=None)
@given(values, st.floats(0, 10), st.sampled_from(["lower", "higher"]))
def test_a_claim_and_its_opposite_never_both_hold(numbers, margin, direction):
    opposite = {"lower": "higher", "higher": "lower"}[direction]
    assert [judge(part(way, margin), of_halves(numbers)).verdict for way in (direction, opposite)] != [HOLDS, HOLDS]


@settings(max_examples=30, deadline=None)
@given(values, st.floats(1, 10), st.floats(0, 10))
def test_asking_for_more_never_turns_a_no_into_a_yes(numbers, margin, more):
    order = [FAILS, UNDECIDED, HOLDS]
    strict, lenient = (judge(part("higher", size), of_halves(numbers)).verdict for size in (margin + more, margin))
    assert order.index(strict) <= order.index(lenient)


def spread(between_arms, between_seeds, n_seeds=8):
    rng = np.random.default_rng(1)
    level = rng.normal(0, between_arms, (3, 1))
    return {arm: dict(enumerate(row)) for arm, row in zip(
        "abc", level + rng.normal(0, between_seeds, (3, n_seeds)), strict=True)}


def test_arms_that_differ_far_more_than_seeds_are_sensitive():
    assert judge(SPREAD, spread(2, 0.1)).verdict == HOLDS


def test_arms_that_differ_as_seeds_do_are_not():
    assert judge(SPREAD, spread(0, 1)).verdict == FAILS


def test_a_spread_needs_every_arm():
    one_missing = {**spread(2, 0.1), "c": {}}
    assert judge(SPREAD, one_missing).verdict == NOT_RUN
    one_diverged = {**spread(2, 0.1), "c": dict.fromkeys(range(8), Diverged)}
    assert judge(SPREAD, one_diverged).verdict == UNDECIDED


def test_the_spread_ratio_of_a_table_made_by_hand():
    # Between arms: variance 2 in each seed. Between seeds: variance 0.02 in each arm.
    assert spread_ratio(np.array([[0, 0.2], [2, 2.2]])) == pytest.approx(10)


def test_the_jackknife_covers_the_estimate():
    table = np.array([[0.0, 1, 0.3, 1, 0.2, 1.5], [5.0, 6, 5, 6.4, 5, 6]])
    _, low, high = jackknife(table)
    assert low < spread_ratio(table) < high
