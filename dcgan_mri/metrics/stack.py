"""Images with what several measures want to know of them, each found out once."""

import functools
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from dcgan_mri.metrics import regions

# Of the real slices that may show tissue at a pixel that still counts as air.
_TISSUE_IN_AIR = 0.005
_CHUNK = 16


class Stack:
    """Images to be measured.

    Args:
        pictures (numpy.ndarray): uint8 of shape (N, H, W), or (N, H, W, 3), of which the mean is taken.
        extractor (callable): Gives features, see `dcgan_mri.metrics.features`.
        groups (sequence): For each image what it belongs to: the subject of a slice. None: each is on its own.
        levels (sequence of float): Axial level of each slice; None if not known.
        threads (int): Number of threads to use.

    Attributes:
        channels (numpy.ndarray): Mean of each channel, in grey levels, shape (N, 1) or (N, 3).
    """

    def __init__(self, pictures, extractor, groups=None, levels=None, threads=1):
        pictures = np.asarray(pictures)
        grey = pictures.mean(axis=3, dtype=np.float32) if pictures.ndim == 4 else pictures.astype(np.float32)
        self.channels = pictures.mean(axis=(1, 2)).reshape(len(pictures), -1)
        self.grey = grey / np.float32(255)
        self.extractor = extractor
        self.groups = np.arange(len(grey)) if groups is None else np.unique(groups, return_inverse=True)[1]
        self.levels = np.full(len(grey), np.nan) if levels is None else np.asarray(levels, dtype=float)
        self.threads = threads

    def __len__(self):
        return len(self.grey)

    def each(self, function, *arrays):
        """Call a function for every image.

        Args:
            function (callable): Takes a float32 image of shape (H, W) in [0, 1] and a row of each further array.
            *arrays (sequence): More arguments, one entry for each image.

        Returns:
            numpy.ndarray: The results, stacked.
        """
        if self.threads == 1:
            return np.stack([function(*row) for row in zip(self.grey, *arrays, strict=True)])
        with ThreadPoolExecutor(self.threads) as pool:
            return np.stack(list(pool.map(function, self.grey, *arrays)))

    @functools.cached_property
    def heads(self):
        """numpy.ndarray: bool of shape (N, H, W), the head's pixels."""
        return self.each(regions.head)

    @functools.cached_property
    def bright(self):
        """numpy.ndarray: bool of shape (N, H, W), the bright region's pixels."""
        return self.each(regions.bright, self.heads)

    @functools.cached_property
    def air(self):
        """numpy.ndarray: bool of shape (H, W), pixels where practically no image shows the head."""
        return self.heads.mean(axis=0) <= _TISSUE_IN_AIR

    @functools.cached_property
    def features(self):
        """numpy.ndarray: float32 of shape (N, D)."""
        return self.features_of(self.grey)

    def features_of(self, grey):
        """Features of these images, or of others made from them.

        Args:
            grey (numpy.ndarray): float32 of shape (N, H, W) in [0, 1].

        Returns:
            numpy.ndarray: float32 of shape (N, D).
        """
        chunks = [grey[start:start + _CHUNK] for start in range(0, len(grey), _CHUNK)]
        if self.threads == 1:
            return np.concatenate([self.extractor(chunk) for chunk in chunks])
        with ThreadPoolExecutor(self.threads) as pool:
            return np.concatenate(list(pool.map(self.extractor, chunks)))


def reduced(grey, side):
    """Make images smaller by taking the mean over squares.

    Args:
        grey (numpy.ndarray): Shape (N, H, H).
        side (int): Side to reach; images that are no larger stay as they are.

    Returns:
        numpy.ndarray: Shape (N, side, side) where H is a multiple of side.
    """
    n, height, width = grey.shape
    factor = max(1, height // side)
    return grey.reshape(n, height // factor, factor, width // factor, factor).mean(axis=(2, 4))
