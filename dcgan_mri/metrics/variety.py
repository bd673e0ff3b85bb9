"""Variety: whether the samples spread over axial levels and tumour positions as real slices do."""

import numpy as np

from dcgan_mri.metrics.neighbours import nearest
from dcgan_mri.metrics.numbers import ratio
from dcgan_mri.metrics.base import Measure, Quantity
from dcgan_mri.metrics.separation import contrast


def centre(grey, inside, region):
    """Centre of a bright region that stands out.

    Args:
        grey (numpy.ndarray): float32 of shape (H, W) in [0, 1].
        inside (numpy.ndarray): bool of shape (H, W), the head.
        region (numpy.ndarray): bool of shape (H, W), the bright region.

    Returns:
        numpy.ndarray: Two floats, offset from the head's centre down and to the right, in radii of a circle of the
        head's area; NaN without such a region.
    """
    if contrast(grey, inside, region)[0] == 0:
        return np.full(2, np.nan)
    offset = np.argwhere(region).mean(axis=0) - np.argwhere(inside).mean(axis=0)
    return offset / np.sqrt(inside.sum() / np.pi)


class Variety(Measure):
    """Spreads over axial levels and bright-region centres; a sample's level is that of the real slice nearest to it."""

    name = "variety"
    quantities = (
        Quantity("variety.levels", "standard deviations of real", "0 to about 2",
                 "below real: the same axial level again and again"),
        Quantity("variety.centres", "standard deviations of real", "0 to infinity",
                 "below real: the bright region always in one place"))
    every_epoch = True

    def describe(self, stack, reference):
        """``features`` (N, D), ``level`` (N,), ``centre`` (N, 2)."""
        return {"features": stack.features, "level": stack.levels,
                "centre": stack.each(centre, stack.heads, stack.bright)}

    def compare(self, samples, baseline, rng):
        """Over those of real slices; NaN where these have no spread, or fewer than two samples a bright region."""
        levels = baseline["level"][nearest(samples["features"], baseline["features"])]
        return {"variety.levels": ratio(levels.std(), baseline["level"].std()),
                "variety.centres": ratio(_spread(samples["centre"]), _spread(baseline["centre"]))}


def _spread(points):
    known = points[~np.isnan(points[:, 0])]
    return np.sqrt(known.var(axis=0).sum()) if len(known) > 1 else np.nan
