"""What the page holds of each epoch's grid: a small picture, and the real slices nearest to its images."""

import base64
import contextlib
import functools
import json

import numpy as np

from dcgan_mri import grid
from dcgan_mri.run import sample_grids
from dcgan_mri.errors import DataError
from dcgan_mri.files import whole_file
from dcgan_mri.metrics.neighbours import squared_distances
from dcgan_mri.metrics.stack import reduced

SIDE = 32
NEAREST = 3
CACHE = "page"
# Another number has what is kept made again.
FORMAT = 4


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

    def entry(self, path, size, picture=None):
        """One epoch for the page.

        Args:
            path (Path): The grid.
            size (int): Most bytes of its thumbnail.
            picture (numpy.ndarray): What is in the file, uint8 of shape (height, width, 3); None has it read.

        Returns:
            dict: ``thumbnail`` (base64 of a WebP file), ``layout`` (left, top, side, gap, width and height in pixels),
            ``tint`` as `dcgan_mri.grid.tint` says, and with slices, for each of the 100 images, ``nearest`` (three
            indices) and ``distance`` (three root mean squared differences in grey levels, of images of 32×32).

        Raises:
            DataError: If the grid cannot be read.
        """
        status = path.stat()
        made_of = [status.st_size, status.st_mtime_ns, size, self.slices.fingerprint if self.slices else None, FORMAT]
        cache = self.folder / CACHE / f"{path.stem}.json"
        try:
            found = json.loads(cache.read_text(encoding="utf-8"))
            if found["made_of"] == made_of:
                return found["entry"]
        except (OSError, ValueError, KeyError, TypeError):
            pass  # not there yet, or of an older version: it is made again
        if picture is None:
            picture = sample_grids.read(path)
        height, width = picture.shape[:2]
        layout, images = grid.layout_of(width, height), grid.cut(picture)
        entry = {"thumbnail": base64.b64encode(self._thumbnail(picture, size)).decode(),
                 "layout": [layout.left, layout.top, layout.side, layout.gap, width, height],
                 "tint": grid.tint(images)}
        if self.slices is not None:
            entry.update(self._nearest(images, path))
        # A folder that may only be read can still be looked at.
        with contextlib.suppress(OSError, DataError):
            cache.parent.mkdir(exist_ok=True)
            with whole_file(cache) as file:
                file.write(json.dumps({"made_of": made_of, "entry": entry}).encode())
        return entry

    def real_grid(self, size):
        """A hundred of the real slices, chosen evenly, for the eye to compare with.

        Args:
            size (int): Most bytes.

        Returns:
            str: base64 of a WebP file.
        """
        chosen = np.unique(np.linspace(0, len(self.slices) - 1, grid.IMAGES).round().astype(int))
        picture = grid.draw(self.slices.batch(chosen), f"{len(chosen)} of the {len(self.slices)} real slices")
        return base64.b64encode(self._thumbnail(picture, size)).decode()

    @functools.cached_property
    def between_subjects(self):
        """How near real slices are to the nearest slice of another subject.

        dict: ``low``, ``high`` (9 of 10 slices lie between) and ``copy`` (1 of 100 lies below), in grey levels as in
        `entry`; None if there is but one subject.
        """
        subjects = np.unique(self.slices.subjects, return_inverse=True)[1]
        if subjects.max() == 0:
            return None
        squares = np.where(subjects[:, None] == subjects, np.inf, squared_distances(self._real, self._real))
        distances = np.sqrt(squares.min(axis=1) / self._real.shape[1])
        copy, low, high = np.percentile(distances, [1, 5, 95]).round(1).tolist()
        return {"copy": copy, "low": low, "high": high}

    @functools.cached_property
    def _real(self):
        return _small(self.slices.batch(range(len(self.slices))).astype(np.float32))

    def _nearest(self, images, path):
        if images.shape[1] != self.slices.image_size:
            raise DataError(
                f"{path}: its images have {images.shape[1]} pixels, the slices in {self.slices.folder} have "
                f"{self.slices.image_size}; name this run's slices with --dataset")
        means = images.reshape(*images.shape[:3], -1).mean(axis=3, dtype=np.float32)
        squares = squared_distances(_small(means), self._real)
        nearest = squares.argsort(axis=1, kind="stable")[:, :NEAREST]
        distances = np.sqrt(np.take_along_axis(squares, nearest, axis=1).astype(float) / self._real.shape[1])
        return {"nearest": nearest.tolist(), "distance": distances.round(1).tolist()}


def _small(grey):
    return reduced(grey, SIDE).reshape(len(grey), -1)
