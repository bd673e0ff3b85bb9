"""Separation of brain and tumour: whether there is a bright region, how large, and how it stands out."""

import numpy as np
from scipy import ndimage

from dcgan_mri.metrics.numbers import mean
from dcgan_mri.metrics.base import Measure, Quantity

# Of the brain's mean grey. On 132 real slices with 116 that show tumour, 85 % of those and none of the others reach it.
BRIGHTER = 1.25


def contrast(grey, inside, region):
    """How a bright region differs from the rest of the brain.

    Args:
        grey (numpy.ndarray): float32 of shape (H, W) in [0, 1].
        inside (numpy.ndarray): bool of shape (H, W), the head.
        region (numpy.ndarray): bool of shape (H, W), the bright region.

    Returns:
        numpy.ndarray: Three floats: 1 if the region's mean is at least `BRIGHTER` times the brain's, else 0; difference
        of the means over the pooled standard deviation; area over that of the head. The last two are NaN without one.
    """
    # Not the region's rim, which is neither; not fluid, which is darker than half the head's median.
    rest = inside & ~ndimage.binary_dilation(region, iterations=2)
    if inside.any():
        rest &= grey > np.median(grey[inside]) / 2
    if region.sum() < 2 or rest.sum() < 2:
        return np.array([0.0, np.nan, np.nan])
    high, low = grey[region].astype(float), grey[rest].astype(float)
    if high.mean() < BRIGHTER * low.mean():
        return np.array([0.0, np.nan, np.nan])
    pooled = np.sqrt((high.var() * high.size + low.var() * low.size) / (high.size + low.size))
    return np.array([1.0, (high.mean() - low.mean()) / max(pooled, 1 / 255), region.sum() / inside.sum()])


class Separation(Measure):
    """Contrast of each image's bright region."""

    name = "separation"
    quantities = (
        Quantity("separation.share", "share of images", "0 to 1",
                 "images with a region clearly brighter than the brain"),
        Quantity("separation.contrast", "pooled deviations", "0 to infinity",
                 "below real: tumour and brain run together"),
        Quantity("separation.area", "share of the head", "0 to 1", "size of the bright region where there is one"))
    every_epoch = True

    def describe(self, stack, reference):
        """``has``, ``contrast`` and ``area``, each of shape (N,)."""
        has, difference, area = stack.each(contrast, stack.heads, stack.bright).T
        return {"has": has, "contrast": difference, "area": area}

    def compare(self, samples, baseline, rng):
        """Means of the samples."""
        return {"separation.share": float(samples["has"].mean()), "separation.contrast": mean(samples["contrast"]),
                "separation.area": mean(samples["area"])}
