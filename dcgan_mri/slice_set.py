"""A slice set as `preprocess` writes it, and its images as the networks take them."""

import csv
import hashlib
import json
import pathlib

import numpy as np
from PIL import Image

from dcgan_mri.errors import DataError, UsageError


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
                f"use --image-size, or make the slices again with --size {image_size}")
        rows = _of_first_subjects(self.folder, _rows(self.folder, description, split), n_subjects)
        self.files, self.subjects, self.levels = map(list, zip(*rows, strict=True))
        self.fingerprint = hashlib.sha256((self.folder / "manifest.csv").read_bytes()).hexdigest()
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
            DataError: If the file cannot be read or is not what the set says.
        """
        index = int(index)
        if index not in self._decoded:
            self._decoded[index] = _decode(self.folder / self.files[index], self.image_size)
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
        description = json.loads((folder / "dataset.json").read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise DataError(
            f"{folder}: not a complete slice set, dataset.json is missing; "
            f"make it with `make preprocess` or `python -m preprocess build`") from None
    except (OSError, ValueError) as error:
        raise DataError(f"{folder}/dataset.json: cannot read it ({error}); make the slices again") from None
    if not isinstance(description, dict) or description.get("format") != "slice set":
        raise DataError(f"{folder}/dataset.json: not that of a slice set; make it with `python -m preprocess build`")
    return description


def _rows(folder, description, split):
    """File, subject and axial level of each slice of one part of the set."""
    try:
        with (folder / "manifest.csv").open(encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file))
        chosen = [(row["file"], row["subject"], int(row["slice"])) for row in rows if row["split"] == split]
    except (OSError, KeyError, TypeError, ValueError, csv.Error) as error:
        raise DataError(f"{folder}/manifest.csv: cannot read it ({error!r}); make the slices again") from None
    if len(rows) != description.get("slices"):
        raise DataError(
            f"{folder}/manifest.csv: lists {len(rows)} slices, dataset.json says {description.get('slices')}; "
            f"make the slices again")
    if not chosen:
        wanted = "training; make the slices again" if split == "train" else f"{split}; make the slices with --split"
        raise NoSlicesError(f"{folder}/manifest.csv: has no slice for {wanted}")
    for name, _, _ in chosen:
        if not name or pathlib.PurePath(name).name != name:
            raise DataError(f"{folder}/manifest.csv: {name!r} is not a file name in this folder; make the slices again")
    return chosen


def _of_first_subjects(folder, rows, n_subjects):
    names = sorted({subject for _, subject, _ in rows})
    if n_subjects > len(names):
        raise UsageError(
            f"{folder}: n_subjects is {n_subjects}, its slices are of {len(names)} subjects; use at most {len(names)}, "
            f"or make the slices of more subjects")
    kept = names[:n_subjects or len(names)]
    return [row for row in rows if row[1] in kept]


def _decode(path, size):
    try:
        with Image.open(path) as image:
            if image.mode != "L" or image.size != (size, size):
                raise DataError(
                    f"{path}: is {image.mode} {image.size[0]}×{image.size[1]}, must be 8-bit grey {size}×{size}; "
                    f"make the slices again")
            return np.array(image)
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise DataError(f"{path}: cannot read the picture ({error}); make the slices again") from None
