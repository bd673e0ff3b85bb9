"""Finding the subjects of a data folder: BraTS 2018 and later, Decathlon Task01, plain folders."""

import os
import re
from dataclasses import dataclass
from pathlib import Path

from preprocess.errors import DataError, reason_of

MODALITIES = ("flair", "t1", "t1ce", "t2")
# Suffixes of BraTS up to 2021 (and the spellings of its sister data sets), then those of BraTS 2023 and later.
_SUFFIXES = {
    "flair": ("flair", "t2f"),
    "t1": ("t1", "t1n"),
    "t1ce": ("t1ce", "t1c", "t1gd"),
    "t2": ("t2", "t2w"),
}
# One subject of BraTS 2020 (355) names its labels "…_Segm".
_LABELS = ("seg", "segm", "label", "mask")
_EXTENSION = re.compile(r"\.(nii|nii\.gz|hdr|hdr\.gz)$", re.IGNORECASE)
_SUFFIX = re.compile(rf"[_-]({'|'.join(s for group in [*_SUFFIXES.values(), _LABELS] for s in group)})$", re.IGNORECASE)
_DECATHLON = re.compile(r"BRATS_\d+$")
_DECATHLON_CHANNELS = {"flair": 0, "t1": 1, "t1ce": 2, "t2": 3}


@dataclass(frozen=True)
class Subject:
    """One subject's files.

    Attributes:
        name (str): Its name, as the data set has it.
        volume (Path): The file with the chosen modality.
        seg (Path or None): Its tumour labels.
        channel (int or None): Which volume of a 4-D file, where the data set says so.
        problem (DataError or None): Why it cannot be used.
    """

    name: str
    volume: Path
    seg: Path | None = None
    channel: int | None = None
    problem: DataError | None = None


def split_name(name):
    """Take a file name apart.

    Args:
        name (str): File name.

    Returns:
        tuple or None: Stem without modality, and the modality or label suffix in lower case (or None); None if the file
        is not NIfTI by its name.
    """
    match = _EXTENSION.search(name)
    if not match or name.startswith("."):
        return None
    stem = name[: match.start()]
    suffix = _SUFFIX.search(stem)
    return (stem[: suffix.start()], suffix[1].lower()) if suffix and suffix.start() else (stem, None)


def _walk(folder, root, problems, follow_links):
    """Folders under a folder with their NIfTI files, sorted; what leads out of the root goes to ``problems``."""
    try:
        entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
    except OSError as error:
        raise DataError(folder, f"cannot read this folder ({reason_of(error)})", "check its permissions") from error
    files, folders = [], []
    for entry in entries:
        if entry.name.startswith("."):
            continue
        path = Path(entry.path)
        named_nifti = split_name(entry.name) is not None
        if entry.is_symlink() and not follow_links and not path.resolve().is_relative_to(root):
            if named_nifti or path.is_dir():
                problems[path] = DataError(path, f"this link leads out of the folder, to {path.resolve()}",
                                           "copy the file, or allow it with --follow-links")  # fmt: skip
            if not named_nifti:
                continue
        if named_nifti:
            # A folder of that name is somebody's unpacking gone wrong; it is reported when it is loaded.
            if not entry.is_dir() or not any(split_name(name) for name in os.listdir(path)):
                files.append(path)
                continue
            folders.append(path)
        elif entry.is_dir():
            folders.append(path)
    yield folder, files
    for path in folders:
        if path.is_symlink() and folder.resolve().is_relative_to(path.resolve()):
            continue
        yield from _walk(path, root, problems, follow_links)


def _decathlon(folder, files, modality):
    """Subjects of a Decathlon ``imagesTr`` or ``imagesTs`` folder."""
    labels = folder.parent / folder.name.replace("images", "labels")
    for path in files:
        stem, _ = split_name(path.name)
        seg = labels / path.name
        yield Subject(stem, path, seg if seg.exists() else None, _DECATHLON_CHANNELS[modality])


def _with_suffix(files, modality):
    """Subjects of a folder whose files say their modality."""
    parts = {path: split_name(path.name) for path in files}
    labels = {stem: path for path, (stem, suffix) in parts.items() if suffix in ("seg", "segm")}
    for path, (stem, suffix) in parts.items():
        if suffix in _SUFFIXES[modality]:
            seg = labels.get(stem)
            if seg is None and len(labels) == 1 and sum(part[1] == suffix for part in parts.values()) == 1:
                seg = next(iter(labels.values()))
            yield Subject(stem, path, seg)


def _plain(files):
    """Subjects of a folder whose files do not say their modality: all that are not something else by name."""
    parts = {path: split_name(path.name) for path in files}
    labels = {stem: path for path, (stem, suffix) in parts.items() if suffix in ("seg", "segm")}
    for path, (stem, suffix) in parts.items():
        if suffix is None:
            yield Subject(stem, path, labels.get(stem))


def _check_names(subjects, problems):
    """Mark subjects that cannot be told apart or named."""
    by_name = {}
    for subject in subjects:
        by_name.setdefault(subject.name, []).append(subject)
    for name, group in sorted(by_name.items()):
        subject = group[0]
        problem = problems.get(subject.volume) or problems.get(subject.seg)
        if len(group) > 1:
            others = " and ".join(str(other.volume) for other in group[1:])
            problem = DataError(subject.volume, f"subject {name} was found again in {others}",
                                f"remove all but one, or use --skip {name}")  # fmt: skip
        if not name.isprintable():
            problem = DataError(repr(str(subject.volume)), "its name has characters that cannot be printed",
                                "rename the file")  # fmt: skip
        yield Subject(name, subject.volume, subject.seg, subject.channel, problem)


def find_subjects(root, modality="flair", follow_links=False):
    """Find every subject under a folder.

    Args:
        root (Path): The data set as unpacked, or any folder above or inside it; also a plain folder of NIfTI files.
        modality (str): One of :data:`MODALITIES`.
        follow_links (bool): Whether links may lead out of the folder.

    Returns:
        list of Subject: Sorted by name; never empty.

    Raises:
        DataError: If the folder does not exist or holds no volume of this modality.
    """
    root = Path(root)
    if not root.is_dir():
        what = "this is not a folder" if root.exists() else "there is no such folder"
        raise DataError(root, what, "give the folder of the unpacked data set with --brats")
    subjects, problems, others = [], {}, set()
    for folder, files in _walk(root, root.resolve(), problems, follow_links):
        if folder.name in ("labelsTr", "labelsTs"):
            continue
        if folder.name in ("imagesTr", "imagesTs") and any(_DECATHLON.match(split_name(f.name)[0]) for f in files):
            subjects.extend(_decathlon(folder, files, modality))
            continue
        suffixes = {split_name(path.name)[1] for path in files}
        others |= suffixes - {None}
        named = suffixes.intersection(_SUFFIXES[modality])
        subjects.extend(_with_suffix(files, modality) if named else _plain(files))
    if not subjects:
        if problems:
            raise next(iter(problems.values()))
        found = "there is no .nii, .nii.gz or .hdr file"
        if others:
            found = f"files of {', '.join(sorted(others))} were found"
        raise DataError(root, f"no {modality} volume in it: {found}",
                        "give the folder of the unpacked data set, or another --modality")  # fmt: skip
    return list(_check_names(subjects, problems))
