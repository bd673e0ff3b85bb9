"""The set on disk: pictures with a manifest, an overview and a description; written, read, verified."""

import csv
import hashlib
import io
import json
import os
import platform
import re
import zlib
from collections import Counter

import nibabel
import numpy as np
import PIL
from PIL import Image

from preprocess.errors import DataError, count, reason_of
from preprocess.files import open_regular, output_errors, sha256_of
from preprocess.overview import make_overview
from preprocess.subjects import held_out
from preprocess.volumes import source_sha256

FORMAT = "slice set"
VERSION = 1
MANIFEST = "manifest.csv"
OVERVIEW = "overview.png"
DATASET = "dataset.json"
COLUMNS = (
    "file", "subject", "split", "slice", "position_mm", "source", "source_sha256", "orientation", "window_low",
    "window_high", "brain_pixels", "tumour_pixels", "sha256",
)
_KEYS = {
    "slices": int, "size": int, "subjects": int, "slices_without_brain": int, "settings": dict, "left_out": dict,
    "orientations": dict, "files": dict, "sources": dict,
}
_FOREIGN = ": foreign, not part of the set"
# From here on some can be spared for comparison.
_MANY_SUBJECTS = 5
_REMEDY = "build the set again with --overwrite"


def file_name(subject, index):
    """File name of a slice, as in the paper's released code.

    Args:
        subject (str): The subject.
        index (int): Slice, counted from 0 at the bottom.

    Returns:
        str: Such as ``BraTS20_Training_001_img_00060.png``.
    """
    return f"{as_text(subject)}_img_{index:05d}.png"


def as_text(cell):
    """A cell of the manifest that no spreadsheet takes for a formula.

    Args:
        cell (str): What it holds.

    Returns:
        str: The same, after an apostrophe if a formula could begin so.
    """
    return f"'{cell}" if cell.startswith(("=", "+", "-", "@", "\t", "\r")) else cell


def is_slice_name(name):
    """Whether a file is named as a slice is.

    Args:
        name (str): File name.

    Returns:
        bool: True for names such as ``BraTS20_Training_001_img_00060.png``.
    """
    return re.fullmatch(r".+_img_\d{5,}\.png", name, re.DOTALL) is not None


def write_slice(folder, row, grey):
    """Write a slice.

    Args:
        folder (Path): Where to.
        row (dict): Its row of the manifest, without ``sha256``.
        grey (numpy.ndarray or PIL.Image.Image): (row, column), uint8.

    Returns:
        dict: The row, whole.

    Raises:
        OutputError: If it cannot be written.
    """
    buffer = io.BytesIO()
    # On brain slices run lengths take half the time of zlib's search, and no more bytes.
    Image.fromarray(np.asarray(grey)).save(buffer, "PNG", compress_type=zlib.Z_RLE)
    with output_errors(folder):
        (folder / row["file"]).write_bytes(buffer.getvalue())
    return {**row, "sha256": hashlib.sha256(buffer.getvalue()).hexdigest()}


def finish(folder, name, rows, about):
    """Write what makes a set of a folder of slices: manifest, overview and description.

    Args:
        folder (Path): The folder, with all slices in it.
        name (str): The set's name, for the overview.
        rows (list of dict): One a slice, from :func:`write_slice`; the split is added here.
        about (dict): Where the set comes from: ``made_from`` (in words), ``size``, ``settings``, ``sources``,
            ``left_out`` and more.

    Returns:
        dict: The content of ``dataset.json``.

    Raises:
        OutputError: If it cannot be written.
    """
    names, settings = sorted({row["subject"] for row in rows}), about["settings"]
    apart = held_out(names, settings["split"], settings["split_seed"]) if settings["split"] else set()
    rows = sorted(rows, key=lambda row: (row["subject"], row["slice"]))
    rows = [{**row, "split": "held-out" if row["subject"] in apart else "train"} for row in rows]
    of_subject = {subject: [row for row in rows if row["subject"] == subject] for subject in names}
    middles = [of[len(of) // 2] for of in of_subject.values()]
    heading = [name, about["made_from"], f"{count(len(rows), 'slice')} of {count(len(names), 'subject')}"]
    tiles = [(f"{row['subject']}, slice {row['slice']}", folder / row["file"], row["split"] == "held-out")
             for row in middles]
    sides_known = all(row["orientation"] for row in rows)
    contents = {MANIFEST: encode_manifest(rows), OVERVIEW: make_overview(heading, tiles, sides_known)}
    description = {
        "format": FORMAT,
        "version": VERSION,
        "slices": len(rows),
        "subjects": len(names),
        "held_out_subjects": len(apart),
        "slices_without_brain": sum(row["brain_pixels"] == 0 for row in rows),
        "orientations": dict(sorted(Counter(row["orientation"] for row in middles).items())),
        **about,
        "versions": {"python": platform.python_version(), "numpy": np.__version__, "nibabel": nibabel.__version__,
                     "pillow": PIL.__version__, "zlib": zlib.ZLIB_RUNTIME_VERSION},
        "files": {file: hashlib.sha256(content).hexdigest() for file, content in contents.items()},
    }
    # What of a path is not text becomes an escape of JSON, from which reading makes the same path.
    contents[DATASET] = (json.dumps(description, indent=2, ensure_ascii=False) + "\n").encode(errors="backslashreplace")
    with output_errors(folder):
        for file, content in contents.items():
            (folder / file).write_bytes(content)
    return description


def encode_manifest(rows):
    """Rows as CSV.

    Args:
        rows (list of dict): One a slice, with the keys of :data:`COLUMNS`; empty text where a value is not known.

    Returns:
        bytes: UTF-8, header first.
    """
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, COLUMNS, lineterminator="\n")
    writer.writeheader()
    writer.writerows({**row, "subject": as_text(row["subject"]), "source": as_text(row["source"])} for row in rows)
    return text.getvalue().encode(errors="backslashreplace")


def read_manifest(path):
    """Read a manifest.

    Args:
        path (Path): ``manifest.csv`` of a set.

    Returns:
        list of dict: Its rows, all values text.

    Raises:
        DataError: If it cannot be read or is not a manifest.
    """
    try:
        with open_regular(path) as file, io.TextIOWrapper(file, encoding="utf-8", newline="") as text:
            reader = csv.DictReader(text)
            rows, columns = list(reader), tuple(reader.fieldnames or ())
    except OSError as error:
        raise DataError(path, f"cannot read ({reason_of(error)})", _REMEDY) from error
    except (UnicodeDecodeError, csv.Error) as error:
        raise DataError(path, f"this is not a table ({error})", _REMEDY) from error
    if columns != COLUMNS or any(None in row or None in row.values() for row in rows):
        raise DataError(path, "its columns are not those of a manifest", _REMEDY)
    return rows


def read_description(folder):
    """Read ``dataset.json``.

    Args:
        folder (Path): A slice set.

    Returns:
        dict: Its content, with the keys of :data:`_KEYS` at least.

    Raises:
        DataError: If the folder is not a slice set.
    """
    path = folder / DATASET
    if not folder.is_dir():
        raise DataError(folder, "there is no such folder", "give the folder of a slice set")
    if not os.path.lexists(path):
        raise DataError(folder, f"it has no {DATASET}: this is not a slice set", "give the --out of a build")
    with open_regular(path) as file:
        try:
            description = json.loads(file.read())
        except OSError as error:
            raise DataError(path, f"cannot read ({reason_of(error)})", "check the disk") from error
        except (ValueError, RecursionError) as error:
            raise DataError(path, f"this is not JSON ({error})", _REMEDY) from error
    if not isinstance(description, dict) or description.get("format") != FORMAT:
        raise DataError(path, "it does not describe a slice set", _REMEDY)
    if description.get("version") != VERSION:
        raise DataError(path, f"it is of version {description.get('version')}, this is version {VERSION}", _REMEDY)
    for key, kind in _KEYS.items():
        if not isinstance(description.get(key), kind):
            raise DataError(path, f"its {key!r} is missing or damaged", _REMEDY)
    for entry in ({"": description["files"]} | description["sources"]).values():
        if not isinstance(entry, dict) or not all(isinstance(value, str) for value in entry.values()):
            raise DataError(path, f"it says {json.dumps(entry)[:80]} of a file (damaged?)", _REMEDY)
    return description


def check_set(folder):
    """Compare a slice set with what was written.

    Args:
        folder (Path): The set.

    Returns:
        list of str: One line for each missing, changed or foreign file; empty if all is well.

    Raises:
        DataError: If the folder is not a slice set, or its manifest cannot be read.
    """
    expected, problems = dict(read_description(folder)["files"]), []
    table = folder / MANIFEST
    for row in read_manifest(table) if table.exists() else ():
        if not is_slice_name(row["file"]) or os.path.basename(row["file"]) != row["file"]:
            problems.append(f"{MANIFEST}: {row['file']!r} is not the name of a slice")
        else:
            expected[row["file"]] = row["sha256"]
    there = set(os.listdir(folder)) - {DATASET}
    problems.extend(_difference(folder / file, expected[file], file in there) for file in sorted(expected))
    problems.extend(f"{file}{_FOREIGN}" for file in sorted(there - set(expected)))
    return list(filter(None, problems))


def remedy_of(problems):
    """What to do about a set that is no longer what was written.

    Args:
        problems (list of str): From :func:`check_set`; at least one.

    Returns:
        str: Words for the end of a message.
    """
    if all(problem.endswith(_FOREIGN) for problem in problems):
        return "move away what is not part of it"
    return "use --overwrite to build it again"


def _difference(path, digest, there):
    """What is wrong with one file, in a line; None if nothing is."""
    if not there:
        return f"{path.name}: missing"
    try:
        return None if sha256_of(path) == digest else f"{path.name}: changed"
    except DataError as error:
        return f"{path.name}: {error.args[1]}"


def changed_sources(sources, root):
    """Compare the files that a set was made from with those that are there now.

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


def find_existing(out, settings, root, overwrite):
    """The set that a build asks for, if it is there already and nothing of it has changed.

    Args:
        out (Path): Its place.
        settings (dict): Settings asked for.
        root (Path): Where the set is made from.
        overwrite (bool): Whether another set that is there may be replaced.

    Returns:
        dict or None: Its description; None if it is to be made.

    Raises:
        DataError: If something else is there that may not be replaced.
    """
    if os.path.lexists(out) and not out.is_dir():
        raise DataError(out, "this is a file, not a folder", "choose another --out")
    there = sorted(os.listdir(out)) if out.exists() else []
    if not there:
        return None
    if DATASET not in there:
        raise DataError(out, f"this folder is not empty and not a slice set (it has {there[0]})",
                        "choose another --out")
    try:
        description = read_description(out)
        if description["settings"] != settings:
            raise DataError(out, f"it holds a set with {_other_settings(description['settings'], settings)}",
                            "use --overwrite to replace it, or another --out")
        problems = check_set(out) + changed_sources(description["sources"], root)
        if not problems:
            return description
        more = f", and {len(problems) - 1} more" if len(problems) > 1 else ""
        raise DataError(out, f"the set is no longer what was written ({problems[0]}{more})", remedy_of(problems))
    except DataError:
        if not overwrite:
            raise
    for name in there:
        if not is_slice_name(name) and name not in (MANIFEST, OVERVIEW, DATASET):
            raise DataError(out, f"it holds {name}, which is not part of a set and would be lost",
                            "move that away, or choose another --out")
    return None


def hold_out_note(description):
    """What to say of a set of many subjects of which none is held out.

    Args:
        description (dict): What :func:`finish` gave.

    Returns:
        list of str: One note, or none.
    """
    if description["held_out_subjects"] or description["subjects"] <= _MANY_SUBJECTS:
        return []
    return [f"all {description['subjects']} subjects are for training; with --split 0.2 --overwrite a fifth of them is "
            "held out, and generated images can be compared with brains that training never saw"]


def _other_settings(before, now):
    """The first difference between the settings of a set and those asked for, in words."""
    for key in now:
        if before.get(key) == now[key]:
            continue
        if key in ("subjects", "files"):
            return f"other {key} ({len(before.get(key) or [])}, now {len(now[key])})"
        return f"other settings ({key.replace('_', ' ')}: {json.dumps(before.get(key))}, now {json.dumps(now[key])})"
    return "other settings"
