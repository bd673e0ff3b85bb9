"""Noise: how much single pixels stray, inside the head and in the air around it."""

import numpy as np
import pywt
from scipy import ndimage

from dcgan_mri.metrics.numbers import mean
from dcgan_mri.metrics.registry import Measure, Quantity, register

# Median of the absolute value of a standard normal variable.
NORMAL_MEDIAN = 0.6744897501960817


def sigma(grey, mask):
    """Standard deviation of the noise by the median of the finest diagonal wavelet coefficients.

    Donoho and Johnstone, "Ideal spatial adaptation by wavelet shrinkage", Biometrika 1994. What scikit-image's
    `estimate_sigma` computes, here of the coefficients that lie wholly inside a mask. (Scikit-image takes coefficients
    of exactly 0 for masked ones, which they are not where air is meant to be 0.)

    Args:
        grey (numpy.ndarray): float32 of shape (H, W) in [0, 1].
        mask (numpy.ndarray): bool of shape (H, W), the pixels to look at.

    Returns:
        float: In grey levels of 0 to 255; NaN where the mask leaves no coefficient.
    """
    diagonal = pywt.dwt2(grey, "db2")[1][2]
    # A coefficient at k takes in the pixels 2k - 2 to 2k + 1.
    inside = ndimage.minimum_filter(mask, 4, mode="nearest", origin=0)[::2, ::2]
    height, width = inside.shape
    known = np.abs(diagonal[:height, :width][inside])
    return 255 * float(np.median(known)) / NORMAL_MEDIAN if known.size else np.nan


def describe(stack, reference):
    """Noise of each image.

    Args:
        stack (Stack): The images.
        reference (Stack): The real slices, which say where air is.

    Returns:
        dict: ``inside`` and ``air``, float of shape (N,), in grey levels.
    """
    air = reference.air
    return {"inside": stack.each(sigma, stack.heads), "air": stack.each(lambda grey: sigma(grey, air))}


def compare(samples, baseline, rng):
    """Means of the samples.

    Args:
        samples (dict): From `describe`.
        baseline (dict): Not used: noise is read in grey levels.
        rng (numpy.random.Generator): Not used.

    Returns:
        dict: Quantity to float.
    """
    return {"noise.inside": mean(samples["inside"]), "noise.air": mean(samples["air"])}


register(Measure(
    "noise",
    (Quantity("noise.inside", "grey levels", "0 to 255", "above real: noisy; below: smoothed away"),
     Quantity("noise.air", "grey levels", "0 to 255", "0 in skull-stripped slices; above: noise where no head is")),
    describe, compare, every_epoch=True))
