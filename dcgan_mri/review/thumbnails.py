"""Small pictures for the page: a grid of noisy images is 16 MB, and the page holds a hundred in less than 5."""

import io

import numpy as np
from PIL import Image

# Bytes for the grids of all epochs and runs; base64 adds a third, the slices and curves take the rest of 5 MB.
GRIDS = 2_300_000
LARGEST = 150_000
SLICE_SIDE = 112
# Width in pixels and quality, the best first.
STEPS = ((1000, 80), (1000, 60), (800, 60), (800, 40), (640, 50), (640, 30), (500, 40), (500, 20), (400, 30), (400, 10),
         (300, 10), (200, 5))


def budget(n_epochs):
    """Bytes that one grid may take.

    Args:
        n_epochs (int): Number of grids on the page, planned ones included.

    Returns:
        int: Bytes.
    """
    return min(LARGEST, GRIDS // max(1, n_epochs))


def of_grid(picture, size):
    """A sample grid, as large and as good as the bytes allow.

    Args:
        picture (numpy.ndarray): uint8 of shape (height, width, 3), or grey (height, width).
        size (int): Most bytes.

    Returns:
        bytes: A WebP file.
    """
    image = Image.fromarray(picture)
    for side, quality in STEPS:
        # A smaller step at full size is no gain over a larger one.
        width = min(side, image.width)
        height = round(width * image.height / image.width)
        found = _webp(image.resize((width, height), Image.Resampling.BOX, reducing_gap=2.0), quality)
        if len(found) <= size:
            break
    return found


def of_slice(picture):
    """A training slice, or one image.

    Args:
        picture (numpy.ndarray): uint8 of shape (H, W) or (H, W, 3).

    Returns:
        bytes: A WebP file.
    """
    image = Image.fromarray(np.ascontiguousarray(picture))
    side = min(SLICE_SIDE, image.width)
    return _webp(image.resize((side, side), Image.Resampling.LANCZOS), 55)


def _webp(image, quality):
    file = io.BytesIO()
    image.save(file, format="WEBP", quality=quality, method=3)
    return file.getvalue()
