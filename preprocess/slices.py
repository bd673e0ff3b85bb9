"""Window, slice and resize: pure functions on arrays.

The window is the one that 3D Slicer sets when it loads a volume: the 0.1 and 99.9 percentile of all voxels. The paper
(section II-A) exported its slices from 3D Slicer and resized them to 256×256.
"""

import numpy as np
from PIL import Image

# Labels and masks have fewer different values; an image has hundreds.
_FEW_VALUES = 16


def percentiles(values, percents):
    """Percentiles of the finite values.

    Args:
        values (numpy.ndarray): Any shape, integer or floating point.
        percents (sequence of float): From 0 to 100.

    Returns:
        numpy.ndarray or None: float64, one a percent; None if no value is finite.
    """
    flat = values.ravel(order="K")
    if flat.dtype.kind == "f":
        flat = flat[np.isfinite(flat)]
    # NumPy interpolates in the array's own type: differences of 8 and 16 bits would overflow, float32 is too coarse.
    small = flat.dtype.kind in "iu" and flat.dtype.itemsize <= 2
    with np.errstate(over="ignore", invalid="ignore"):
        return np.percentile(flat.astype(np.int32 if small else np.float64), percents) if flat.size else None


def looks_like_a_mask(voxels):
    """Whether a volume holds labels rather than an image.

    Args:
        voxels (numpy.ndarray): Any shape.

    Returns:
        bool: True if it has from 2 to 16 different values, all of them whole.
    """
    flat = voxels.ravel(order="K")
    # One in a hundred settles it for an image, in no time.
    for part in (flat[::101], flat):
        found = np.unique(part)
        if len(found) > _FEW_VALUES or not (np.isfinite(found) & (found == np.rint(found))).all():
            return False
    return len(found) > 1


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
        image (numpy.ndarray): A slice or a volume.
        background: What :func:`find_background` gave; with None every finite pixel counts.

    Returns:
        numpy.ndarray: bool, same shape.
    """
    finite = np.isfinite(image)
    return finite if background is None else finite & (image != background)
