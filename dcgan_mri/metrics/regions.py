"""Where the head is in an image, and the region that is brighter than the brain."""

import numpy as np
from scipy import ndimage
from skimage.filters import threshold_multiotsu, threshold_otsu

# Fluid, white matter, grey matter, and what is brighter: on FLAIR, oedema and tumour.
CLASSES = 4


def smoothed(grey):
    """An image with the noise of single pixels smoothed away, for finding regions.

    Args:
        grey (numpy.ndarray): float32 of shape (H, W) in [0, 1].

    Returns:
        numpy.ndarray: float32 of shape (H, W).
    """
    return ndimage.gaussian_filter(grey, grey.shape[0] / 128)


def head(grey):
    """The head: the largest connected region above half of Otsu's threshold, without holes.

    Half, since Otsu's own threshold would cut off fluid at the brain's edge.

    Args:
        grey (numpy.ndarray): float32 of shape (H, W) in [0, 1].

    Returns:
        numpy.ndarray: bool of shape (H, W); empty if the image is of one grey level.
    """
    smooth = smoothed(grey)
    if smooth.max() - smooth.min() < 1e-6:
        return np.zeros(grey.shape, dtype=bool)
    return ndimage.binary_fill_holes(_largest(smooth > threshold_otsu(smooth) / 2))


def bright(grey, inside):
    """The bright region: the largest connected part of the brightest of four classes (multi-Otsu) inside the head.

    Whether it stands for a tumour is another question: in a healthy slice it is a stretch of grey matter.

    Args:
        grey (numpy.ndarray): float32 of shape (H, W) in [0, 1].
        inside (numpy.ndarray): bool of shape (H, W), the head.

    Returns:
        numpy.ndarray: bool of shape (H, W); empty if there are not four grey levels.
    """
    smooth = smoothed(grey)
    # Away from the border, where the head fades into the background.
    values = np.rint(smooth[ndimage.binary_erosion(inside, iterations=max(1, len(grey) // 85))] * 255).astype(np.uint8)
    if len(np.unique(values)) < CLASSES:
        return np.zeros(grey.shape, dtype=bool)
    top = threshold_multiotsu(values, CLASSES)[-1] / 255
    opened = ndimage.binary_opening((smooth > top) & inside, iterations=max(1, len(grey) // 128))
    return _largest(opened)


def _largest(mask):
    labels, n = ndimage.label(mask)
    if n <= 1:
        return mask
    return labels == 1 + np.argmax(np.bincount(labels.ravel())[1:])
