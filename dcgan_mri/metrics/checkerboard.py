"""Checkerboard: the lattice that transposed convolutions of stride 2 leave in an image."""

import functools

import numpy as np
from scipy import fft

from dcgan_mri.metrics.base import Measure, Quantity

PERIODS = (2, 4, 8)


@functools.cache
def bins(side, period):
    """Where in the spectrum a lattice shows, and what to hold it against.

    A layer of stride 2 that is followed by k others leaves a pattern of period 2^(k + 1) pixels (Odena, Dumoulin and
    Olah, "Deconvolution and checkerboard artifacts", Distill 2016): energy at multiples of 1 / period cycles per pixel
    that are not already multiples of 2 / period.

    Args:
        side (int): Image side in pixels.
        period (int): Of the lattice, in pixels.

    Returns:
        tuple: Lattice bins, int of shape (2, K), and their neighbours, int of shape (2, K, M).
    """
    step, near, far = side // period, max(1, side // 64), max(1, side // 32)
    v, u = np.mgrid[:period, :period]
    # The finer lattice's own bins belong to it; (0, 0) is the image's mean.
    own = ((v % 2 == 1) | (u % 2 == 1)) if period > 2 else (v + u > 0)
    lattice = np.stack([v[own], u[own]]) * step
    dv, du = np.mgrid[-far:far + 1, -far:far + 1]
    ring = np.maximum(abs(dv), abs(du)) >= near
    offsets = np.stack([dv[ring], du[ring]])
    return lattice, (lattice[:, :, None] + offsets[:, None, :]) % side


def prominence(grey):
    """How far the lattice's frequencies stand out from those around them.

    Args:
        grey (numpy.ndarray): float32 of shape (H, H) in [0, 1].

    Returns:
        numpy.ndarray: Shape (len(PERIODS),), mean logarithm of power over the mean power of the neighbours; NaN for
        periods that the image is too small for, or where it has no power.
    """
    power = np.abs(fft.fft2(grey)) ** 2
    floor = np.finfo(np.float32).eps ** 2 * power[0, 0]
    result = np.full(len(PERIODS), np.nan)
    for i, period in enumerate(PERIODS):
        if len(grey) < 4 * period or floor == 0:
            continue
        lattice, around = bins(len(grey), period)
        peaks = power[tuple(lattice)] + floor
        result[i] = np.mean(np.log(peaks / (power[tuple(around)].mean(axis=1) + floor)))
    return result


class Checkerboard(Measure):
    """Prominence of the lattice in each image."""

    name = "checkerboard"
    quantities = tuple(
        Quantity(f"checkerboard.{period}", "ratio to real", "0 to infinity",
                 f"above real: a lattice of {period} pixels") for period in PERIODS)
    every_epoch = True

    def describe(self, stack, reference):
        """``prominence``, shape (N, len(PERIODS))."""
        return {"prominence": stack.each(prominence)}

    def compare(self, samples, baseline, rng):
        """Geometric means of the samples' prominence over that of real slices."""
        difference = _means(samples["prominence"]) - _means(baseline["prominence"])
        return {f"checkerboard.{period}": float(np.exp(value))
                for period, value in zip(PERIODS, difference, strict=True)}


def _means(values):
    known = ~np.isnan(values)
    return np.where(known, values, 0).sum(axis=0) / np.where(known.any(axis=0), known.sum(axis=0), np.nan)
