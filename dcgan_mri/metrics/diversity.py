"""Diversity: how alike two images of a set are. A generator that has collapsed makes one image over and over."""

import numpy as np
from scipy import ndimage

from dcgan_mri.metrics.numbers import ratio
from dcgan_mri.metrics.base import Measure, Quantity

# Wang, Simoncelli and Bovik, "Multiscale structural similarity for image quality assessment", Asilomar 2003.
WEIGHTS = (0.0448, 0.2856, 0.3001, 0.2363, 0.1333)
WINDOW_SIGMA, WINDOW = 1.5, 11
C1, C2 = 0.01 ** 2, 0.03 ** 2
PARTNERS = 2


def scales(side):
    """Number of scales: as many as leave room for the window at the coarsest.

    Args:
        side (int): Image side in pixels.

    Returns:
        int: 1 to 5: 5 at 256, 4 at 128, 3 at 64.
    """
    n = 1
    while n < len(WEIGHTS) and side // 2 ** n >= WINDOW:
        n += 1
    return n


def pyramid(grey):
    """An image at every scale, with its local means and variances.

    Args:
        grey (numpy.ndarray): float32 of shape (H, H) in [0, 1].

    Returns:
        list of tuple: Image, local mean, local variance, finest first.
    """
    levels = []
    for scale in range(scales(len(grey))):
        if scale:
            grey = (grey[::2, ::2] + grey[1::2, ::2] + grey[::2, 1::2] + grey[1::2, 1::2]) / 4
        mean = _window(grey)
        levels.append((grey, mean, _window(grey * grey) - mean * mean))
    return levels


def ms_ssim(one, other):
    """Multi-scale structural similarity of two images.

    With fewer than five scales the weights of those left are scaled to sum to 1; a negative factor counts as 0.

    Args:
        one (list of tuple): From `pyramid`.
        other (list of tuple): The same.

    Returns:
        float: 0 to 1, 1 for equal images.
    """
    weights = np.array(WEIGHTS[:len(one)]) / sum(WEIGHTS[:len(one)])
    product = 1.0
    for (x, mean_x, var_x), (y, mean_y, var_y), weight in zip(one, other, weights, strict=True):
        structure = (2 * (_window(x * y) - mean_x * mean_y) + C2) / (var_x + var_y + C2)
        if x is one[-1][0]:
            structure *= (2 * mean_x * mean_y + C1) / (mean_x ** 2 + mean_y ** 2 + C1)
        product *= max(float(structure.mean()), 0.0) ** weight
    return product


class Diversity(Measure):
    """Similarity of each image to two others, drawn at random but always the same."""

    name = "diversity"
    quantities = (
        Quantity("diversity.similarity", "MS-SSIM of pairs, ratio to real", "0 to 1 / real's MS-SSIM",
                 "above real: images too alike; below: more unlike than real slices"),)
    every_epoch = True

    def describe(self, stack, reference):
        """``self`` (N,), an image's number; ``partner`` (N, 2), its partners'; ``similarity`` (N, 2)."""
        n = len(stack)
        rng = np.random.default_rng(0)
        partner, similarity = np.empty((n, PARTNERS), dtype=int), np.full((n, PARTNERS), np.nan)
        for i in range(PARTNERS):
            # Round in a ring, so that each pyramid is made only once.
            ring = rng.permutation(n)
            partner[ring, i] = np.roll(ring, -1)
            if n > 1:
                first = before = pyramid(stack.grey[ring[0]])
                for here, there in zip(ring, np.roll(ring, -1), strict=True):
                    after = first if there == ring[0] else pyramid(stack.grey[there])
                    similarity[here, i] = ms_ssim(before, after)
                    before = after
        return {"self": np.arange(n), "partner": partner, "similarity": similarity}

    def compare(self, samples, baseline, rng):
        """Mean similarity of the samples over that of real slices."""
        return {"diversity.similarity": ratio(_mean(samples), _mean(baseline))}


def _mean(rows):
    among = np.isin(rows["partner"], rows["self"])
    return float(rows["similarity"][among].mean()) if among.any() else np.nan


def _window(grey):
    return ndimage.gaussian_filter(grey, WINDOW_SIGMA, radius=WINDOW // 2)
