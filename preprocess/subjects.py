"""Which files are a subject (BraTS 2018 and later, Decathlon Task01, plain folders), and which subjects are taken."""

import hashlib
import os
import re
from dataclasses import dataclass, replace
from pathlib import Path

from preprocess.errors import DataError, UsageError, reason_of
from preprocess.files import broken_link

PAPER_SUBJECTS = "001-015"
# In the names of slices, as this package and the paper's released code write them.
SUBJECT_PATTERN = r"(.+)_img_\d+"
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
# The longest name of a file is 255 bytes nearly everywhere; "_img_00000.png" is added.
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
        named (bool): Whether the user asked for it by its name, and so for its slices even if it looks like a mask.
    """

    name: str
    volume: Path
    seg: Path | None = None
    channel: int | None = None
    problem: DataError | None = None
    named: bool = False


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


def _walk(folder, above=()):
    """Every folder under a folder with its NIfTI files and the links in it that cannot be followed; sorted."""
    try:
        entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
    except OSError as error:
        raise DataError(folder, f"cannot read this folder ({reason_of(error)})", "check its permissions") from error
    above = (*above, Path(os.path.realpath(folder)))
    files, folders, broken = [], [], []
    for entry in entries:
        path, is_nifti = Path(entry.path), split_name(entry.name) is not None
        if entry.name.startswith("."):
            continue
        # Some unpackers make a folder of a file's name; one without a volume in it is reported when it is loaded.
        if path.is_dir() and (not is_nifti or any(path.glob("*.nii*"))):
            circle = entry.is_symlink() and any(one.is_relative_to(os.path.realpath(path)) for one in above)
            (broken if circle else folders).append(path)
        elif is_nifti:
            files.append(path)
        elif not path.suffix and entry.is_symlink() and not path.exists():
            broken.append(path)
    yield folder, files, broken
    for path in folders:
        yield from _walk(path, above)


def _decathlon(folder, files, modality):
    """Subjects of a Decathlon ``imagesTr`` or ``imagesTs`` folder."""
    labels = folder.parent / folder.name.replace("images", "labels")
    for path in files:
        stem, _ = split_name(path.name)
        seg = labels / path.name
        yield Subject(stem, path, seg if os.path.lexists(seg) else None, _DECATHLON_CHANNELS[modality])


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


def _broken(path):
    """A link that cannot be followed, as the subject that it would have been."""
    return Subject(path.name, path, problem=DataError(
        path, broken_link(path), f"mend or remove it, or use --skip {path.name}"))


def _check_names(subjects):
    """One subject a name, marked if it cannot be told from another or be named."""
    by_name = {}
    for subject in subjects:
        by_name.setdefault(subject.name, []).append(subject)
    for name, group in sorted(by_name.items()):
        subject = next((one for one in group if one.problem), group[0])
        problem = subject.problem
        # The same file under two links is one subject.
        if len({os.path.realpath(one.volume) for one in group}) > 1 and not problem:
            others = " and ".join(str(other.volume) for other in group[1:])
            problem = DataError(subject.volume, f"subject {name} was found again in {others}",
                                f"remove all but one, or use --skip {name}")
        if not name.isprintable() or len(name.encode(errors="replace")) > _LONGEST_NAME:
            problem = DataError(ascii(str(subject.volume)), "its name cannot be used for the slices (characters that "
                                f"cannot be printed, or over {_LONGEST_NAME} bytes)", "rename the file")
        yield replace(subject, problem=problem)


def find_subjects(root, modality="flair"):
    """Find every subject under a folder. Links are followed, wherever they lead.

    Args:
        root (Path): The data set as unpacked, or any folder above or inside it; also a plain folder of NIfTI files.
        modality (str): One of :data:`MODALITIES`.

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
    for folder, files, broken in _walk(root):
        if folder.name in ("labelsTr", "labelsTs"):
            continue
        subjects.extend(_broken(path) for path in broken)
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
                        "give the folder of the unpacked data set, or another --modality")
    return list(_check_names(subjects))


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


def _matches(part, subjects, option):
    """The subjects that one part of a list names, and the wanted numbers that no subject has."""
    if part in subjects:
        return [part], []
    span = re.fullmatch(r"(\d{1,6})-(\d{1,6})", part)
    single = re.fullmatch(r"\d{1,6}", part)
    if not span and not single:
        return [], [part]
    first, last = (span[1], span[2]) if span else (part, part)
    if int(last) < int(first):
        raise UsageError(f"{option} {part}: the range ends before it begins")
    numbers = {}
    for subject in subjects:
        numbers.setdefault(number_of(subject), []).append(subject)
    wanted = range(int(first), int(last) + 1)
    chosen = [subject for number in wanted for subject in numbers.get(number, [])]
    return chosen, [str(number).zfill(len(first)) for number in wanted if number not in numbers]


def shorten(names, most=8):
    """A list of names in a message.

    Args:
        names (list of str): The names.
        most (int): How many to give at most.

    Returns:
        str: The names, with an ellipsis for those in the middle.
    """
    names = list(names)
    return ", ".join(names if len(names) <= most else [*names[: most - 2], "…", names[-1]])


def unused_skips(skip, subjects):
    """Parts of ``--skip`` that name no subject: a typing error there would let a subject in.

    Args:
        skip (str or None): ``--skip``.
        subjects (list of str): All subjects found.

    Returns:
        list of str: The parts.
    """
    parts = [part.strip() for part in (skip or "").split(",") if part.strip()]
    return [part for part in parts if not _matches(part, subjects, "--skip")[0]]


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
        left_out.update(_matches(part.strip(), subjects, "--skip")[0])
    remaining = [subject for subject in subjects if subject not in left_out]
    found = f"{len(subjects)} found: {shorten(subjects)}"
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
        matched, absent = _matches(part, subjects, "--subjects")
        chosen.update(matched)
        missing.extend(absent)
    if not chosen and not missing:
        raise UsageError("--subjects is empty: give a range such as 001-015, IDs, first:15 or all")
    error = None
    if missing:
        error = DataError(folder, f"no subject {shorten(missing)}; {found}", "name others with --subjects, or all")
    return sorted(chosen - left_out), error


def patient_of(subject):
    """The patient of a subject: visits of one patient must not be divided.

    Args:
        subject (str): A subject, such as ``BraTS-GLI-00005-001`` (second visit of patient 5).

    Returns:
        str: ``BraTS-GLI-00005`` for that; other names as they are.
    """
    match = re.fullmatch(r"(BraTS-[A-Z]+-\d+)-\d+", subject, re.IGNORECASE)
    return match[1] if match else subject


def held_out(subjects, fraction, seed):
    """Choose the held-out subjects.

    Each patient's place depends on its name and the seed alone, so that adding patients moves few of them.

    Args:
        subjects (list of str): All subjects.
        fraction (float): Part of the patients to hold out, 0 to 1.
        seed (int): Another seed gives another choice.

    Returns:
        set of str: The held-out subjects; at least one patient's, and at least one patient is left for training.
    """
    patients = {patient_of(subject) for subject in subjects}
    ordered = sorted(patients, key=lambda patient: hashlib.sha256(f"{seed}/{patient}".encode()).digest())
    count = min(max(1, round(len(ordered) * fraction)), len(ordered) - 1)
    chosen = set(ordered[:count])
    return {subject for subject in subjects if patient_of(subject) in chosen}
