"""KID: distance between the samples' and the real slices' features, without bias at small numbers."""

import numpy as np

from dcgan_mri.metrics.features import FeatureMeasure
from dcgan_mri.metrics.base import Quantity

SUBSETS, SUBSET_SIZE = 50, 100


def kernel(x, y):
    """The polynomial kernel (x·y / d + 1)³.

    Args:
        x (numpy.ndarray): Shape (N, D).
        y (numpy.ndarray): Shape (M, D).

    Returns:
        numpy.ndarray: float64 of shape (N, M).
    """
    return ((x @ y.T) / x.shape[1] + 1).astype(np.float64) ** 3


def mmd(xx, xy, yy):
    """Unbiased estimate of the squared maximum mean discrepancy.

    Gretton et al., "A kernel two-sample test", JMLR 2012, eq. 3.

    Args:
        xx (numpy.ndarray): Kernel of the samples with themselves, shape (N, N).
        xy (numpy.ndarray): Of samples with real ones, shape (N, M).
        yy (numpy.ndarray): Of real ones with themselves, shape (M, M).

    Returns:
        float: About 0 if both come from one distribution; it can be negative.
    """
    n, m = xy.shape
    among_x, among_y = xx.sum() - np.trace(xx), yy.sum() - np.trace(yy)
    return float(among_x / (n * (n - 1)) + among_y / (m * (m - 1)) - 2 * xy.mean())


class Kid(FeatureMeasure):
    """KID over all images, and its standard deviation over subsets.

    Bińkowski, Sutherland, Arbel and Gretton, "Demystifying MMD GANs", ICLR 2018.
    """

    name = "kid"
    quantities = (
        Quantity("kid", "squared discrepancy of features", "about 0 to infinity", "above real: another distribution"),
        Quantity("kid.subset_deviation", "squared discrepancy of features", "0 to infinity",
                 f"how far KID strays between subsets of up to {SUBSET_SIZE} images"))
    every_epoch = True

    def compare(self, samples, baseline, rng):
        """NaN if there are fewer than four images on a side."""
        x, y = samples["features"], baseline["features"]
        size = min(SUBSET_SIZE, len(x) // 2, len(y) // 2)
        if size < 2:
            return {"kid": np.nan, "kid.subset_deviation": np.nan}
        xx, xy, yy = kernel(x, x), kernel(x, y), kernel(y, y)
        values = []
        for _ in range(SUBSETS):
            i, j = rng.choice(len(x), size, replace=False), rng.choice(len(y), size, replace=False)
            values.append(mmd(xx[np.ix_(i, i)], xy[np.ix_(i, j)], yy[np.ix_(j, j)]))
        return {"kid": mmd(xx, xy, yy), "kid.subset_deviation": float(np.std(values))}
