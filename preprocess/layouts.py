"""Finding the subjects of a data folder: BraTS 2018 and later, Decathlon Task01, plain folders."""

import os
import re
from dataclasses import dataclass, replace
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
_ANY_SUFFIX = "|".join(suffix for group in (*_SUFFIXES.values(), _LABELS) for suffix in group)
_SUFFIX = re.compile(rf"(?:^|[_-])({_ANY_SUFFIX})$", re.IGNORECASE)
# The longest name of a file is 255 bytes nearly everywhere; "_img_00000.png" and ".record.json" are added.
_LONGEST_NAME = 230
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
        tuple or None: Stem without modality (empty for names such as ``flair.nii.gz``), and the modality or label
        suffix in lower case (or None); None if the file is not NIfTI by its name.
    """
    match = _EXTENSION.search(name)
    if not match or name.startswith("."):
        return None
    stem = name[: match.start()]
    suffix = _SUFFIX.search(stem)
    return (stem[: suffix.start()].rstrip("_-"), suffix[1].lower()) if suffix else (stem, None)


def _leads_out(entry, root):
    return entry.is_symlink() and not Path(os.path.realpath(entry.path)).is_relative_to(root)


def _walk(folder, root, follow_links, above=()):
    """Every folder under a folder, with its NIfTI files and the links in it that lead out of the root; sorted."""
    try:
        entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
    except OSError as error:
        raise DataError(folder, f"cannot read this folder ({reason_of(error)})", "check its permissions") from error
    files, folders, outward = [], [], []
    for entry in entries:
        path = Path(entry.path)
        is_folder, is_nifti = path.is_dir(), split_name(entry.name) is not None
        if entry.name.startswith(".") or not (is_folder or is_nifti):
            continue
        if not follow_links and _leads_out(entry, root):
            outward.append(path)
        # Some unpackers make a folder of a file's name; one without a volume in it is reported when it is loaded.
        elif is_folder and (not is_nifti or any(path.glob("*.nii*"))):
            folders.append(path)
        else:
            files.append(path)
    yield folder, files, outward
    above = (*above, os.path.realpath(folder))
    for path in folders:
        if os.path.realpath(path) not in above:
            yield from _walk(path, root, follow_links, above)


def _decathlon(folder, files, modality):
    """Subjects of a Decathlon ``imagesTr`` or ``imagesTs`` folder."""
    labels = folder.parent / folder.name.replace("images", "labels")
    for path in files:
        stem, _ = split_name(path.name)
        seg = labels / path.name
        yield Subject(stem, path, seg if seg.exists() else None, _DECATHLON_CHANNELS[modality])


def _subjects_of(files, modality):
    """Subjects of one folder: files that say they are of this modality, and files that say nothing."""
    parts = {path: split_name(path.name) for path in files}
    labels = {stem: path for path, (stem, suffix) in parts.items() if suffix in ("seg", "segm")}
    named = {stem: path for path, (stem, suffix) in parts.items() if suffix in _SUFFIXES[modality]}
    for path, (stem, suffix) in parts.items():
        if suffix in _SUFFIXES[modality]:
            seg = labels.get(stem)
            if seg is None and len(labels) == len(named) == 1:
                seg = next(iter(labels.values()))
            yield Subject(stem or path.parent.name, path, seg)
        # Beside P1_flair, P1_adc is another sequence of the same subject, and P2 another subject.
        elif suffix is None and not any(stem.startswith((f"{other}_", f"{other}-")) for other in named):
            yield Subject(stem, path, labels.get(stem))


def _outward(path, modality):
    """A link that leads out of the data folder, as the subject that it would have been; None if it is another file."""
    stem, suffix = split_name(path.name) or (path.name, None)
    if suffix is not None and suffix not in (*_SUFFIXES[modality], "seg", "segm"):
        return None
    problem = DataError(path, f"this link leads out of the folder, to {os.path.realpath(path)}",
                        "copy the file, or allow it with --follow-links")  # fmt: skip
    return Subject(stem or path.parent.name, path, problem=problem)


def _check_names(subjects):
    """One subject a name, marked if it cannot be told from another or be named."""
    by_name = {}
    for subject in subjects:
        by_name.setdefault(subject.name, []).append(subject)
    for name, group in sorted(by_name.items()):
        subject = next((one for one in group if one.problem), group[0])
        problem = subject.problem
        if len(group) > 1 and not problem:
            others = " and ".join(str(other.volume) for other in group[1:])
            problem = DataError(subject.volume, f"subject {name} was found again in {others}",
                                f"remove all but one, or use --skip {name}")  # fmt: skip
        if not name.isprintable() or len(name.encode(errors="replace")) > _LONGEST_NAME:
            problem = DataError(ascii(str(subject.volume)), "its name cannot be used for the slices (characters that "
                                f"cannot be printed, or over {_LONGEST_NAME} bytes)", "rename the file")  # fmt: skip
        yield replace(subject, problem=problem)


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
    subjects, others = [], set()
    for folder, files, outward in _walk(root, Path(os.path.realpath(root)), follow_links):
        if folder.name in ("labelsTr", "labelsTs"):
            continue
        subjects.extend(filter(None, (_outward(path, modality) for path in outward)))
        if folder.name in ("imagesTr", "imagesTs") and any(_DECATHLON.match(split_name(f.name)[0]) for f in files):
            subjects.extend(_decathlon(folder, files, modality))
            continue
        others.update(filter(None, (split_name(path.name)[1] for path in files)))
        subjects.extend(_subjects_of(files, modality))
    if not subjects:
        found = "there is no .nii, .nii.gz or .hdr file"
        if others:
            found = f"files of {', '.join(sorted(others))} were found"
        raise DataError(root, f"no {modality} volume in it: {found}",
                        "give the folder of the unpacked data set, or another --modality")  # fmt: skip
    return list(_check_names(subjects))
