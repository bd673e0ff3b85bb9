"""Checking that a slice set is still what was written."""

import hashlib
import json
import os
import re

from preprocess import manifest
from preprocess.errors import DataError, reason_of
from preprocess.nifti import source_sha256
from preprocess.storage import WORK_NAME

FORMAT = "slice set"
VERSION = 1
_KEYS = {
    "slices": int, "size": int, "subjects": int, "slices_without_brain": int, "settings": dict, "left_out": dict,
    "orientations": dict, "files": dict, "sources": dict,
}  # fmt: skip


def is_slice_name(name):
    """Whether a file is named as a slice is.

    Args:
        name (str): File name.

    Returns:
        bool: True for names such as ``BraTS20_Training_001_img_00060.png``.
    """
    return re.fullmatch(r".+_img_\d{5,}\.png", name, re.DOTALL) is not None


def read_description(folder, name=manifest.DATASET):
    """Read ``dataset.json``.

    Args:
        folder (Path): A slice set.
        name (str): Another name that the description may have.

    Returns:
        dict: Its content, with the keys of :data:`_KEYS` at least.

    Raises:
        DataError: If the folder is not a finished slice set.
    """
    path = folder / name
    remedy = "build the set again with --overwrite"
    try:
        description = json.loads(path.read_bytes())
    except FileNotFoundError as error:
        if not folder.is_dir():
            raise DataError(folder, "there is no such folder", "give the folder of a slice set") from error
        what, remedy = "not a slice set", "give the --out of a build"
        if (folder / WORK_NAME).exists():
            what, remedy = "an unfinished slice set", "finish it with the command that began it"
        raise DataError(folder, f"it has no {manifest.DATASET}: this is {what}", remedy) from error
    except OSError as error:
        raise DataError(path, f"cannot read ({reason_of(error)})", "check the path and its permissions") from error
    except ValueError as error:
        raise DataError(path, f"this is not JSON ({error})", remedy) from error
    if not isinstance(description, dict) or description.get("format") != FORMAT:
        raise DataError(path, "it does not describe a slice set", remedy)
    if description.get("version") != VERSION:
        raise DataError(path, f"it is of version {description.get('version')}, this is version {VERSION}", remedy)
    for key, kind in _KEYS.items():
        if not isinstance(description.get(key), kind):
            raise DataError(path, f"its {key!r} is missing or damaged", remedy)
    return description


def check_set(folder, name=manifest.DATASET):
    """Compare a slice set with what was written.

    Args:
        folder (Path): The set.
        name (str): Where its description is; under another name the set is about to be finished, and its bookkeeping
            does not count as foreign.

    Returns:
        list of str: One line for each missing, changed or foreign file; empty if all is well.

    Raises:
        DataError: If the folder is not a slice set, or its manifest cannot be read.
    """
    description = read_description(folder, name)
    expected = dict(description["files"])
    problems = []
    table = folder / manifest.MANIFEST
    for row in manifest.read(table) if table.is_file() else ():
        if not is_slice_name(row["file"]) or os.path.basename(row["file"]) != row["file"]:
            problems.append(f"{manifest.MANIFEST}: {row['file']!r} is not the name of a slice")
        else:
            expected[row["file"]] = row["sha256"]
    there = set(os.listdir(folder)) - ({name} if name == manifest.DATASET else {name, WORK_NAME})
    for file in sorted(expected):
        if file not in there:
            problems.append(f"{file}: missing")
        elif _digest(folder / file) != expected[file]:
            problems.append(f"{file}: changed")
    problems.extend(f"{file}: foreign, not part of the set" for file in sorted(there - set(expected)))
    return problems


def _digest(path):
    # Slices are small: reading each in one go is what makes checking 720 of them quick.
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError:
        return None


def changed_sources(sources, root):
    """Compare the volumes that a set was made from with those that are there now.

    Args:
        sources (dict): As in ``dataset.json``.
        root (Path): The data folder.

    Returns:
        list of str: One line for each file that changed or is gone.
    """
    problems = []
    for entry in sources.values():
        for key, digest in (("volume", "sha256"), ("seg", "seg_sha256")):
            if key not in entry:
                continue
            path = root / entry[key]
            try:
                if source_sha256(path) != entry[digest]:
                    problems.append(f"{path}: changed since the set was built")
            except DataError:
                problems.append(f"{path}: no longer there")
    return problems
