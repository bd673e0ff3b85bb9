"""Nearest neighbours between two sets of vectors."""

import numpy as np


def squared_distances(samples, baseline):
    """Squared Euclidean distances.

    Args:
        samples (numpy.ndarray): float32 of shape (N, D).
        baseline (numpy.ndarray): float32 of shape (M, D).

    Returns:
        numpy.ndarray: float32 of shape (N, M), never below 0.
    """
    squares = (samples ** 2).sum(axis=1)[:, None] + (baseline ** 2).sum(axis=1)[None]
    return np.maximum(squares - 2 * (samples @ baseline.T), 0)


def nearest(samples, baseline):
    """The nearest of the baseline to each sample.

    Args:
        samples (numpy.ndarray): Shape (N, D).
        baseline (numpy.ndarray): Shape (M, D).

    Returns:
        numpy.ndarray: int of shape (N,).
    """
    return squared_distances(samples, baseline).argmin(axis=1)
