"""From measured numbers to *holds*, *does not hold* or *undecided*, by the rule that README.rst wrote down before."""

import dataclasses
import functools
import math

import numpy as np
from scipy import stats

from experiments import quantities

HOLDS, FAILS, UNDECIDED, NOT_RUN = "holds", "does not hold", "undecided", "not run"
# Of a scale that decides nothing.
TRIAL = "a trial, no verdict"
CONFIDENCE = 0.95
# Fewer pairs of runs give no verdict: of three the interval would miss the truth in one case of four.
LEAST_PAIRS = 4
RESAMPLES = 20000


class Diverged:
    """Stands for the value of a run that left the finite numbers."""


@dataclasses.dataclass(frozen=True)
class Outcome:
    """What came of one comparison.

    Attributes:
        verdict (str): One of the first four words above.
        effect (float): Ratio or difference of the means over seeds, or ratio of spreads; NaN if none.
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
    if not pairs:
        return Outcome(UNDECIDED, note=note)
    return _judge_pairs(part, np.array(pairs).T, note)


def judge_with_twins(part, values, twins):
    """Judge one comparison, and see whether a change of the initial weights in their last digit would judge otherwise.

    Args:
        part (experiments.definition.Part): The comparison.
        values (dict): As `judge` takes them.
        twins (dict): Arm to dict from seed to what its twin gave.

    Returns:
        Outcome: The result; undecided if some twin in place of its seed gives another verdict.
    """
    outcome = judge(part, values)
    changing = [f"seed {seed} of {arm}" for arm in part.arms for seed, value in twins.get(arm, {}).items()
                if seed in values.get(arm, {})
                and judge(part, {**values, arm: {**values[arm], seed: value}}).verdict != outcome.verdict]
    if not changing or outcome.verdict == UNDECIDED:
        return outcome
    note = f"{outcome.verdict}, but not with the twin of {' or of '.join(changing)}"
    return dataclasses.replace(outcome, verdict=UNDECIDED, note="; ".join(filter(None, (outcome.note, note))))


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


def means_of_resamples(values):
    """Means over seeds that were drawn again and again from those that there are, the same seeds for every arm.

    Args:
        values (numpy.ndarray): Shape (arms, seeds).

    Returns:
        numpy.ndarray: Shape (arms, resamples); the same for every call.
    """
    return values[:, _draws(values.shape[1])].mean(axis=2)


def interval(resamples, n):
    """Interval of the bootstrap: percentiles, moved outwards as few seeds need it (Hesterberg 2015, section 5.3).

    Args:
        resamples (numpy.ndarray): The statistic of each resample.
        n (int): Number of seeds.

    Returns:
        tuple of float: Lower and upper end, where Student's t would put them for a mean of normal values; NaN for fewer
        than two seeds.
    """
    if n < 2:
        return math.nan, math.nan
    share = stats.norm.cdf(stats.t.ppf((1 - CONFIDENCE) / 2, n - 1) * math.sqrt(n / (n - 1)))
    return tuple(float(end) for end in np.quantile(resamples, [share, 1 - share]))


def beyond(part, mine, theirs):
    """By how much means differ more than what matters, in the direction of a claim; written so that no sign matters.

    Args:
        part (experiments.definition.Part): The comparison; not one that says ``alike``.
        mine (numpy.ndarray): Means of the arm that the claim is about.
        theirs (numpy.ndarray): Those that they are held against.

    Returns:
        numpy.ndarray: Positive where the claimed effect is larger than the margin.
    """
    less, more = (mine, theirs) if part.direction == "lower" else (theirs, mine)
    if part.relative:
        # Of values below 0, which an estimate of KID may have, the smaller one by any margin is enough.
        return more - np.maximum(less * part.margin, less)
    return more - less - part.margin


def spread_ratio(table):
    """How much more a quantity differs between arms than between seeds.

    Args:
        table (numpy.ndarray): The quantity, shape (arms, seeds), two of each at least.

    Returns:
        float: Ratio of standard deviations: between arms of one seed, the mean over seeds, over that between seeds of
        one arm, the mean over arms. About 1 if arms do no more than seeds.
    """
    between_arms = np.mean(np.var(table, axis=0, ddof=1))
    between_seeds = np.mean(np.var(table, axis=1, ddof=1))
    with np.errstate(divide="ignore", invalid="ignore"):
        return float(np.sqrt(between_arms / between_seeds))


def jackknife(table):
    """`spread_ratio` with an interval over seeds (Tukey's jackknife of its logarithm: each seed left out in turn).

    Args:
        table (numpy.ndarray): As for `spread_ratio`, three seeds at least.

    Returns:
        tuple of float: Estimate, lower and upper end of the 95 % interval.
    """
    n = table.shape[1]
    with np.errstate(divide="ignore", invalid="ignore"):
        whole = np.log(spread_ratio(table))
        parts = np.array([n * whole - (n - 1) * np.log(spread_ratio(np.delete(table, seed, axis=1)))
                          for seed in range(n)])
        centre = parts.mean()
        reach = stats.t.ppf((1 + CONFIDENCE) / 2, n - 1) * parts.std(ddof=1) / math.sqrt(n)
        return tuple(float(end) for end in np.exp([centre, centre - reach, centre + reach]))


@functools.cache
def _draws(n):
    return np.random.default_rng(0).integers(n, size=(RESAMPLES, n))


def _judge_pairs(part, values, note):
    n = values.shape[1]
    means = values.mean(axis=1)
    resamples = means_of_resamples(values)
    shown = math.nan, math.nan, math.nan
    if not part.relative:
        shown = float(means[0] - means[1]), *interval(resamples[0] - resamples[1], n)
    elif (values > 0).all():
        shown = float(means[0] / means[1]), *interval(resamples[0] / resamples[1], n)
    else:
        note = "; ".join(filter(None, (note, f"means {means[0]:.3g} and {means[1]:.3g}, not all positive: no ratio")))
    if n < LEAST_PAIRS:
        return Outcome(UNDECIDED, *shown, n, note or "too few seeds")
    if part.direction == "alike":
        # Alike is what is neither lower nor higher.
        apart = [interval(beyond(dataclasses.replace(part, direction=direction), *resamples), n)
                 for direction in ("lower", "higher")]
        lows, highs = zip(*apart, strict=True)
        low, high = -max(highs), -max(lows)
    else:
        low, high = interval(beyond(part, *resamples), n)
    return Outcome(HOLDS if low > 0 else FAILS if high < 0 else UNDECIDED, *shown, n, note)


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
    if n < LEAST_PAIRS:
        return Outcome(UNDECIDED, pairs=n, note=note or "too few seeds")
    effect, low, high = jackknife(table)
    verdict = HOLDS if low > part.margin else FAILS if high < part.margin else UNDECIDED
    return Outcome(verdict, effect, low, high, n, note)


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
