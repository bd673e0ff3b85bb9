"""All measures of a set of samples, each with its uncertainty and with what real slices give against real slices."""

import dataclasses

import numpy as np

from dcgan_mri.metrics import MEASURES

REPLICATES = 100
SPLITS = 5
CONFIDENCE = 95
# What a stack finds out once for several measures.
SHARED = ("heads", "bright", "features")


@dataclasses.dataclass(frozen=True)
class Result:
    """One number and the scale to read it on.

    Args:
        value (float): NaN if it cannot be had.
        low (float): Lower end of the 95 % confidence interval, of the choice of samples alone.
        high (float): Upper end.
        real (float): Real against real: the mean over splits of the subjects into halves; NaN with one subject.
        real_low (float): The lowest of the splits.
        real_high (float): The highest.
    """

    value: float
    low: float
    high: float
    real: float
    real_low: float
    real_high: float


def halves(groups, rng, splits=SPLITS):
    """Divide images into halves by what they belong to, in several ways, and each the other way round too.

    Args:
        groups (numpy.ndarray): int of shape (N,), the subject of each image.
        rng (numpy.random.Generator): Draws the halves.
        splits (int): Number of ways.

    Returns:
        list of tuple: Indices of one half and of the other; empty if there is but one subject.
    """
    subjects = np.unique(groups)
    if len(subjects) < 2:
        return []
    pairs = []
    for _ in range(splits):
        half = rng.permutation(subjects)[:len(subjects) // 2]
        inside = np.isin(groups, half)
        pairs += [(np.flatnonzero(inside), np.flatnonzero(~inside)), (np.flatnonzero(~inside), np.flatnonzero(inside))]
    return pairs


def rows(description, index):
    """Some images of a description.

    Args:
        description (dict): Arrays whose first axis is that of the images.
        index (numpy.ndarray): int, which ones.

    Returns:
        dict: The same of those images.
    """
    return {name: values[index] for name, values in description.items()}


def real_against_real(measure, real, pairs, size):
    """A measure between halves of the real slices.

    Args:
        measure (Measure): The measure.
        real (dict): Description of the real slices.
        pairs (list of tuple): From `halves`.
        size (int): Most images to take from the half that plays the samples: as many as there are samples.

    Returns:
        list of dict: Quantity to float, one dict for each pair.
    """
    rng = np.random.default_rng(0)
    return [measure.compare(rows(real, _some(one, size, rng)), rows(real, other), rng) for one, other in pairs]


def compare(measure, samples, baseline, sample_groups, groups):
    """One measure of a set of samples.

    The interval comes from a bootstrap without replacement: the statistic on random halves of the samples deviates
    from its mean as the statistic on all of them would (Præstgaard and Wellner, "Exchangeably weighted bootstraps of
    the general empirical process", Annals of Probability 1993). The usual one, with replacement, would put the same
    image into a set twice, which nearest neighbours and similarities between images take for collapse.

    Args:
        measure (Measure): The measure.
        samples (dict): Description of the samples.
        baseline (dict): Description of what they are held against.
        sample_groups (numpy.ndarray): int of shape (N,), what each sample belongs to; halves keep groups whole.
        groups (numpy.ndarray): The same of the baseline: subjects.

    Returns:
        dict: Quantity to `Result`.
    """
    rng = np.random.default_rng(0)
    n = len(sample_groups)
    pairs = halves(groups, np.random.default_rng(0))
    real = real_against_real(measure, baseline, pairs, size=n)
    if measure.equal_sizes and pairs:
        # As many samples, held against the same real slices, as real against real has.
        chosen = [_some(np.arange(n), len(one), rng) for one, _ in pairs]
        values = [measure.compare(rows(samples, mine), rows(baseline, other), rng)
                  for mine, (_, other) in zip(chosen, pairs, strict=True)]
        samples, sample_groups = rows(samples, chosen[0]), sample_groups[chosen[0]]
        baseline = rows(baseline, pairs[0][1])
    else:
        values = [measure.compare(samples, baseline, rng)]
    replicates = [measure.compare(rows(samples, half), baseline, rng)
                  for half, _ in halves(sample_groups, rng, REPLICATES // 2)]
    return {quantity.name: _result(*([values_of[quantity.name] for values_of in found]
                                     for found in (values, replicates, real)))
            for quantity in measure.quantities}


def n_steps(held_out):
    """Number of steps of `measure_all`, for a progress bar.

    Args:
        held_out (bool): Whether there are held-out slices.

    Returns:
        int: Number of times that it calls ``progress``.
    """
    return (3 if held_out else 2) * len(SHARED) + 3 * len(MEASURES) - (0 if held_out else 2)


def measure_all(samples, reference, held_out=None, progress=lambda text: None):
    """All measures of a set of samples.

    Args:
        samples (dcgan_mri.metrics.stack.Stack): The images to judge.
        reference (dcgan_mri.metrics.reference.Reference): The training slices.
        held_out (dcgan_mri.metrics.stack.Stack): Slices of other subjects; None if there are none.
        progress (callable): Called with a text as each step begins.

    Returns:
        tuple: Quantity to `Result`, and what `memorisation` says of the samples. Without held-out slices the quantities
        that need them are NaN.
    """
    for stack in filter(None, (samples, reference.real, held_out)):
        for name in SHARED:
            progress(name)
            getattr(stack, name)
    results, copies = {}, None
    for measure in MEASURES:
        progress(f"{measure.name}, samples")
        described = measure.describe(samples, reference.real)
        if measure.against_held_out:
            copies = described
        baseline = held_out if measure.against_held_out else reference.real
        if baseline is None:
            results.update({quantity.name: Result(*[np.nan] * 6) for quantity in measure.quantities})
            continue
        progress(f"{measure.name}, real")
        held_against = (measure.describe(held_out, reference.real) if measure.against_held_out
                        else reference.described(measure))
        progress(f"{measure.name}, comparison")
        results.update(compare(measure, described, held_against, samples.groups, baseline.groups))
    return results, copies


def _some(index, size, rng):
    """At most so many of the indices, drawn at random."""
    return index if len(index) <= size else np.sort(rng.choice(index, size, replace=False))


def _result(values, replicates, real):
    value = float(np.mean(values))
    deviations = np.array(replicates) - np.mean(replicates) if replicates else np.array([np.nan])
    tail = (100 - CONFIDENCE) / 2
    low, high = value + np.percentile(deviations, [tail, 100 - tail])
    # What is never below 0 has no interval that reaches there.
    low = max(low, min(0.0, *replicates)) if replicates and not np.isnan(low) else low
    if not real:
        return Result(value, float(low), float(high), np.nan, np.nan, np.nan)
    return Result(value, float(low), float(high), float(np.mean(real)), float(np.min(real)), float(np.max(real)))
