"""FID: distance between two Gaussians fitted to features. Biased at small numbers: read KID first."""

import numpy as np
from scipy.linalg import svdvals

from dcgan_mri.metrics.features import FeatureMeasure
from dcgan_mri.metrics.base import Quantity

# Heusel et al. advise 10 000 images at the least, and as many as there are features for a covariance of full rank.
ENOUGH = 10_000
WARNING = ("FID: with {n} images on the smaller side it is biased upwards and mostly reflects that number; {enough} "
           "are the usual minimum. Compare it only with real against real, which has as many; KID is more reliable")


class Fid(FeatureMeasure):
    """Fréchet distance between Gaussians.

    Heusel et al., "GANs trained by a two time-scale update rule converge to a local Nash equilibrium", NIPS 2017.
    """

    name = "fid"
    quantities = (
        Quantity("fid", "squared distance of features", "0 to infinity", "above real: another distribution; biased"),)
    equal_sizes = True

    def compare(self, samples, baseline, rng):
        """NaN if there are fewer than two images on a side.

        The trace of the root of the product of two covariances AᵀA and BᵀB is the nuclear norm of ABᵀ, which needs no
        matrix of D×D.
        """
        x, y = samples["features"].astype(np.float64), baseline["features"].astype(np.float64)
        if min(len(x), len(y)) < 2:
            return {"fid": np.nan}
        means = ((x.mean(axis=0) - y.mean(axis=0)) ** 2).sum()
        a, b = ((v - v.mean(axis=0)) / np.sqrt(len(v) - 1) for v in (x, y))
        return {"fid": float(means + (a ** 2).sum() + (b ** 2).sum() - 2 * svdvals(a @ b.T).sum())}
