"""What ``--subjects``, ``--slices`` and ``--window`` mean."""

import re
from dataclasses import dataclass

import numpy as np

from preprocess.errors import DataError, UsageError

PAPER_SUBJECTS = "001-015"
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
                                "choose others with --slices or by position with --slices-mm")  # fmt: skip
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
                            f"to {positions.max():g} mm", "choose another --slices-mm")  # fmt: skip
        return chosen

    def _by_tumour(self, volume, tumour_pixels):
        if tumour_pixels is None:
            raise DataError(volume.source, "it has no _seg file, which --slices tumour needs",
                            "add it, choose slices by index, or use --skip")  # fmt: skip
        chosen = np.flatnonzero(tumour_pixels >= self.least).tolist()
        if not chosen:
            raise DataError(volume.source, f"no slice has {self.least} tumour pixels or more; the most is "
                            f"{int(tumour_pixels.max())}", "lower --min-tumour-pixels or use --skip")  # fmt: skip
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


def number_of(subject):
    """The number by which a subject is counted in its data set.

    Args:
        subject (str): A subject, such as ``BraTS20_Training_001`` or ``BraTS-GLI-00005-000`` (patient 5, visit 0).

    Returns:
        int or None: 1 and 5 for these; None for names that are not counted so, such as ``Brats18_TCIA01_150_1``.
    """
    if match := re.fullmatch(r"BraTS-[A-Z]+-(\d+)-\d+", subject, re.IGNORECASE):
        return int(match[1])
    *before, last = re.split(r"[_\-. ]", subject)
    match = re.search(r"\d+$", last)
    if not match or (before and before[-1].isdigit()):
        return None
    return int(match[0])


def _matches(part, subjects):
    """The subjects that one part of a list names, and the wanted numbers that no subject has."""
    if part in subjects:
        return [part], []
    span = re.fullmatch(r"(\d{1,6})-(\d{1,6})", part)
    single = re.fullmatch(r"\d{1,6}", part)
    if not span and not single:
        return [], [part]
    first, last = (span[1], span[2]) if span else (part, part)
    if int(last) < int(first):
        raise UsageError(f"--subjects {part}: the range ends before it begins")
    numbers = {}
    for subject in subjects:
        numbers.setdefault(number_of(subject), []).append(subject)
    wanted = range(int(first), int(last) + 1)
    chosen = [subject for number in wanted for subject in numbers.get(number, [])]
    return chosen, [str(number).zfill(len(first)) for number in wanted if number not in numbers]


def _shorten(names, most=8):
    names = list(names)
    return ", ".join(names if len(names) <= most else [*names[: most - 2], "…", names[-1]])


def unused_skips(skip, subjects):
    """Parts of ``--skip`` that name no subject: a slip of the pen there would let a subject in.

    Args:
        skip (str or None): ``--skip``.
        subjects (list of str): All subjects found.

    Returns:
        list of str: The parts.
    """
    parts = [part.strip() for part in (skip or "").split(",") if part.strip()]
    return [part for part in parts if not _matches(part, subjects)[0]]


def select_subjects(text, skip, subjects, folder):
    """Apply ``--subjects`` and ``--skip`` to what was found.

    Args:
        text (str): ``all``, ``first:15``, ranges of numbers such as ``001-015``, subjects, or a list of these.
        skip (str or None): The same without ``all``: subjects to leave out.
        subjects (list of str): All subjects found, sorted.
        folder (Path): Where they were found, for messages.

    Returns:
        tuple: The chosen subjects (sorted), and a :class:`DataError` that names those not found, or None.

    Raises:
        UsageError: If the text cannot be read.
    """
    left_out = set()
    for part in filter(None, (skip or "").split(",")):
        left_out.update(_matches(part.strip(), subjects)[0])
    remaining = [subject for subject in subjects if subject not in left_out]
    found = f"{len(subjects)} found: {_shorten(subjects)}"
    if text == "all":
        return remaining, None
    if match := re.fullmatch(r"first:(\d+)", text):
        count = int(match[1])
        if count < 1:
            raise UsageError(f"--subjects {text}: at least one subject is needed")
        short = DataError(folder, f"the first {count} subjects were asked for, {found}", "use --subjects all")
        return remaining[:count], short if count > len(remaining) else None
    chosen, missing = set(), []
    for part in filter(None, (piece.strip() for piece in text.split(","))):
        matched, absent = _matches(part, subjects)
        chosen.update(matched)
        missing.extend(absent)
    if not chosen and not missing:
        raise UsageError("--subjects is empty: give a range such as 001-015, IDs, first:15 or all")
    error = None
    if missing:
        error = DataError(folder, f"no subject {_shorten(missing)}; {found}", "name others with --subjects, or all")
    return sorted(chosen - left_out), error
