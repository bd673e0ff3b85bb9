"""Sharpness: how steep the borders of brain and bright region are."""

import numpy as np
from scipy import ndimage

from dcgan_mri.metrics.base import Measure, Quantity


def border_energies(grey, inside, region):
    """Gradient energy along two borders.

    Args:
        grey (numpy.ndarray): float32 of shape (H, W) in [0, 1].
        inside (numpy.ndarray): bool of shape (H, W), the head.
        region (numpy.ndarray): bool of shape (H, W), the bright region.

    Returns:
        numpy.ndarray: Two floats, border of the head and of the bright region: mean squared gradient of the image
        smoothed by one pixel over the head's squared mean, so that a darker image is not less sharp; NaN without one.
    """
    if not inside.any():
        return np.full(2, np.nan)
    energy = ndimage.gaussian_gradient_magnitude(grey, 1) ** 2 / max(float(grey[inside].mean()), 1 / 255) ** 2
    return np.array([_along(inside, energy), _along(region, energy)])


def _along(mask, energy):
    band = ndimage.binary_dilation(mask) & ~ndimage.binary_erosion(mask, border_value=1)
    return float(energy[band].mean()) if band.any() else np.nan


class Sharpness(Measure):
    """Gradient energies of each image; they range over powers of ten."""

    name = "sharpness"
    quantities = (
        Quantity("sharpness.brain", "ratio to real", "0 to infinity", "below real: the brain's border is blurred"),
        Quantity("sharpness.bright", "ratio to real", "0 to infinity", "below real: its border is blurred"))
    every_epoch = True

    def describe(self, stack, reference):
        """``brain`` and ``bright``, each of shape (N,)."""
        brain, region = stack.each(border_energies, stack.heads, stack.bright).T
        return {"brain": brain, "bright": region}

    def compare(self, samples, baseline, rng):
        """Geometric means of the samples over those of real slices."""
        return {f"sharpness.{name}": float(np.exp(_mean_log(samples[name]) - _mean_log(baseline[name])))
                for name in ("brain", "bright")}


def _mean_log(energies):
    known = energies[energies > 0]
    return np.log(known).mean() if known.size else np.nan
