"""The rule on made numbers."""

import math

import numpy as np
import pytest
from hypothesis import given
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
    rule,
    spread_ratio,
)

LOWER = Part("kid", "a", "lower", "b", False, 0.5)
RATIO = Part("kid", "a", "lower", "b", True, math.log(1.1))
ALIKE = Part("kid", "a", "alike", "b", False, 0.5)
HIGHER = Part("kid", "a", "higher", "b", False, 0.5)
SHARPER = Part("sharpness.brain", "a", "higher", "b", True, math.log(1.1))
WHITER = Part("white.share", "a", "higher", "b", False, 0.05)
SPREAD = Part("kid", "arms", "higher", "seeds", True, math.log(2), ("a", "b", "c"))


def arms(a, b):
    return {"a": dict(enumerate(a)), "b": dict(enumerate(b))}


@pytest.mark.parametrize(("part", "a", "b", "verdict"), [
    (LOWER, [1, 1.1, 1.2], [3, 3.2, 3.1], HOLDS),
    (LOWER, [3, 3.2, 3.1], [1, 1.1, 1.2], FAILS),
    (LOWER, [1, 1.1, 1.2], [1.1, 1.2, 1.3], FAILS),  # lower, but by less than matters
    (LOWER, [1, 5, 3], [3, 3, 9], UNDECIDED),
    (LOWER, [1, 1], [3, 3], UNDECIDED),  # too few
    (LOWER, [], [], NOT_RUN),
    (LOWER, [1, 1, 1], [1.5, 1.5, 1.5], UNDECIDED),  # exactly what matters is on neither side
    (RATIO, [1, 10, 100], [2, 20, 200], HOLDS),
    (RATIO, [1, 10, 100], [1.05, 10.5, 105], FAILS),
    (ALIKE, [1, 2, 3], [1.1, 2.1, 3.1], HOLDS),
    (ALIKE, [1, 2, 3], [3, 4, 5], FAILS),
    (ALIKE, [3, 4, 5], [1, 2, 3], FAILS),
    (ALIKE, [1, 2, 3], [0, 3, 3], UNDECIDED),
])
def test_verdicts(part, a, b, verdict):
    assert judge(part, arms(a, b)).verdict == verdict


def test_only_seeds_that_both_arms_have_are_paired():
    outcome = judge(LOWER, {"a": {0: 1.0, 1: 2.0, 2: 3.0, 7: 99.0}, "b": {0: 3.0, 1: 4.0, 2: 5.0, 8: -99.0}})
    assert (outcome.pairs, outcome.effect, outcome.verdict) == (3, -2.0, HOLDS)


def test_seeds_without_a_value_are_left_out_and_counted():
    outcome = judge(RATIO, arms([1, 10, 100, math.nan, 2], [2, 20, 200, 2, math.nan]))
    assert (outcome.pairs, outcome.note, outcome.verdict) == (3, "3 of 5 seeds give a value", HOLDS)


@pytest.mark.parametrize("best", [0.0, -0.2])
def test_a_value_without_a_ratio_is_not_left_out_silently(best):
    outcome = judge(RATIO, arms([best, 1.0, 1.1, 1.05], [1, 1, 1, 1]))
    assert outcome.verdict == UNDECIDED
    assert "not positive" in outcome.note
    table = {arm: {0: best, 1: 1.0, 2: 2.0} for arm in "abc"}
    assert judge(SPREAD, table).verdict == UNDECIDED
    assert judge(LOWER, arms([best] * 3, [1, 1.1, 1.2])).verdict == HOLDS


def test_a_number_may_stand_in_place_of_an_arm():
    above = Part("kid", "a", "higher", 0.5, False, 0.0)
    assert judge(above, {"a": {0: 0.8, 1: 0.9, 2: 0.85}}).verdict == HOLDS
    assert judge(above, {"a": {0: 0.1, 1: 0.2, 2: 0.15}}).verdict == FAILS


@pytest.mark.parametrize(("part", "a", "b", "verdict"), [
    (LOWER, [Diverged] * 3, [1, 2, 3], FAILS),
    (LOWER, [1, 2, 3], [Diverged] * 3, HOLDS),
    (LOWER, [1, 2, 3], [Diverged, Diverged, 3], UNDECIDED),
    (LOWER, [Diverged] * 3, [Diverged] * 3, UNDECIDED),
    (LOWER, [Diverged] * 2, [1, 2], UNDECIDED),
    (ALIKE, [1, 2, 3], [Diverged] * 3, FAILS),
    (HIGHER, [Diverged] * 3, [1, 2, 3], HOLDS),  # claimed to be worse, and it is
    (HIGHER, [1, 2, 3], [Diverged] * 3, FAILS),
    (SHARPER, [Diverged] * 3, [1, 2, 3], FAILS),
    (SHARPER, [1, 2, 3], [Diverged] * 3, HOLDS),
    (WHITER, [Diverged] * 3, [1, 2, 3], UNDECIDED),  # neither more nor less of it is better
    (WHITER, [1, 2, 3], [Diverged] * 3, UNDECIDED),
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


def test_the_interval_is_students():
    # Mean 2, standard deviation 1, t of 0.975 with 2 degrees of freedom 4.3027.
    assert interval(np.array([1.0, 2.0, 3.0])) == pytest.approx((2, 2 - 4.3027 / 3 ** 0.5, 2 + 4.3027 / 3 ** 0.5), 1e-4)


def test_the_interval_covers_the_truth_as_often_as_it_says():
    rng = np.random.default_rng(0)
    ends = [interval(rng.normal(3, 2, 5))[1:] for _ in range(2000)]
    assert np.mean([low < 3 < high for low, high in ends]) == pytest.approx(0.95, abs=0.015)


values = st.lists(st.floats(-100, 100), min_size=3, max_size=6)


@given(values, st.floats(0, 10), st.sampled_from(["lower", "higher"]))
def test_a_claim_and_its_opposite_never_both_hold(effects, margin, direction):
    _, low, high = interval(np.array(effects))
    opposite = {"lower": "higher", "higher": "lower"}[direction]
    assert (rule(direction, low, high, margin), rule(opposite, low, high, margin)) != (HOLDS, HOLDS)


@given(values, st.floats(0, 10), st.floats(0, 10))
def test_asking_for_more_never_turns_a_no_into_a_yes(effects, margin, more):
    _, low, high = interval(np.array(effects))
    order = [FAILS, UNDECIDED, HOLDS]
    strict, lenient = rule("higher", low, high, margin + more), rule("higher", low, high, margin)
    assert order.index(strict) <= order.index(lenient)


def spread(between_arms, between_seeds, n_seeds=8):
    rng = np.random.default_rng(1)
    level = rng.normal(0, between_arms, (3, 1))
    return {arm: dict(enumerate(np.exp(row))) for arm, row in zip(
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
    assert spread_ratio(np.array([[0, 0.2], [2, 2.2]])) == pytest.approx(math.log(10))


def test_the_jackknife_covers_the_estimate():
    table = np.array([[0.0, 1, 0.3, 1, 0.2, 1.5], [5.0, 6, 5, 6.4, 5, 6]])
    _, low, high = jackknife(table)
    assert low < spread_ratio(table) < high
