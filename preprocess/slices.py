"""Window, slice and resize: pure functions on arrays.

The window is the one that 3D Slicer sets when it loads a volume: the 0.1 and 99.9 percentile of all voxels. The paper
(section II-A) exported its slices from 3D Slicer and resized them to 256×256.
"""

import numpy as np
from PIL import Image

# Above this many different integer values a histogram is no longer smaller than the voxels themselves.
_MAX_BINS = 1 << 20
_CHUNK = 1 << 20


def percentiles(values, percents):
    """Percentiles of the finite values, by linear interpolation as :func:`numpy.percentile` has it.

    Integers are counted into a histogram, which is exact; other types are partially sorted. No copy of the volume in a
    wider type is made.

    Args:
        values (numpy.ndarray): Any shape, integer or floating point.
        percents (sequence of float): From 0 to 100.

    Returns:
        numpy.ndarray or None: float64, one a percent; None if no value is finite.
    """
    flat = values.ravel(order="K")
    if flat.dtype.kind == "f":
        flat = flat[np.isfinite(flat)]
    if not flat.size:
        return None
    ranks = np.clip(np.asarray(percents, dtype=np.float64) / 100, 0, 1) * (flat.size - 1)
    below = np.floor(ranks).astype(np.int64)
    above = np.minimum(below + 1, flat.size - 1)
    low, high = _order_statistics(flat, np.concatenate([below, above])).reshape(2, -1)
    # Not low + (high - low) * f: the difference of two huge values would overflow.
    fraction = ranks - below
    return low * (1 - fraction) + high * fraction


def _order_statistics(flat, ranks):
    """The values at given places of the sorted array, as float64."""
    # Four of five voxels are the empty space around the brain; comparing is cheaper than sorting or counting them.
    empty = flat[0]
    rest = flat[flat != empty]
    before = np.count_nonzero(rest < empty)
    after = before + flat.size - rest.size
    found = np.full(ranks.shape, float(empty))
    others = (ranks < before) | (ranks >= after)
    if others.any():
        places = ranks[others]
        found[others] = _sorted_at(rest, np.where(places < before, places, places - (after - before)))
    return found


def _sorted_at(values, ranks):
    """The same for an array in which no value is expected to be more frequent than others."""
    if values.dtype.kind in "iu":
        smallest, largest = int(values.min()), int(values.max())
        if largest - smallest < _MAX_BINS:
            counts = np.zeros(largest - smallest + 1, dtype=np.int64)
            for start in range(0, values.size, _CHUNK):
                chunk = values[start : start + _CHUNK]
                # Signed differences can leave their own type, and the largest uint64 do not fit into int64.
                wide = chunk.astype(np.int64) if chunk.dtype.kind == "i" else chunk
                counts += np.bincount((wide - wide.dtype.type(smallest)).astype(np.int64), minlength=counts.size)
            return np.searchsorted(np.cumsum(counts), ranks, side="right").astype(np.float64) + smallest
    return np.partition(values, np.unique(ranks))[ranks].astype(np.float64)


def has_contrast(low, high):
    """Whether a window can be used.

    Args:
        low (float): Lower edge in raw units.
        high (float): Upper edge.

    Returns:
        bool: True if both are finite, in order, and so far apart that 255 grey levels between them can be told.
    """
    if not (np.isfinite(low) and np.isfinite(high) and low < high):
        return False
    half = high / 2 - low / 2
    return half > 0 and np.isfinite(np.float64(half)) and half > np.finfo(np.float64).tiny * 255


def apply_window(values, low, high):
    """Map raw intensities linearly to grey, ``low`` and below to 0, ``high`` and above to 255.

    Args:
        values (numpy.ndarray): Raw units. What is not a number, or infinite, becomes 0: nothing was measured there.
        low (float): Lower edge of the window in raw units.
        high (float): Upper edge, greater than ``low``.

    Returns:
        numpy.ndarray: uint8, same shape.
    """
    values = np.asarray(values, dtype=np.float64)
    # Halves keep the difference of two huge edges finite; the factor 2 cancels.
    grey = (np.clip(values, low, high) / 2 - low / 2) * (255 / (high / 2 - low / 2)) + 0.5
    grey[~np.isfinite(values)] = 0
    return grey.astype(np.uint8)


def axial_image(voxels, index):
    """One slice as an image array.

    Args:
        voxels (numpy.ndarray): (column, row, slice), columns towards the patient's left, rows towards the back.
        index (int): Slice, counted from 0 at the bottom.

    Returns:
        numpy.ndarray: (row, column): the patient's right is on the image's left, the front is up.
    """
    return voxels[:, :, index].T


def fit_square(grey, spacing, size):
    """Resize a slice to a square image, with the proportions that it has in mm.

    Pillow's bicubic filter on 8-bit grey: fixed-point arithmetic, so that every machine gives the same bytes.

    Args:
        grey (numpy.ndarray): (row, column), uint8.
        spacing (tuple of float): Distance of columns and of rows in mm.
        size (int): Side of the result in pixels. A slice that is not square in mm is centred on black.

    Returns:
        PIL.Image.Image: Mode L, ``size`` × ``size``.
    """
    height, width = grey.shape
    extent = np.array([width * spacing[0], height * spacing[1]])
    fitted = np.maximum(1, np.floor(extent * (size / extent.max()) + 0.5)).astype(int)
    image = Image.fromarray(np.ascontiguousarray(grey)).resize(tuple(fitted.tolist()), Image.Resampling.BICUBIC)
    if image.size == (size, size):
        return image
    square = Image.new("L", (size, size))
    square.paste(image, ((size - image.width) // 2, (size - image.height) // 2))
    return square


def find_background(voxels):
    """The value of the empty space around a skull-stripped brain.

    Args:
        voxels (numpy.ndarray): (column, row, slice).

    Returns:
        The value that all eight corners share (it may be NaN); None if they differ, as in a volume with air noise.
    """
    corners = voxels[:: max(1, voxels.shape[0] - 1), :: max(1, voxels.shape[1] - 1), :: max(1, voxels.shape[2] - 1)]
    first = corners.flat[0]
    same = np.isnan(corners).all() if np.isnan(first) else (corners == first).all()
    return first if same else None


def foreground(image, background):
    """Which pixels of a slice are brain.

    Args:
        image (numpy.ndarray): A slice in stored units.
        background: What :func:`find_background` gave; with None every finite pixel counts.

    Returns:
        numpy.ndarray: bool, same shape.
    """
    finite = np.isfinite(image)
    return finite if background is None else finite & (image != background)
