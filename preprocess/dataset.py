"""Writing a slice set: parallel, all or nothing, and able to go on after it was killed."""

import hashlib
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from preprocess import folder, manifest
from preprocess.errors import DataError, OutputError, PreprocessError, UsageError
from preprocess.layouts import find_subjects
from preprocess.overview import make_overview
from preprocess.pool import run_all
from preprocess.progress import Silent
from preprocess.selection import PAPER_SUBJECTS, select_subjects, unused_skips
from preprocess.split import held_out, patient_of
from preprocess.storage import WORK_NAME, exclusive, output_errors, write_whole
from preprocess.streams import sha256_of
from preprocess.subject import Settings, load_subject, make_slices
from preprocess.verify import FORMAT, VERSION, changed_sources
from preprocess.versions import versions


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


def _build_subject(subject, settings, root, out, asked):
    """Write the slices of one subject and its record; runs in a worker."""
    loaded = load_subject(subject, settings, root)
    rows = []
    for row, png in make_slices(loaded, settings):
        write_whole(out / row["file"], png, out / WORK_NAME)
        rows.append({**row, "sha256": hashlib.sha256(png).hexdigest()})
    record = {"settings": asked, "rows": rows, "sources": loaded.sources}
    folder.write_record(out, subject.name, record)
    return record


def _finished_record(name, plan, asked):
    """The record of a subject that an earlier, interrupted run finished; None if it must be done (again)."""
    record = folder.read_record(plan.out, name, asked)
    if record is None or changed_sources({name: record["sources"]}, plan.brats):
        return None
    try:
        whole = all(sha256_of(plan.out / row["file"]) == row["sha256"] for row in record["rows"])
    except DataError:
        return None
    return record if whole else None


def _build_all(plan, chosen, asked, progress):
    """Records of all subjects, made now or by an earlier run, and the reasons of those that failed."""
    records, left_out, tasks = {}, {}, {}
    for subject in chosen:
        record = _finished_record(subject.name, plan, asked)
        if record:
            records[subject.name] = record
        else:
            tasks[subject.name] = (subject, plan.settings, plan.brats, plan.out, asked)
    progress.start(len(chosen), len(records))
    for name, result in run_all(_build_subject, tasks, plan.workers):
        if not isinstance(result, PreprocessError):
            records[name] = result
        elif plan.keep_going and not isinstance(result, OutputError):
            left_out[name] = str(result)
        else:
            raise result
        progress.advance(name)
    if not records:
        reason = next(iter(left_out.values()))
        raise DataError(plan.brats, f"none of its {len(chosen)} subjects could be used ({reason})",
                        "look at it with python -m preprocess inspect")  # fmt: skip
    return records, dict(sorted(left_out.items()))


def _finish(plan, asked, records, left_out):
    """Write manifest, overview and description; the description's appearance makes the folder a set."""
    out, work = plan.out, plan.out / WORK_NAME
    names = sorted(records)
    apart = held_out(names, plan.split, plan.split_seed) if plan.split else set()
    part = {name: "held-out" if name in apart else "train" for name in names}
    rows = [{**row, "split": part[name]} for name in names for row in records[name]["rows"]]
    table = manifest.encode(rows)
    write_whole(out / manifest.MANIFEST, table, work)
    middles = [records[name]["rows"][len(records[name]["rows"]) // 2] for name in names]
    picture = make_overview([(f"{row['subject']}  {row['slice']}", out / row["file"]) for row in middles])
    write_whole(out / manifest.OVERVIEW, picture, work)
    description = {
        "format": FORMAT,
        "version": VERSION,
        "slices": len(rows),
        "size": plan.settings.size,
        "subjects": len(names),
        "held_out_subjects": len(apart),
        "slices_without_brain": sum(row["brain_pixels"] == 0 for row in rows),
        "orientations": dict(sorted(Counter(row["orientation"] for row in middles).items())),
        "brats": str(plan.brats),
        "settings": asked,
        "left_out": left_out,
        "versions": versions(),
        "files": {manifest.MANIFEST: hashlib.sha256(table).hexdigest(),
                  manifest.OVERVIEW: hashlib.sha256(picture).hexdigest()},
        "sources": {name: records[name]["sources"] for name in names},
    }  # fmt: skip
    folder.finish(out, description, {row["file"] for row in rows} | set(description["files"]))


def _notes(out, description):
    """What a user should look at before trusting the set."""
    notes = []
    found = description["orientations"]
    if len(found) > 1:
        rows = manifest.read(out / manifest.MANIFEST)
        rare = min(found, key=found.get)
        first = next(row["subject"] for row in rows if row["orientation"] == rare)
        listed = ", ".join(f"{code} {count}×" for code, count in found.items())
        notes.append(f"the volumes are not all stored in the same orientation: {listed} (the first {rare} is {first}); "
                     f"each was turned by its own header, look at them in {out / manifest.OVERVIEW}")  # fmt: skip
    if description["slices_without_brain"]:
        notes.append(f"slices that show no brain: {description['slices_without_brain']} (brain_pixels 0 in "
                     f"{out / manifest.MANIFEST}); choose others with --slices")  # fmt: skip
    return notes


def _outcome(plan, description, missing, unused, already):
    left_out = dict(description["left_out"])
    if missing:
        left_out["not found"] = str(missing)
    notes = _notes(plan.out, description)
    if unused:
        notes.append(f"--skip {','.join(unused)}: there is no such subject in {plan.brats}")
    return Outcome(plan.out, description["slices"], description["subjects"], left_out, notes, already)


def _already_complete(plan, asked):
    """The description of an earlier build with the same settings, if set and volumes are as they were then."""
    description, problems = folder.existing_set(plan.out, asked, plan.overwrite)
    if description is None:
        return None
    problems = problems + changed_sources(description["sources"], plan.brats)
    if not problems:
        return description
    if plan.overwrite:
        return None
    more = f", and {len(problems) - 1} more" if len(problems) > 1 else ""
    raise DataError(plan.out, f"the set is no longer what was written ({problems[0]}{more})",
                    "use --overwrite to build it again")  # fmt: skip


def build(plan, progress=None):
    """Make a slice set.

    Args:
        plan (Plan): What to do.
        progress (ProgressBar or None): Told of each finished subject.

    Returns:
        Outcome: What was made.

    Raises:
        PreprocessError: If it cannot be made; what was done so far is kept for the next run, and is no set.
    """
    subjects = find_subjects(plan.brats, plan.settings.modality, plan.follow_links)
    names, missing = select_subjects(plan.subjects, plan.skip, [subject.name for subject in subjects], plan.brats)
    unused = unused_skips(plan.skip, [subject.name for subject in subjects])
    if missing and not (plan.keep_going and names):
        raise missing
    if not names:
        raise UsageError("--skip leaves no subject")
    if plan.split and len({patient_of(name) for name in names}) < 2:
        raise UsageError("--split needs at least two subjects")
    if plan.out.exists() and not plan.out.is_dir():
        raise DataError(plan.out, "this is a file, not a folder", "choose another --out")
    asked = _asked(plan, names)
    description = _already_complete(plan, asked)
    if description:
        return _outcome(plan, description, missing, unused, already=True)
    with exclusive(plan.out / WORK_NAME), output_errors(plan.out):
        if not folder.prepare(plan.out, asked, plan.overwrite):
            chosen = [subject for subject in subjects if subject.name in set(names)]
            _finish(plan, asked, *_build_all(plan, chosen, asked, progress or Silent()))
    return _outcome(plan, folder.read_description(plan.out), missing, unused, already=False)
