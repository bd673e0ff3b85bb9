"""From a folder of PNG slices that somebody made before to a slice set."""

import re
import struct
from collections import defaultdict

import numpy as np
from PIL import Image

from preprocess import slice_set
from preprocess.build import Outcome
from preprocess.errors import DataError, PreprocessError, UsageError, count
from preprocess.files import built_beside, open_regular, sha256_of
from preprocess.pool import default_workers, run_all
from preprocess.subjects import SUBJECT_PATTERN, patient_of, shorten

_MAX_SIDE = 4096
# Of PNG's kinds of colour those without transparency and palette.
_GREY, _RGB = 0, 2


def import_pictures(folder, out, pattern=SUBJECT_PATTERN, split=None, split_seed=0, overwrite=False, title=None):
    """Make a slice set of the PNGs of a folder.

    Args:
        folder (Path): The PNGs, all square, of one size, 8-bit grey or RGB without colour.
        out (Path): The folder of the set.
        pattern (str): Regular expression that finds the subject in a file's name (without ``.png``): its first group,
            or all of it if it has none. Files in whose name it is not found are subjects of their own.
        split (float or None): Fraction of the subjects to hold out.
        split_seed (int): Seed of that choice.
        overwrite (bool): Whether another set that is there may be replaced.
        title (str or None): Title of a progress bar; None for no bar.

    Returns:
        Outcome: What was made.

    Raises:
        PreprocessError: If it cannot be made; nothing is left behind then.
    """
    if not folder.is_dir():
        raise DataError(folder, "there is no such folder", "give the folder of the PNGs")
    files = sorted(path for path in folder.iterdir() if path.suffix.lower() == ".png" and not path.name.startswith("."))
    if not files:
        raise DataError(folder, "there is no .png file in it", "give the folder of the PNGs")
    subjects, alone = _subjects(files, pattern)
    if split and len({patient_of(name) for name in subjects}) < 2:
        raise UsageError("--split needs at least two subjects")
    settings = {"subject_pattern": pattern, "subjects": sorted(subjects), "files": [path.name for path in files],
                "split": split, "split_seed": split_seed if split else None}
    description = slice_set.find_existing(out, settings, folder, overwrite)
    already = description is not None
    if not already:
        with built_beside(out) as work:
            rows, size = [], len(read_picture(files[0]))
            tasks = {subject: (subject, of, size, work) for subject, of in subjects.items()}
            for _, result in run_all(_import_subject, tasks, default_workers(), title):
                if isinstance(result, PreprocessError):
                    raise result
                rows += result
            description = slice_set.finish(work, out.resolve().name, rows, {
                "made_from": "PNG files", "brats": str(folder), "size": size, "settings": settings, "left_out": {},
                "sources": {row["source"]: {"volume": row["source"], "sha256": row["source_sha256"]} for row in rows}})
    notes = [] if already else slice_set.hold_out_note(description)
    if alone:
        notes.append(f"{count(len(alone), 'file')} without a subject in the name ({shorten(alone, 4)}): each counts as "
                     "a subject of its own, and a held-out part may show brains of the training part; name the "
                     "subjects with --subject-pattern")
    return Outcome(out, description["slices"], description["subjects"], {}, notes, already)


def _subjects(files, pattern):
    """Files of each subject, and the names of those that are a subject of their own."""
    try:
        pattern = re.compile(pattern)
    except re.error as error:
        raise UsageError(f"--subject-pattern {pattern}: not a regular expression ({error})") from None
    subjects, alone = defaultdict(list), []
    for path in files:
        match = pattern.search(path.stem)
        name = match and match[1 if pattern.groups else 0]
        if not name:
            alone.append(path.name)
        subjects[name or path.stem].append(path)
        if not (name or path.stem).isprintable():
            raise DataError(ascii(str(path)), "its name has characters that cannot be printed", "rename the file")
    return subjects, alone


def _import_subject(subject, files, size, folder):
    """Write the slices of one subject; gives their rows."""
    return [slice_set.write_slice(folder, dict.fromkeys(slice_set.COLUMNS, "") | {
        "file": slice_set.file_name(subject, index), "subject": subject, "slice": index, "source": path.name,
        "source_sha256": sha256_of(path)}, read_picture(path, size)) for index, path in _numbered(files)]


def _numbered(files):
    """Files with the slice that each shows: the last number in its name, if that tells them apart, else its place."""
    numbers = [re.search(r"(\d{1,9})\D*$", path.stem) for path in files]
    indices = [int(match[1]) if match else None for match in numbers]
    if None in indices or len(set(indices)) < len(files):
        indices = range(len(files))
    return zip(indices, files, strict=True)


def read_picture(path, size=None):
    """Read one picture. Its size and depth are checked before its pixels are read.

    Args:
        path (Path): A PNG file.
        size (int or None): Side that it must have; None for any.

    Returns:
        numpy.ndarray: (row, column), uint8 grey.

    Raises:
        DataError: If it is not a square PNG of 8-bit grey, or of RGB with three equal channels.
    """
    with open_regular(path) as file:
        head = file.read(26)
        if len(head) < 26 or not head.startswith(b"\x89PNG\r\n\x1a\n"):
            raise DataError(path, "this is not a PNG file", "save it as PNG, or take it out of the folder")
        width, height, depth, colour = struct.unpack(">IIBB", head[16:])
        if width != height or not 8 <= width <= _MAX_SIDE or (size and width != size):
            wanted = f"{size}×{size} as the others" if size else f"square, from 8 to {_MAX_SIDE} pixels wide"
            raise DataError(path, f"it is {width}×{height}, not {wanted}", "resize it, or take it out of the folder")
        if depth != 8 or colour not in (_GREY, _RGB):
            kind = {0: "grey", 2: "RGB", 3: "palette", 4: "grey with transparency", 6: "RGB with transparency"}
            raise DataError(path, f"it is {depth}-bit {kind.get(colour, 'of unknown colour')}, not 8-bit grey or RGB",
                            "save it as 8-bit grey")
        file.seek(0)
        try:
            with Image.open(file, formats=["PNG"]) as image:
                pixels = np.asarray(image)
        except (OSError, SyntaxError, ValueError, struct.error) as error:
            raise DataError(path, f"cannot read its pixels ({error})", "copy it again, or take it out") from error
    if pixels.ndim == 3:
        if (pixels != pixels[..., :1]).any():
            raise DataError(path, "it is coloured, not grey", "save it as 8-bit grey, or take it out of the folder")
        pixels = pixels[..., 0]
    return np.ascontiguousarray(pixels)
