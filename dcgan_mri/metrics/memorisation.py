"""Memorisation: whether samples are copies of training slices. A check for copying, not a privacy guarantee."""

import itertools

import numpy as np

from dcgan_mri.metrics.neighbours import squared_distances
from dcgan_mri.metrics.base import Measure, Quantity
from dcgan_mri.metrics.stack import reduced

SIDE = 64
SHIFTS = (-2, -1, 0, 1, 2)
# Held-out slices that come this near to the training set by chance.
CHANCE = 1
WARNING = ("Copies: only copies of whole slices are looked for, shifted and flipped ones too. This is no guarantee of "
           "privacy: a model can give away much about a patient without copying a slice")
MISSING = ("Copies: not counted. Only held-out subjects tell how near is too near, and this slice set has none; "
           "build it with: python -m preprocess build --split 0.2")


def nearest_with_moves(samples, training):
    """The nearest training slice to each sample, which may be shifted and flipped.

    Args:
        samples (numpy.ndarray): float32 of shape (N, H, H) in [0, 1].
        training (numpy.ndarray): The same, shape (M, H, H).

    Returns:
        tuple of numpy.ndarray: Index (N,) and root mean squared difference (N,) in grey levels, of images of 64×64.
        Shifts reach two of their pixels.
    """
    moved, still = reduced(samples, SIDE), reduced(training, SIDE)
    flat = still.reshape(len(still), -1)
    best = np.full(len(samples), np.inf)
    index = np.zeros(len(samples), dtype=int)
    for flip, dv, du in itertools.product((1, -1), SHIFTS, SHIFTS):
        # What leaves on one side enters on the other: the border is air.
        images = np.roll(moved[:, :, ::flip], (dv, du), axis=(1, 2))
        squares = squared_distances(images.reshape(len(images), -1), flat)
        nearest = squares.argmin(axis=1)
        found = squares[np.arange(len(images)), nearest]
        better = found < best
        best[better], index[better] = found[better], nearest[better]
    return index, 255 * np.sqrt(best / flat.shape[1])


class Memorisation(Measure):
    """Distances of each image to the training set, against those of slices of other subjects."""

    name = "memorisation"
    quantities = (
        Quantity("memorisation.pixels", "ratio to held-out subjects", "0 to infinity",
                 "below real: nearer to training"),
        Quantity("memorisation.features", "ratio to held-out subjects", "0 to infinity",
                 "below real: nearer to training"),
        Quantity("memorisation.copies", "share of samples", "0 to 1",
                 f"nearer to a training slice than {100 - CHANCE} % of held-out ones"))
    against_held_out = True

    def describe(self, stack, reference):
        """``index`` of the nearest slice, ``pixels`` (grey levels) and ``features``, each of shape (N,)."""
        index, pixels = nearest_with_moves(stack.grey, reference.grey)
        flipped = stack.features_of(stack.grey[:, :, ::-1])
        squares = np.minimum(
            squared_distances(stack.features, reference.features).min(axis=1),
            squared_distances(flipped, reference.features).min(axis=1))
        return {"index": index, "pixels": pixels, "features": np.sqrt(squares)}

    def compare(self, samples, baseline, rng):
        """Ratios of medians, and the share of copies."""
        chance = np.percentile(baseline["pixels"], CHANCE)
        return {
            "memorisation.pixels": float(np.median(samples["pixels"]) / np.median(baseline["pixels"])),
            "memorisation.features": float(np.median(samples["features"]) / np.median(baseline["features"])),
            "memorisation.copies": float(np.mean(samples["pixels"] < chance))}
