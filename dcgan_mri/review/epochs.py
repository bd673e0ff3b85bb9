"""What the page holds of each epoch's grid: a thumbnail, and the training slices nearest to its images."""

import base64
import contextlib
import json

import numpy as np

from dcgan_mri.run import sample_grids
from dcgan_mri.errors import DataError
from dcgan_mri.files import whole_file
from dcgan_mri.metrics.neighbours import squared_distances
from dcgan_mri.metrics.stack import reduced
from dcgan_mri.pixels import grid

SIDE = 32
CACHE = "page"


class Epochs:
    """The epochs of one run.

    Args:
        folder (Path): Result folder; what was made is kept in its ``page`` folder.
        slices (dcgan_mri.slice_set.Slices): The training slices; None leaves the nearest ones out.
        thumbnail (callable): From a picture of a grid and a number of bytes to a WebP file.
    """

    def __init__(self, folder, slices, thumbnail):
        self.folder = folder
        self.slices = slices
        self._thumbnail = thumbnail
        self._real = None

    def entry(self, path, size, images=None):
        """One epoch for the page.

        Args:
            path (Path): The grid.
            size (int): Most bytes of its thumbnail.
            images (numpy.ndarray): What is in the grid, uint8 of shape (100, H, H, 3); None has the file read.

        Returns:
            dict: ``thumbnail`` (base64 of a WebP file), and with slices ``nearest`` (100 indices) and ``distance``
            (100 root mean squared differences in grey levels, of images of 32×32).

        Raises:
            DataError: If the grid cannot be read.
        """
        status = path.stat()
        made_of = [status.st_size, status.st_mtime_ns, size, str(self.slices.folder) if self.slices else None]
        cache = self.folder / CACHE / f"{path.stem}.json"
        try:
            found = json.loads(cache.read_text(encoding="utf-8"))
            if found["made_of"] == made_of:
                return found["entry"]
        except (OSError, ValueError, KeyError, TypeError):
            pass  # not there yet, or of an older version: it is made again
        if images is None:
            images = sample_grids.cells(sample_grids.read(path))
        entry = {"thumbnail": base64.b64encode(self._thumbnail(grid(images, sample_grids.SIDE), size)).decode()}
        if self.slices is not None:
            entry.update(self._nearest(images, path))
        # A folder that may only be read can still be looked at.
        with contextlib.suppress(PermissionError):
            cache.parent.mkdir(exist_ok=True)
            with whole_file(cache) as file:
                file.write(json.dumps({"made_of": made_of, "entry": entry}).encode())
        return entry

    def _nearest(self, images, path):
        if images.shape[1] != self.slices.image_size:
            raise DataError(
                f"{path}: its images have {images.shape[1]} pixels, the slices in {self.slices.folder} have "
                f"{self.slices.image_size}; name this run's slices with --dataset")
        if self._real is None:
            self._real = _small(self.slices.batch(range(len(self.slices))).astype(np.float32))
        squares = squared_distances(_small(images.mean(axis=3, dtype=np.float32)), self._real)
        nearest = squares.argmin(axis=1)
        distances = np.sqrt(squares.min(axis=1) / self._real.shape[1])
        return {"nearest": nearest.tolist(), "distance": [round(float(distance), 1) for distance in distances]}


def _small(grey):
    return reduced(grey, SIDE).reshape(len(grey), -1)
