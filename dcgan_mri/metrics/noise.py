"""Noise: how much single pixels stray, inside the head and in the air around it."""

import numpy as np
from scipy import ndimage

from dcgan_mri.metrics.numbers import mean
from dcgan_mri.metrics.base import Measure, Quantity

# Median of the absolute value of a standard normal variable.
NORMAL_MEDIAN = 0.6744897501960817
# Daubechies, "Orthonormal bases of compactly supported wavelets", 1988: the high-pass filter of two vanishing moments.
_HIGH_PASS = np.array(
    [-0.48296291314453416, 0.8365163037378079, -0.2241438680420134, -0.12940952255126037], dtype=np.float32)


def sigma(grey, mask):
    """Standard deviation of the noise by the median of the finest diagonal wavelet coefficients.

    Donoho and Johnstone, "Ideal spatial adaptation by wavelet shrinkage", Biometrika 1994. What scikit-image's
    `estimate_sigma` computes, here of the coefficients that lie wholly inside a mask. (Scikit-image takes coefficients
    of exactly 0 for masked ones, which they are not where air is meant to be 0.)

    Args:
        grey (numpy.ndarray): float32 of shape (H, W) in [0, 1], of even sides.
        mask (numpy.ndarray): bool of shape (H, W), the pixels to look at.

    Returns:
        float: In grey levels of 0 to 255; NaN where the mask leaves no coefficient.
    """
    diagonal = _details(_details(np.pad(grey, ((2, 0), (2, 0)), "symmetric")).T).T
    # A coefficient at k takes in the pixels 2k - 2 to 2k + 1.
    inside = ndimage.minimum_filter(mask, 4, mode="nearest", origin=0)[::2, ::2]
    known = np.abs(diagonal[inside])
    return 255 * float(np.median(known)) / NORMAL_MEDIAN if known.size else np.nan


def _details(padded):
    """Wavelet coefficients down the rows; two rows come before those of the image."""
    return sum(tap * padded[3 - i:len(padded) - i:2] for i, tap in enumerate(_HIGH_PASS))


class Noise(Measure):
    """Noise of each image, in grey levels."""

    name = "noise"
    quantities = (
        Quantity("noise.inside", "grey levels", "0 to 255", "above real: noisy; below: smoothed away"),
        Quantity("noise.air", "grey levels", "0 to 255", "0 in skull-stripped slices; above: noise where no head is"))
    every_epoch = True

    def describe(self, stack, reference):
        """``inside`` and ``air``, each of shape (N,); the real slices say where air is."""
        return {"inside": stack.each(sigma, stack.heads), "air": stack.each(lambda grey: sigma(grey, reference.air))}

    def compare(self, samples, baseline, rng):
        """Means of the samples."""
        return {"noise.inside": mean(samples["inside"]), "noise.air": mean(samples["air"])}
