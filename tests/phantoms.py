"""Small brains with tumours for the tests of the measures: several subjects, some axial levels each."""

import functools

import numpy as np
from scipy import ndimage

SIDE = 64


@functools.cache
def phantom_slices(n_subjects, n_levels, seed=0):
    """Slices of made-up subjects.

    Args:
        n_subjects (int): Number of subjects.
        n_levels (int): Slices of each.
        seed (int): Other seeds make other subjects.

    Returns:
        tuple: Pictures (uint8 of shape (N, 64, 64)), subjects (list of str), levels (list of int).
    """
    pictures, subjects, levels = [], [], []
    for subject in range(n_subjects):
        rng = np.random.default_rng([seed, subject])
        shape, tumour = rng.uniform(0.85, 1, 2), rng.uniform(-0.25, 0.25, 2)
        folds = ndimage.gaussian_filter(rng.standard_normal((n_levels, SIDE, SIDE)), (1, 2, 2))
        folds = 0.1 * folds / folds.std()
        grain = 0.02 * rng.standard_normal((n_levels, SIDE, SIDE))
        for level in range(n_levels):
            height = level / n_levels
            pictures.append(_slice(shape, tumour, height, folds[level], grain[level]))
            subjects.append(f"subject{seed}-{subject}")
            levels.append(level)
    return np.stack(pictures), subjects, levels


def _slice(shape, tumour, height, folds, grain):
    v, u = (np.mgrid[:SIDE, :SIDE] + 0.5) / SIDE * 2 - 1
    size = 0.85 - 0.3 * height ** 2
    inside = (v / shape[0]) ** 2 + (u / (0.8 * shape[1])) ** 2 < size ** 2
    fluid = (v / 0.3) ** 2 + (u / 0.12) ** 2 < max(0.0, 1 - 1.5 * height)
    bright = np.hypot(v - tumour[0], u - tumour[1]) < 0.16 + 0.06 * np.sin(4 * height)
    signal = np.where(bright, 0.85, np.where(fluid, 0.15, 0.42 + folds)) + grain
    # The border of a real slice is not cut with a knife either.
    signal = np.where(inside, signal, 0) * ndimage.gaussian_filter(inside.astype(float), 0.6)
    return np.rint(255 * np.clip(signal, 0, 1)).astype(np.uint8)
