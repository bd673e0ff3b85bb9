"""What answers say: how well readers tell real slices from generated ones, with intervals."""

import dataclasses
import warnings

import numpy as np
from scipy import stats
from statsmodels.stats import inter_rater
from statsmodels.stats.proportion import proportion_confint

from dcgan_mri.reader_study.design import split

REPLICATES = 1000
CONFIDENCE = 0.95
# From here on a rating says "patient".
PATIENT = 4


@dataclasses.dataclass(frozen=True)
class Estimate:
    """A number with its interval.

    Args:
        value, low, high (float): Shares.
    """

    value: float
    low: float
    high: float


@dataclasses.dataclass(frozen=True)
class Sheet:
    """The counted answers of all readers.

    Args:
        real (numpy.ndarray): bool of shape (I,), the truth about each image.
        ratings (numpy.ndarray): int of shape (R, I), 1 (surely computer) to 6 (surely patient).
        first, second (numpy.ndarray): int of shape (R, K), ratings of the images that were shown twice.
    """

    real: np.ndarray
    ratings: np.ndarray
    first: np.ndarray
    second: np.ndarray


def sheet_of(key, counted):
    """Put answers and key together.

    Args:
        key (dict): The study's key.
        counted (dict): Reader to ratings, from `dcgan_mri.reader_study.answers.collect`.

    Returns:
        Sheet: Images in the order of the key.
    """
    real = np.array([image["real"] for image in key["images"]])
    scored = split(real)[1]
    rows = {"scored": [], "repeat": []}
    for reader, ratings in counted.items():
        trials = key["readers"][reader - 1]
        for kind, found in rows.items():
            found.append({trial["image"]: ratings[trial["name"]] for trial in trials if trial["kind"] == kind})
    repeated = sorted(rows["repeat"][0])
    return Sheet(
        real[scored], np.array([[row[image] for image in scored] for row in rows["scored"]]),
        np.array([[row[image] for image in repeated] for row in rows["scored"]]),
        np.array([[row[image] for image in repeated] for row in rows["repeat"]]))


def measures(of_real, of_generated):
    """Measures of ratings; more axes in front are kept.

    Args:
        of_real (numpy.ndarray): Ratings of real slices, shape (..., N).
        of_generated (numpy.ndarray): Ratings of generated images, shape (..., M).

    Returns:
        dict: ``accuracy``, ``sensitivity`` (share of generated images that were found out), ``specificity`` (share of
        real slices taken for real), ``balanced`` (mean of these two), ``auc``: each of shape (...).
    """
    n, m = of_real.shape[-1], of_generated.shape[-1]
    sensitivity = (of_generated < PATIENT).mean(axis=-1)
    specificity = (of_real >= PATIENT).mean(axis=-1)
    wins = stats.mannwhitneyu(of_real, of_generated, axis=-1, method="asymptotic").statistic
    return {"accuracy": (m * sensitivity + n * specificity) / (n + m), "sensitivity": sensitivity,
            "specificity": specificity, "balanced": (sensitivity + specificity) / 2, "auc": wins / (n * m)}


def over_readers(sheet, rng, confidence=CONFIDENCE):
    """Means over the readers, for other readers and other images.

    Two bootstraps are joined, over readers and over images (real and generated ones apart): their variances add up,
    less what both count, the variance of independent answers (Cameron, Gelbach and Miller, "Robust inference with
    multiway clustering", Journal of Business & Economic Statistics 2011). That over readers has a closed form. Few
    readers make a t distribution of it, with the degrees of freedom of Satterthwaite. With one reader only the images
    vary.

    Args:
        sheet (Sheet): The answers.
        rng (numpy.random.Generator): Draws the replicates.
        confidence (float): Of the intervals.

    Returns:
        dict: Name of a measure to `Estimate`.
    """
    of_real, of_generated = sheet.ratings[:, sheet.real], sheet.ratings[:, ~sheet.real]
    n_readers, n_images = sheet.ratings.shape
    found = measures(of_real, of_generated)
    drawn = measures(*(part[:, rng.integers(0, part.shape[1], (REPLICATES, part.shape[1]))]
                       for part in (of_real, of_generated)))
    estimates = {}
    for name, values in found.items():
        images = drawn[name].mean(axis=0).var()
        readers, both = 0.0, images
        if n_readers > 1:
            readers, both = values.var(ddof=1) / n_readers, drawn[name].var(axis=1).mean() / n_readers
        variance = max(images + readers - both, images, readers)
        reach = 0.0
        if variance > 0:
            freedom = variance ** 2 / (readers ** 2 / max(n_readers - 1, 1) + images ** 2 / (n_images - 2))
            reach = stats.t.ppf((1 + confidence) / 2, freedom) * np.sqrt(variance)
        mean = values.mean()
        estimates[name] = Estimate(float(mean), float(max(0, mean - reach)), float(min(1, mean + reach)))
    return estimates


def of_each_reader(sheet):
    """Each reader's measures, for other images.

    Args:
        sheet (Sheet): The answers.

    Returns:
        list of dict: For each reader ``accuracy``, ``sensitivity`` and ``specificity`` as `Estimate` (Wilson's
        interval), ``auc`` and ``kappa``, that of the two answers to one image (None where it is undefined).
    """
    right = (sheet.ratings >= PATIENT) == sheet.real
    found = measures(sheet.ratings[:, sheet.real], sheet.ratings[:, ~sheet.real])
    return [{"accuracy": wilson(mine), "sensitivity": wilson(mine[~sheet.real]),
             "specificity": wilson(mine[sheet.real]), "auc": float(auc), "kappa": _intra(first, second)}
            for mine, auc, first, second in zip(right, found["auc"], sheet.first, sheet.second, strict=True)]


def wilson(right):
    """A share with Wilson's interval.

    Args:
        right (numpy.ndarray): bool of shape (N,).

    Returns:
        Estimate: The share of True.
    """
    low, high = proportion_confint(right.sum(), len(right), 1 - CONFIDENCE, method="wilson")
    return Estimate(float(right.mean()), float(low), float(high))


def fleiss(sheet):
    """Agreement of the readers with one another, on patient or computer.

    Args:
        sheet (Sheet): The answers.

    Returns:
        float: Fleiss' kappa; None with one reader, or if all gave one and the same answer throughout.
    """
    decisions = (sheet.ratings >= PATIENT).T
    if decisions.shape[1] < 2 or len(np.unique(decisions)) < 2:
        return None
    return float(inter_rater.fleiss_kappa(inter_rater.aggregate_raters(decisions.astype(int))[0]))


def _intra(first, second):
    """Cohen's kappa between the first and the second answer to an image."""
    table = np.zeros((2, 2))
    np.add.at(table, ((first >= PATIENT).astype(int), (second >= PATIENT).astype(int)), 1)
    with warnings.catch_warnings(), np.errstate(invalid="ignore"):
        warnings.simplefilter("ignore", RuntimeWarning)
        kappa = inter_rater.cohens_kappa(table, return_results=False) if len(first) else np.nan
    return None if np.isnan(kappa) else float(kappa)
