"""What a slice looks like: which slices of a volume, through which window, how large."""

import re
from dataclasses import dataclass, field

import numpy as np

from preprocess.errors import DataError, UsageError

PAPER_SLICES = "60-107"


@dataclass(frozen=True)
class SliceChoice:
    """Which slices of a volume to take.

    Attributes:
        kind (str): ``index``, ``mm``, ``tumour`` or ``all``.
        ranges (tuple): For ``index`` and ``mm``: (first, last) pairs, both ends included.
        least (int): For ``tumour``: the fewest tumour pixels of a slice.
    """

    kind: str
    ranges: tuple = ()
    least: int = 1

    def indices(self, volume, tumour_pixels):
        """The chosen slices of one volume.

        Args:
            volume (Volume): The volume.
            tumour_pixels (numpy.ndarray or None): Tumour pixels of each slice, if there is a label volume.

        Returns:
            list of int: Slice indices, ascending.

        Raises:
            DataError: If the volume does not have these slices.
        """
        count = volume.voxels.shape[2]
        if self.kind == "all":
            return list(range(count))
        if self.kind == "index":
            wanted = sorted({index for first, last in self.ranges for index in range(first, last + 1)})
            if wanted[-1] >= count:
                raise DataError(volume.source, f"slice {wanted[-1]} was asked for, it has 0 … {count - 1}",
                                "choose others with --slices or by position with --slices-mm")
            return wanted
        if self.kind == "mm":
            return self._by_position(volume)
        return self._by_tumour(volume, tumour_pixels)

    def _by_position(self, volume):
        if volume.positions is None:
            raise DataError(volume.source, "positions in mm are not known with --orientation stored", "use --slices")
        positions, (low, high) = volume.positions, self.ranges[0]
        chosen = np.flatnonzero((positions >= low) & (positions <= high)).tolist()
        if not chosen:
            raise DataError(volume.source, f"no slice lies from {low:g} to {high:g} mm; it spans {positions.min():g} "
                            f"to {positions.max():g} mm", "choose another --slices-mm")
        return chosen

    def _by_tumour(self, volume, tumour_pixels):
        if tumour_pixels is None:
            raise DataError(volume.source, "it has no _seg file, which --slices tumour needs",
                            "add it, choose slices by index, or use --skip")
        chosen = np.flatnonzero(tumour_pixels >= self.least).tolist()
        if not chosen:
            raise DataError(volume.source, f"no slice has {self.least} tumour pixels or more; the most is "
                            f"{int(tumour_pixels.max())}", "lower --min-tumour-pixels or use --skip")
        return chosen


def parse_slices(text):
    """Read ``--slices``.

    Args:
        text (str): ``60-107``, ``75``, ``60-80,100-107``, ``tumour`` or ``all``.

    Returns:
        SliceChoice: The choice.

    Raises:
        UsageError: If it is none of these.
    """
    if text in ("tumour", "tumor"):
        return SliceChoice("tumour")
    if text == "all":
        return SliceChoice("all")
    ranges = []
    for part in text.split(","):
        match = re.fullmatch(r"\s*(\d{1,5})(?:\s*-\s*(\d{1,5}))?\s*", part)
        first, last = (int(match[1]), int(match[2] or match[1])) if match else (1, 0)
        if last < first:
            raise UsageError(f"--slices {text}: give a range such as {PAPER_SLICES}, a list, 'tumour' or 'all'")
        ranges.append((first, last))
    return SliceChoice("index", tuple(ranges))


def parse_percents(text):
    """Read ``--window``.

    Args:
        text (str): Two percentiles such as ``0.1,99.9``.

    Returns:
        tuple of float: Lower and upper percentile.

    Raises:
        UsageError: If they are not two ascending numbers from 0 to 100.
    """
    try:
        low, high = (float(part) for part in text.split(","))
    except ValueError:
        low = high = np.nan
    if not 0 <= low < high <= 100:
        raise UsageError(f"--window {text}: give two percentiles such as 0.1,99.9; for raw units use --window-raw")
    return low, high


@dataclass(frozen=True)
class Settings:
    """Everything that decides what a slice looks like.

    Attributes:
        modality (str): ``flair``, ``t1``, ``t1ce`` or ``t2``.
        slices (SliceChoice): Which slices to take; the paper (section II-A) takes 48 a subject.
        window_percent (tuple of float or None): Percentiles of all voxels that become black and white.
        window_raw (tuple of float or None): Or the same in raw units.
        size (int): Side of the images in pixels.
        orientation (str): ``header`` or ``stored``.
        channel (int or None): Which volume of 4-D files.
    """

    modality: str = "flair"
    slices: SliceChoice = field(default_factory=lambda: SliceChoice("index", ((60, 107),)))
    window_percent: tuple | None = (0.1, 99.9)
    window_raw: tuple | None = None
    size: int = 256
    orientation: str = "header"
    channel: int | None = None

    def as_json(self):
        """The settings as ``dataset.json`` has them.

        Returns:
            dict: For JSON.
        """
        return {
            "modality": self.modality,
            "slices": {"kind": self.slices.kind, "ranges": [list(pair) for pair in self.slices.ranges],
                       "min_tumour_pixels": self.slices.least if self.slices.kind == "tumour" else None},
            "window_percentiles": list(self.window_percent) if self.window_percent else None,
            "window_raw": list(self.window_raw) if self.window_raw else None,
            "size": self.size,
            "orientation": self.orientation,
            "channel": self.channel,
        }
