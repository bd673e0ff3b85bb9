"""Known harm done to slices, for tests of the measures."""

import numpy as np
from scipy import ndimage


def as_pictures(values):
    """Values as uint8 pictures."""
    return np.rint(np.clip(values, 0, 255)).astype(np.uint8)


def with_noise(pictures, sigma):
    """Gaussian noise of a deviation in grey levels, in the air too."""
    return as_pictures(pictures + sigma * np.random.default_rng(0).standard_normal(pictures.shape))


def with_lattice(pictures, period, strength):
    """Every period-th pixel of every period-th row made brighter, the others darker."""
    v, u = np.mgrid[:pictures.shape[1], :pictures.shape[2]]
    return as_pictures(pictures * (1 - strength / 2 + strength * ((v % period == 0) & (u % period == 0))))


def blurred(pictures, sigma):
    """A Gaussian of a deviation in pixels."""
    return as_pictures(ndimage.gaussian_filter(pictures.astype(float), (0, sigma, sigma)))


def repeated(pictures, share):
    """The sixth picture in the place of a share of them, as a generator that collapses does."""
    n = round(share * len(pictures))
    return np.concatenate([np.repeat(pictures[5:6], n, axis=0), pictures[n:]])


def faded(pictures, strength):
    """The bright regions of the phantoms brought nearer to the brain's grey; 0 leaves them."""
    return as_pictures(np.where(pictures > 165, pictures + strength * (107.0 - pictures), pictures))
