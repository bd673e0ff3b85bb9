"""Means and ratios of what may not be known."""

import numpy as np


def mean(values):
    """Mean of what is known.

    Args:
        values (numpy.ndarray): With NaN for what is not.

    Returns:
        float: NaN if nothing is known.
    """
    known = values[~np.isnan(values)]
    return float(known.mean()) if known.size else np.nan


def ratio(one, other):
    """One number over another.

    Args:
        one (float): Numerator.
        other (float): Denominator, 0 or more, or NaN.

    Returns:
        float: NaN if the denominator is 0 or NaN.
    """
    return float(one / other) if other > 0 else np.nan
