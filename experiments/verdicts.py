"""From measured numbers to *holds*, *does not hold* or *undecided*, by the rule that PROTOCOL.rst wrote down before."""

import dataclasses
import math

import numpy as np
from scipy import stats

from experiments import quantities

HOLDS, FAILS, UNDECIDED, NOT_RUN = "holds", "does not hold", "undecided", "not run"
CONFIDENCE = 0.95
# Fewer pairs of runs give no verdict.
LEAST_PAIRS = 3


class Diverged:
    """Stands for the value of a run that left the finite numbers."""


@dataclasses.dataclass(frozen=True)
class Outcome:
    """What came of one comparison.

    Attributes:
        verdict (str): One of the four words above.
        effect (float): Mean over seeds of the difference of values, or of the logarithm of their ratio; NaN if none.
        low (float): Lower end of its 95 % interval; NaN if none.
        high (float): Upper end.
        pairs (int): Seeds that it rests on.
        note (str): What kept it from being judged as usual; may be empty.
    """

    verdict: str
    effect: float = math.nan
    low: float = math.nan
    high: float = math.nan
    pairs: int = 0
    note: str = ""


def judge(part, values):
    """Judge one comparison.

    Args:
        part (experiments.definition.Part): The comparison.
        values (dict): Arm to dict from seed to float, NaN or `Diverged`; only what has been run.

    Returns:
        Outcome: The result.
    """
    if part.among:
        return _judge_spread(part, values)
    mine = values.get(part.of, {})
    theirs = values.get(part.than, {}) if isinstance(part.than, str) else dict.fromkeys(mine, part.than)
    seeds = sorted(set(mine) & set(theirs))
    if not seeds:
        return Outcome(NOT_RUN)
    lost, won = ([arm[seed] is Diverged for seed in seeds] for arm in (mine, theirs))
    if any(lost) or any(won):
        return _judge_diverged(part, lost, won)
    pairs = [(mine[seed], theirs[seed]) for seed in seeds if math.isfinite(mine[seed]) and math.isfinite(theirs[seed])]
    note = f"{len(pairs)} of {len(seeds)} seeds give a value" if len(pairs) < len(seeds) else ""
    if part.relative and any(value <= 0 for pair in pairs for value in pair):
        return Outcome(UNDECIDED, pairs=len(pairs), note="a value is not positive, so that there is no ratio")
    return _with_verdict(part, *interval(np.array([_effect(part, *pair) for pair in pairs])), len(pairs), note)


def combine(verdicts):
    """The verdict on a claim that has several parts.

    Args:
        verdicts (list of str): Of its deciding parts.

    Returns:
        str: It does not hold if one part does not; it holds if all do; it is not run if none has been; else undecided.
    """
    if FAILS in verdicts:
        return FAILS
    return verdicts[0] if len(set(verdicts)) == 1 else UNDECIDED


def interval(effects):
    """Mean and confidence interval of paired effects, by Student's t.

    Args:
        effects (numpy.ndarray): One for each seed.

    Returns:
        tuple of float: Mean, lower and upper end; the ends are NaN for fewer than two.
    """
    n = len(effects)
    if n == 0:
        return math.nan, math.nan, math.nan
    centre = float(np.mean(effects))
    if n == 1:
        return centre, math.nan, math.nan
    reach = float(stats.t.ppf((1 + CONFIDENCE) / 2, n - 1) * np.std(effects, ddof=1) / math.sqrt(n))
    return centre, centre - reach, centre + reach


def rule(direction, low, high, margin):
    """The rule: where the interval lies against the smallest effect that matters.

    Args:
        direction (str): ``lower``, ``higher`` or ``alike``.
        low (float): Lower end of the interval.
        high (float): Upper end.
        margin (float): Smallest effect that matters, 0 or more.

    Returns:
        str: The verdict.
    """
    if math.isnan(low):
        return UNDECIDED
    if direction == "alike":
        inside, outside = -margin < low and high < margin, low > margin or high < -margin
    else:
        if direction == "lower":
            low, high = -high, -low
        inside, outside = low > margin, high < margin
    return HOLDS if inside else FAILS if outside else UNDECIDED


def spread_ratio(table):
    """How much more a quantity differs between arms than between seeds.

    Args:
        table (numpy.ndarray): Logarithms of the quantity, shape (arms, seeds), two of each at least.

    Returns:
        float: Logarithm of a ratio of standard deviations: between arms of one seed, the mean over seeds, over that
        between seeds of one arm, the mean over arms. About 0 if arms do no more than seeds.
    """
    between_arms = np.mean(np.var(table, axis=0, ddof=1))
    between_seeds = np.mean(np.var(table, axis=1, ddof=1))
    with np.errstate(divide="ignore"):
        return float(0.5 * (np.log(between_arms) - np.log(between_seeds)))


def jackknife(table):
    """`spread_ratio` with an interval over seeds (Tukey's jackknife: each seed left out in turn).

    Args:
        table (numpy.ndarray): As for `spread_ratio`, three seeds at least.

    Returns:
        tuple of float: Estimate, lower and upper end of the 95 % interval.
    """
    n = table.shape[1]
    whole = spread_ratio(table)
    return interval(np.array([
        n * whole - (n - 1) * spread_ratio(np.delete(table, seed, axis=1)) for seed in range(n)]))


def _judge_spread(part, values):
    arms = [values.get(name, {}) for name in part.among]
    seeds = sorted(set.intersection(*map(set, arms)))
    if not seeds:
        return Outcome(NOT_RUN)
    if any(arm[seed] is Diverged for arm in arms for seed in seeds):
        return Outcome(UNDECIDED, pairs=len(seeds), note="some runs diverged")
    table = np.array([[arm[seed] for seed in seeds] for arm in arms], dtype=float)
    table = table[:, np.isfinite(table).all(axis=0)]
    n = table.shape[1]
    note = f"{n} of {len(seeds)} seeds give a value in every arm" if n < len(seeds) else ""
    if (table <= 0).any():
        return Outcome(UNDECIDED, pairs=n, note="a value is not positive and has no logarithm")
    if n < LEAST_PAIRS:
        return Outcome(UNDECIDED, pairs=n, note=note or "too few seeds")
    return _with_verdict(part, *jackknife(np.log(table)), n, note)


def _judge_diverged(part, lost, won):
    """A training that leaves the finite numbers has no images, which is worse than any that has."""
    note = f"diverged: {sum(lost)} of {len(lost)} runs of {part.of}"
    if isinstance(part.than, str):
        note += f", {sum(won)} of {len(won)} of {part.than}"
    only_mine, only_theirs = all(lost) and not any(won), all(won) and not any(lost)
    better = quantities.better(part.measure)
    if len(lost) < LEAST_PAIRS or not (only_mine or only_theirs) or not better:
        verdict = UNDECIDED
    else:
        worse = "higher" if better == "lower" else "lower"
        verdict = HOLDS if part.direction == (worse if only_mine else better) else FAILS
    return Outcome(verdict, pairs=len(lost), note=note)


def _with_verdict(part, effect, low, high, pairs, note):
    if pairs < LEAST_PAIRS:
        return Outcome(UNDECIDED, effect, low, high, pairs, note or "too few seeds")
    return Outcome(rule(part.direction, low, high, part.margin), effect, low, high, pairs, note)


def _effect(part, mine, theirs):
    return math.log(mine) - math.log(theirs) if part.relative else mine - theirs
