"""The sample grids of a run: one an epoch."""

import pathlib
import re

import numpy as np
from PIL import Image

from dcgan_mri import grid
from dcgan_mri.errors import DataError

FOLDER = "preview"
NAME = re.compile(r"epoch_(\d{4,})\.png")


def path(out, epoch):
    """Where the grid of an epoch stands.

    Args:
        out (str or Path): Result folder.
        epoch (int): The epoch that was under way or had just ended; the first is 1.

    Returns:
        Path: The file.
    """
    return pathlib.Path(out) / FOLDER / f"epoch_{epoch:04d}.png"


def by_epoch(out):
    """The grids in a result folder.

    Args:
        out (str or Path): Result folder.

    Returns:
        dict: Epoch (int) to file (Path), in the order of epochs.
    """
    found = [(NAME.fullmatch(path.name), path) for path in (pathlib.Path(out) / FOLDER).glob("epoch_*.png")]
    return dict(sorted((int(match[1]), path) for match, path in found if match))


def read(path):
    """A grid as one picture.

    Args:
        path (Path): The file.

    Returns:
        numpy.ndarray: uint8 of shape (height, width, 3), with margins or bare.

    Raises:
        DataError: If it cannot be read or is not a grid.
    """
    try:
        with Image.open(path) as image:
            picture = np.array(image.convert("RGB"))
    except (OSError, ValueError, SyntaxError) as error:
        raise DataError(f"{path}: cannot read the grid ({error}); delete it, or train that epoch again") from None
    height, width, _ = picture.shape
    if grid.layout_of(width, height) is None:
        raise DataError(f"{path}: is {width}×{height}, no grid of 10×10 images; take it out of the folder")
    return picture


def cells(picture):
    """The images of a grid.

    Args:
        picture (numpy.ndarray): From `read`.

    Returns:
        numpy.ndarray: uint8 of shape (100, H, H, 3), row by row.
    """
    return grid.cut(picture)
