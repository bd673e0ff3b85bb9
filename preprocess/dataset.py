"""Writing a slice set: parallel, all or nothing, and able to go on after it was killed."""

import hashlib
import json
import os
import shutil
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from preprocess import manifest
from preprocess.errors import DataError, OutputError, PreprocessError, UsageError
from preprocess.layouts import find_subjects
from preprocess.overview import make_overview
from preprocess.pool import run_all
from preprocess.selection import PAPER_SUBJECTS, select_subjects
from preprocess.split import held_out, patient_of
from preprocess.storage import WORK_NAME, exclusive, output_errors, sync_folder, to_json, write_atomically
from preprocess.streams import sha256_of
from preprocess.subject import Settings, load_subject, make_slices
from preprocess.verify import changed_sources, check_set, is_slice_name
from preprocess.versions import versions

DATASET = manifest.DATASET
FORMAT = "slice set"
VERSION = 1
# The finished description waits under this name while the bookkeeping is removed; renaming it makes the set.
_READY = ".dataset.json.ready"


@dataclass(frozen=True)
class Plan:
    """What one ``build`` is asked to do.

    Attributes:
        brats (Path): The data folder.
        out (Path): The folder of the set.
        subjects (str): ``--subjects``.
        skip (str or None): ``--skip``.
        settings (Settings): How slices are made.
        split (float or None): Fraction of the subjects to hold out.
        split_seed (int): Seed of that choice.
        follow_links (bool): Whether links may lead out of the data folder.
        workers (int): Processes to use.
        keep_going (bool): Whether to finish the set without the subjects that fail.
        overwrite (bool): Whether an existing set with other settings may be replaced.
    """

    brats: Path
    out: Path
    subjects: str = PAPER_SUBJECTS
    skip: str | None = None
    settings: Settings = field(default_factory=Settings)
    split: float | None = None
    split_seed: int = 0
    follow_links: bool = False
    workers: int = 1
    keep_going: bool = False
    overwrite: bool = False


@dataclass
class Outcome:
    """What came of a ``build``.

    Attributes:
        out (Path): The folder of the set.
        slices (int): Slices in it.
        subjects (int): Subjects in it.
        left_out (dict): Subjects that were asked for and are not in it, with the reason.
        notes (list of str): What the user should know.
        already (bool): Whether the set was complete before.
    """

    out: Path
    slices: int
    subjects: int
    left_out: dict
    notes: list
    already: bool = False


def _asked(plan, names):
    """The settings in JSON: two builds with the same are the same set."""
    settings = plan.settings
    return {
        "modality": settings.modality,
        "subjects": names,
        "slices": {"kind": settings.slices.kind, "ranges": [list(pair) for pair in settings.slices.ranges],
                   "min_tumour_pixels": settings.slices.least if settings.slices.kind == "tumour" else None},
        "window_percentiles": list(settings.window_percent) if settings.window_percent else None,
        "window_raw": list(settings.window_raw) if settings.window_raw else None,
        "size": settings.size,
        "orientation": settings.orientation,
        "channel": settings.channel,
        "split": plan.split,
        "split_seed": plan.split_seed if plan.split else None,
    }  # fmt: skip


def _build_subject(subject, settings, root, out):
    """Write the slices of one subject and its record; runs in a worker."""
    work = out / WORK_NAME
    loaded = load_subject(subject, settings, root)
    rows = []
    for row, png in make_slices(loaded, settings):
        write_atomically(out / row["file"], png, work)
        rows.append({**row, "sha256": hashlib.sha256(png).hexdigest()})
    record = {"rows": rows, "sources": loaded.sources}
    write_atomically(work / f"{subject.name}.json", to_json(record), work)
    return record


def _finished_record(subject, root, out):
    """The record of a subject that an earlier, interrupted run finished; None if it must be done (again)."""
    try:
        record = json.loads((out / WORK_NAME / f"{subject.name}.json").read_bytes())
    except (OSError, ValueError):
        return None
    try:
        whole = all(sha256_of(out / row["file"]) == row["sha256"] for row in record["rows"])
        return record if whole and not changed_sources({subject.name: record["sources"]}, root) else None
    except DataError:
        return None


def _read_json(path):
    try:
        return json.loads(path.read_bytes())
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        raise DataError(path, f"cannot read ({error})", "remove it and build again with --overwrite") from error


def _already_complete(plan, asked):
    """The outcome of an earlier build with the same settings, if it is still as it was written."""
    description = _read_json(plan.out / DATASET)
    if description is None:
        return None
    if description.get("settings") != asked:
        if plan.overwrite:
            return None
        raise DataError(plan.out, f"it holds a set with {_difference(description.get('settings'), asked)}",
                        "use --overwrite to replace it, or another --out")  # fmt: skip
    problems = check_set(plan.out) + changed_sources(description["sources"], plan.brats)
    if problems:
        if plan.overwrite:
            return None
        raise DataError(plan.out, f"the set is no longer what was written ({problems[0]}"
                        f"{f', and {len(problems) - 1} more' if len(problems) > 1 else ''})",
                        "use --overwrite to build it again")  # fmt: skip
    return Outcome(plan.out, description["slices"], description["subjects"], description["left_out"], [], already=True)


def _difference(before, now):
    """Words for how the settings of a set differ from those asked for."""
    for key in now:
        old = (before or {}).get(key)
        if old != now[key]:
            if key == "subjects":
                return f"other subjects ({len(old or [])}, now {len(now[key])})"
            return f"other settings ({key.replace('_', ' ')}: {json.dumps(old)}, now {json.dumps(now[key])})"
    return "settings of another version"


def _prepare(plan, asked):
    """Bring the folder into the state in which subjects can be added; called with the folder held."""
    out, work = plan.out, plan.out / WORK_NAME
    before = _read_json(work / "settings.json") if (work / "settings.json").exists() else _read_json(out / _READY)
    complete = (out / DATASET).exists()
    if before is None and not complete:
        foreign = sorted(name for name in os.listdir(out) if not name.startswith("."))
        if foreign:
            raise DataError(out, f"this folder is not empty and not a slice set (it has {foreign[0]})",
                            "choose another --out")  # fmt: skip
    elif complete or before.get("settings") != asked:
        if not plan.overwrite:
            raise DataError(out, f"it holds an unfinished set with {_difference(before.get('settings'), asked)}",
                            "finish it with its own settings, use --overwrite, or another --out")  # fmt: skip
        # From here on it is no set.
        (out / DATASET).unlink(missing_ok=True)
        _clear(out)
    (out / _READY).unlink(missing_ok=True)
    write_atomically(work / "settings.json", to_json({"settings": asked}), work)


def _clear(out):
    """Remove the files of a set; what is not named as they are stays."""
    for name in os.listdir(out):
        if is_slice_name(name) or name in (manifest.MANIFEST, manifest.OVERVIEW):
            (out / name).unlink()
    for path in (out / WORK_NAME).iterdir():
        if path.name != "lock":
            path.unlink()


def _finish(plan, asked, records, left_out):
    """Write manifest, overview and description; the description's appearance makes the folder a set."""
    out, work = plan.out, plan.out / WORK_NAME
    names = sorted(records)
    apart = held_out(names, plan.split, plan.split_seed) if plan.split else set()
    part = {name: "held-out" if name in apart else "train" for name in names}
    rows = [{**row, "split": part[name]} for name in names for row in records[name]["rows"]]
    table = manifest.encode(rows)
    write_atomically(out / manifest.MANIFEST, table, work)
    middles = [records[name]["rows"][len(records[name]["rows"]) // 2] for name in names]
    picture = make_overview([(f"{row['subject']}  {row['slice']}", out / row["file"]) for row in middles])
    write_atomically(out / manifest.OVERVIEW, picture, work)
    expected = {row["file"] for row in rows}
    for name in os.listdir(out):
        if is_slice_name(name) and name not in expected:
            (out / name).unlink()
    description = {
        "format": FORMAT,
        "version": VERSION,
        "slices": len(rows),
        "size": plan.settings.size,
        "subjects": len(names),
        "held_out_subjects": len(apart),
        "brats": str(plan.brats),
        "settings": asked,
        "left_out": left_out,
        "orientations": dict(sorted(Counter(record["rows"][0]["orientation"] for record in records.values()).items())),
        "versions": versions(),
        "files": {manifest.MANIFEST: hashlib.sha256(table).hexdigest(),
                  manifest.OVERVIEW: hashlib.sha256(picture).hexdigest()},
        "sources": {name: records[name]["sources"] for name in names},
    }  # fmt: skip
    write_atomically(out / _READY, to_json(description), work)
    sync_folder(out)
    shutil.rmtree(work)
    os.replace(out / _READY, out / DATASET)
    sync_folder(out)
    return description


def _notes(description, records):
    """What a user should look at before trusting the set."""
    notes = []
    found = description["orientations"]
    if len(found) > 1:
        listed = ", ".join(f"{code} {count}×" for code, count in found.items())
        rare = min(found, key=found.get)
        names = [name for name in records if records[name]["rows"][0]["orientation"] == rare]
        notes.append(f"the volumes are not all stored in the same orientation: {listed} ({rare}: {names[0]}"
                     f"{', …' if len(names) > 1 else ''}); each was turned by its own header, check them in "
                     f"{manifest.OVERVIEW}")  # fmt: skip
    empty = [row["file"] for record in records.values() for row in record["rows"] if row["brain_pixels"] == 0]
    if empty:
        notes.append(f"{len(empty)} slices show no brain, the first is {empty[0]}; choose others with --slices")
    return notes


def build(plan, progress=None):
    """Make a slice set.

    Args:
        plan (Plan): What to do.
        progress: Called as ``progress(total, done)`` at the start, then with each finished subject's name; optional.

    Returns:
        Outcome: What was made.

    Raises:
        PreprocessError: If it cannot be made; what was done so far is kept for the next run, and is no set.
    """
    subjects = find_subjects(plan.brats, plan.settings.modality, plan.follow_links)
    names, missing = select_subjects(plan.subjects, plan.skip, [subject.name for subject in subjects], plan.brats)
    if missing and not (plan.keep_going and names):
        raise missing
    if not names:
        raise UsageError("--skip leaves no subject")
    asked = _asked(plan, names)
    if plan.split and len({patient_of(name) for name in names}) < 2:
        raise UsageError("--split needs at least two subjects")
    outcome = _already_complete(plan, asked)
    if outcome:
        if missing:
            outcome.left_out = {"not found": str(missing), **outcome.left_out}
        return outcome
    if plan.out.exists() and not plan.out.is_dir():
        raise DataError(plan.out, "this is a file, not a folder", "choose another --out")
    with exclusive(plan.out / WORK_NAME), output_errors(plan.out):
        _prepare(plan, asked)
        chosen = [subject for subject in subjects if subject.name in set(names)]
        records, left_out = _build_all(plan, chosen, progress)
        description = _finish(plan, asked, records, left_out)
    if missing:
        left_out = {"not found": str(missing), **left_out}
    return Outcome(plan.out, description["slices"], description["subjects"], left_out, _notes(description, records))


def _build_all(plan, chosen, progress):
    """Records of all subjects, made now or by an earlier run, and the reasons of those that failed."""
    records, left_out, tasks = {}, {}, {}
    for subject in chosen:
        record = _finished_record(subject, plan.brats, plan.out)
        if record:
            records[subject.name] = record
        else:
            tasks[subject.name] = (subject, plan.settings, plan.brats, plan.out)
    if progress:
        progress(len(chosen), len(records))
    for name, result in run_all(_build_subject, tasks, plan.workers):
        if isinstance(result, PreprocessError):
            if not plan.keep_going or isinstance(result, OutputError):
                raise result
            left_out[name] = str(result)
        elif isinstance(result, BaseException):
            raise result
        else:
            records[name] = result
        if progress:
            progress(name)
    if not records:
        raise DataError(plan.brats, f"none of {len(chosen)} subjects could be used ({next(iter(left_out.values()))})",
                        "see preprocess inspect")  # fmt: skip
    return records, dict(sorted(left_out.items()))
