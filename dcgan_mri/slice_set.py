"""A slice set as `preprocess` writes it, and its images as the networks take them."""

import csv
import hashlib
import io
import json
import pathlib

import numpy as np
from PIL import Image

from dcgan_mri.errors import DataError, UsageError
from dcgan_mri.files import open_regular


class NoSlicesError(DataError):
    """A slice set is whole, but has no slice of the part that was asked for."""


class Slices:
    """The training slices of a set, each decoded once, when it is first asked for (720 of 256×256 take 47 MB).

    Args:
        folder (str or Path): Slice set, with ``dataset.json`` and ``manifest.csv``.
        image_size (int): Side in pixels that the networks expect; None takes the set's.
        split (str): Which part of the set: ``train``, or ``held-out`` for the subjects that training never sees.
        n_subjects (int): Only the first subjects of this part by name; 0 takes all.

    Raises:
        DataError: If the folder is not a complete slice set.
        NoSlicesError: If it has no slice of this part.
        UsageError: If its slices have another size, or are of fewer subjects than asked for.
    """

    def __init__(self, folder, image_size=None, split="train", n_subjects=0):
        self.folder = pathlib.Path(folder)
        description = _description(self.folder)
        self.image_size = description.get("size") if image_size is None else image_size
        if description.get("size") != self.image_size:
            raise UsageError(
                f"{folder}: its slices are {description.get('size')} pixels wide, the networks take {image_size}; "
                f"give a set of {image_size} pixels, or make the slices again with --size {image_size}")
        content = _manifest(self.folder)
        rows = _of_first_subjects(self.folder, _rows(self.folder, content, description, split), n_subjects)
        self.files, self.subjects, self.levels, self._hashes = map(list, zip(*rows, strict=True))
        self.fingerprint = hashlib.sha256(content).hexdigest()
        self._decoded = {}

    def __len__(self):
        return len(self.files)

    def image(self, index):
        """One slice.

        Args:
            index (int): 0 to len - 1, in the order of the manifest.

        Returns:
            numpy.ndarray: uint8 of shape (H, W), grey 0 to 255.

        Raises:
            DataError: If the file cannot be read or is not the one that the set was made with.
        """
        index = int(index)
        if index not in self._decoded:
            self._decoded[index] = _decode(
                self.folder / self.files[index], self.image_size, self._hashes[index])
        return self._decoded[index]

    def batch(self, indices):
        """Several slices.

        Args:
            indices (sequence of int): Which ones.

        Returns:
            numpy.ndarray: uint8 of shape (B, H, W).
        """
        return np.stack([self.image(index) for index in indices])


def _description(folder):
    """The set's dataset.json, which preprocess writes last: without it the set is not whole."""
    try:
        if not folder.is_dir():
            raise DataError(f"{folder}: no such folder; make the slices with `make preprocess`, or name them with -i")
        with open_regular(folder / "dataset.json") as file:
            description = json.load(file)
    except FileNotFoundError:
        raise DataError(
            f"{folder}: not a complete slice set, dataset.json is missing; "
            f"make it with `make preprocess` or `python -m preprocess build`") from None
    except (OSError, ValueError, RecursionError) as error:
        reason = getattr(error, "strerror", None) or error
        raise DataError(f"{folder}/dataset.json: cannot read it ({reason}); make the slices again") from None
    if not isinstance(description, dict) or description.get("format") != "slice set":
        raise DataError(f"{folder}/dataset.json: not that of a slice set; make it with `python -m preprocess build`")
    return description


def _manifest(folder):
    """The content of the set's manifest.csv."""
    try:
        with open_regular(folder / "manifest.csv") as file:
            return file.read()
    except OSError as error:
        raise DataError(f"{folder}/manifest.csv: cannot read it ({error.strerror}); make the slices again") from None


def _rows(folder, content, description, split):
    """File, subject, axial level and SHA-256 of each slice of one part of the set."""
    try:
        rows = list(csv.DictReader(io.StringIO(content.decode("utf-8"), newline="")))
        chosen = [(row["file"], row["subject"], int(row["slice"]), row["sha256"])
                  for row in rows if row["split"] == split]
    except (KeyError, TypeError, ValueError, csv.Error) as error:
        raise DataError(f"{folder}/manifest.csv: cannot read it ({error!r}); make the slices again") from None
    if len(rows) != description.get("slices"):
        raise DataError(
            f"{folder}/manifest.csv: lists {len(rows)} slices, dataset.json says {description.get('slices')}; "
            f"make the slices again")
    if not chosen:
        wanted = "training; make the slices again" if split == "train" else f"{split}; make the slices with --split"
        raise NoSlicesError(f"{folder}/manifest.csv: has no slice for {wanted}")
    for name, *_ in chosen:
        if not name or pathlib.PurePath(name).name != name:
            raise DataError(f"{folder}/manifest.csv: {name!r} is not a file name in this folder; make the slices again")
    return chosen


def _of_first_subjects(folder, rows, n_subjects):
    names = sorted({row[1] for row in rows})
    if n_subjects > len(names):
        raise UsageError(
            f"{folder}: n_subjects is {n_subjects}, its slices are of {len(names)} subjects; use at most {len(names)}, "
            f"or make the slices of more subjects")
    kept = names[:n_subjects or len(names)]
    return [row for row in rows if row[1] in kept]


def _decode(path, size, sha256):
    try:
        with open_regular(path) as file:
            content = file.read()
        if hashlib.sha256(content).hexdigest() != sha256:
            raise DataError(
                f"{path}: is not the picture that the set was made with, by its SHA-256 in manifest.csv; make the "
                f"slices again")
        with Image.open(io.BytesIO(content), formats=("PNG",)) as image:
            if image.mode != "L" or image.size != (size, size):
                raise DataError(
                    f"{path}: is {image.mode} {image.size[0]}×{image.size[1]}, must be 8-bit grey {size}×{size}; "
                    f"make the slices again")
            return np.array(image)
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        reason = getattr(error, "strerror", None) or error
        raise DataError(f"{path}: cannot read the picture ({reason}); make the slices again") from None
