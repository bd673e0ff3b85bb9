"""Sliced Wasserstein distance between patches, scale by scale: where between fine texture and shape a set strays."""

import numpy as np
from scipy import ndimage

from dcgan_mri.metrics.base import Measure, Quantity

PATCH, PATCHES, PROJECTIONS = 7, 16, 64
COARSEST = 16
# Images after which the positions of patches come again. A prime, so that no rhythm of a set's levels goes with it.
ROUND = 13
SIDES = (256, 128, 64, 32, 16)
_BINOMIAL = np.array([1, 4, 6, 4, 1], dtype=np.float32) / 16


def laplacian_pyramid(grey):
    """An image as band-passed images, each half the size of the one before, and a rest of side 16.

    Burt and Adelson, "The Laplacian pyramid as a compact image code", IEEE Trans. Communications 1983.

    Args:
        grey (numpy.ndarray): float32 of shape (H, H), H a power of two.

    Returns:
        list of numpy.ndarray: Finest first; their sum, each expanded to full size, is the image.
    """
    levels = []
    while len(grey) > COARSEST:
        coarse = _smooth(grey)[::2, ::2]
        spread = np.zeros_like(grey)
        spread[::2, ::2] = 4 * coarse
        levels.append(grey - _smooth(spread))
        grey = coarse
    return [*levels, grey]


def _smooth(grey):
    return ndimage.correlate1d(ndimage.correlate1d(grey, _BINOMIAL, 0, mode="mirror"), _BINOMIAL, 1, mode="mirror")


class Swd(Measure):
    """Random projections of random patches of each image at each scale.

    Karras, Aila, Laine and Lehtinen, "Progressive growing of GANs", ICLR 2018, section 5. Directions are the
    same for every image; positions go round, so that any two sets, and any two halves of one, have the same ones.
    """

    name = "swd"
    quantities = tuple(
        Quantity(f"swd.{side}", "deviations of real", "0 to infinity",
                 f"above real: differs in detail that an image of {side} pixels shows") for side in SIDES)
    equal_sizes = True

    def describe(self, stack, reference):
        """Side in pixels (str) to projections, float32 of shape (N, 64, 16)."""
        rng = np.random.default_rng(0)
        directions = rng.standard_normal((PATCH * PATCH, PROJECTIONS)).astype(np.float32)
        directions /= np.linalg.norm(directions, axis=0)

        def projections(grey, index):
            place = np.random.default_rng([1, index % ROUND])
            result = []
            for level in laplacian_pyramid(grey):
                windows = np.lib.stride_tricks.sliding_window_view(level, (PATCH, PATCH))
                v, u = place.integers(0, windows.shape[0], (2, PATCHES))
                result.append((windows[v, u].reshape(PATCHES, -1) @ directions).T)
            return np.stack(result)

        found = stack.each(projections, range(len(stack)))
        side = stack.grey.shape[1]
        return {str(side >> i): found[:, i] for i in range(found.shape[1])}

    def compare(self, samples, baseline, rng):
        """In standard deviations of the real slices' projections; NaN for absent scales."""
        return {f"swd.{side}": _distance(samples[str(side)], baseline[str(side)]) if str(side) in samples else np.nan
                for side in SIDES}


def _distance(samples, baseline):
    x, y = (np.sort(v.transpose(1, 0, 2).reshape(PROJECTIONS, -1), axis=1) for v in (samples, baseline))
    n = min(x.shape[1], y.shape[1])
    x, y = (v[:, (np.arange(n) + 0.5).astype(int) * v.shape[1] // n] for v in (x, y))
    return float(np.mean(np.abs(x - y)) / max(float(y.std(axis=1).mean()), 1e-6))
