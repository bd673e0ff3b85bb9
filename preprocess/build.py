"""From the volumes of a data folder to a slice set: parallel, all or nothing."""

import os
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from preprocess import phantom, slice_set
from preprocess.errors import DataError, MaskError, OutputError, PreprocessError, UsageError, command
from preprocess.files import built_beside
from preprocess.pool import run_all
from preprocess.settings import Settings
from preprocess.slices import (
    apply_window,
    axial_image,
    find_background,
    fit_square,
    foreground,
    has_contrast,
    looks_like_a_mask,
    percentiles,
)
from preprocess.subjects import PAPER_SUBJECTS, find_subjects, patient_of, select_subjects, shorten, unused_skips
from preprocess.volumes import Volume, load_volume, times


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
        workers (int): Processes to use.
        keep_going (bool): Whether to make the set without the subjects that fail.
        overwrite (bool): Whether an existing set with other settings may be replaced.
    """

    brats: Path
    out: Path
    subjects: str = PAPER_SUBJECTS
    skip: str | None = None
    settings: Settings = field(default_factory=Settings)
    split: float | None = None
    split_seed: int = 0
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
        already (bool): Whether the set was there before.
    """

    out: Path
    slices: int
    subjects: int
    left_out: dict
    notes: list
    already: bool = False


def build(plan, title=None):
    """Make a slice set.

    Args:
        plan (Plan): What to do.
        title (str or None): Title of a progress bar; None for no bar.

    Returns:
        Outcome: What was made.

    Raises:
        PreprocessError: If it cannot be made; nothing is left behind then.
    """
    subjects = find_subjects(plan.brats, plan.settings.modality)
    found = [subject.name for subject in subjects]
    names, missing = select_subjects(plan.subjects, plan.skip, found, plan.brats)
    if missing and not (plan.keep_going and names):
        raise missing
    if not names:
        raise UsageError("--skip leaves no subject")
    if plan.split and len({patient_of(name) for name in names}) < 2:
        raise UsageError("--split needs at least two subjects")
    settings = {**plan.settings.as_json(), "subjects": names, "split": plan.split,
                "split_seed": plan.split_seed if plan.split else None}
    description = slice_set.find_existing(plan.out, settings, plan.brats, plan.overwrite)
    already = description is not None
    if not already:
        with built_beside(plan.out) as folder:
            named = {part.strip() for part in plan.subjects.split(",")}
            chosen = [replace(one, named=one.name in named) for one in subjects if one.name in set(names)]
            rows, made = _slice_all(plan, chosen, folder, title)
            description = slice_set.finish(folder, plan.out.resolve().name, rows, {
                "brats": str(plan.brats), "size": plan.settings.size, "settings": settings, **made})
    left_out = {**description["left_out"], **({"not found": str(missing)} if missing else {})}
    notes = _notes(plan, description, unused_skips(plan.skip, found))
    notes += [] if already else slice_set.hold_out_note(description)
    return Outcome(plan.out, description["slices"], description["subjects"], left_out, notes, already)


def _slice_all(plan, chosen, folder, title):
    """Rows of all subjects; their sources, those that look like masks, and the reasons of those that failed."""
    rows, sources, synthetic, masks, left_out = [], {}, [], [], {}
    tasks = {subject.name: (subject, plan.settings, plan.brats, folder) for subject in chosen}
    for name, result in run_all(slice_subject, tasks, plan.workers, title):
        if not isinstance(result, PreprocessError):
            rows += result[0]
            sources[name] = result[1]
            synthetic.append(result[2])
        elif isinstance(result, MaskError):
            masks.append(name)
        elif plan.keep_going and not isinstance(result, OutputError):
            left_out[name] = str(result)
        else:
            raise result
    if not rows:
        reason = next(iter(left_out.values()), f"{', '.join(sorted(masks))}: looks like a mask")
        raise DataError(plan.brats, f"none of its {len(chosen)} subjects could be used ({reason})",
                        f"look at them with {command('inspect', plan.brats)}")
    made_from = "synthetic phantom" if all(synthetic) else "MRI volumes"
    return rows, {"made_from": made_from, "left_out": dict(sorted(left_out.items())), "masks": sorted(masks),
                  "sources": dict(sorted(sources.items()))}


def _notes(plan, description, unused):
    """What a user should look at before trusting the set."""
    notes, orientations = [], description["orientations"]
    if len(orientations) > 1:
        listed = ", ".join(f"{code} {count}×" for code, count in orientations.items())
        notes.append(f"the volumes are not all stored in the same orientation: {listed} (which is which: "
                     f"{plan.out / slice_set.MANIFEST}); each was turned by its own header, look at them in "
                     f"{plan.out / slice_set.OVERVIEW}")
    if masks := description.get("masks"):
        notes.append(f"left out, because they look like masks (few values, all whole numbers): {shorten(masks)}; to "
                     "slice one all the same, give its name to --subjects")
    if description["slices_without_brain"]:
        notes.append(f"slices that show no brain: {description['slices_without_brain']} (brain_pixels 0 in "
                     f"{plan.out / slice_set.MANIFEST}); choose others with --slices")
    if unused:
        notes.append(f"--skip {','.join(unused)}: there is no such subject in {plan.brats}")
    return notes


@dataclass(frozen=True)
class LoadedSubject:
    """A subject whose files have been read and found in order.

    Attributes:
        name (str): Its name.
        volume (Volume): The volume.
        tumour (numpy.ndarray or None): bool, as ``volume.voxels``.
        sources (dict): Paths relative to the data folder and SHA-256 of volume and labels.
        window (tuple of float): Edges in raw units.
    """

    name: str
    volume: Volume
    tumour: np.ndarray | None
    sources: dict
    window: tuple


def slice_subject(subject, settings, root, folder):
    """Write the slices of one subject; runs in a worker.

    Args:
        subject (Subject): The subject.
        settings (Settings): What to make.
        root (Path): The data folder.
        folder (Path): Where to.

    Returns:
        tuple: Rows of the manifest, where they come from, and whether the volume is a synthetic one.

    Raises:
        DataError: If the subject cannot be used.
        OutputError: If a slice cannot be written.
    """
    loaded = load_subject(subject, settings, root)
    rows = [slice_set.write_slice(folder, row, image) for row, image in make_slices(loaded, settings)]
    return rows, loaded.sources, loaded.volume.description == phantom.DESCRIPTION


def load_subject(subject, settings, root):
    """Read a subject's files.

    Args:
        subject (Subject): The subject.
        settings (Settings): How to read them.
        root (Path): The data folder; sources are named relative to it.

    Returns:
        LoadedSubject: What is needed to make its slices.

    Raises:
        DataError: If the subject cannot be used.
    """
    if subject.problem:
        raise subject.problem
    channel = settings.channel if settings.channel is not None else subject.channel
    volume, tumour = load_volume(subject.volume, settings.orientation, channel), None
    sources = {"volume": _relative(subject.volume, root), "sha256": volume.sha256}
    if subject.seg is not None:
        labels = load_volume(subject.seg, settings.orientation)
        if labels.voxels.shape != volume.voxels.shape:
            shapes = [times(item.voxels.shape) for item in (labels, volume)]
            raise DataError(subject.seg, f"its shape {shapes[0]} is not the volume's {shapes[1]}",
                            "put the right labels in their place, remove them, or use --skip")
        tumour = labels.voxels > 0
        sources |= {"seg": _relative(subject.seg, root), "seg_sha256": labels.sha256}
    if looks_like_a_mask(volume.voxels) and not subject.named:
        values = len(np.unique(volume.voxels))
        raise MaskError(subject.volume, f"it looks like a mask ({values} values, all whole numbers)",
                        f"to slice it all the same, use --subjects {subject.name}")
    return LoadedSubject(subject.name, volume, tumour, sources, find_window(volume, settings))


def _relative(path, root):
    return os.path.relpath(path, root).replace(os.sep, "/")


def find_window(volume, settings):
    """The window of a volume.

    Args:
        volume (Volume): The volume.
        settings (Settings): Percentiles, or edges in raw units.

    Returns:
        tuple of float: Lower and upper edge in raw units.

    Raises:
        DataError: If no contrast lies between the edges.
    """
    if settings.window_raw:
        return settings.window_raw
    remedy = "leave it out with --skip"
    edges = percentiles(volume.voxels, (0, *settings.window_percent, 100))
    if edges is None:
        raise DataError(volume.source, "no voxel is a number (all NaN or infinite)", remedy)
    smallest, low, high, largest = (float(edge) for edge in edges)
    if smallest == largest:
        reason = "all its voxels are 0" if smallest == 0 else f"all its voxels have the same value, {smallest:g}"
        raise DataError(volume.source, reason, remedy)
    if not np.isfinite([low, high]).all():
        raise DataError(volume.source, "its intensities are too large for a number", remedy)
    if not has_contrast(low, high):
        raise DataError(volume.source, f"percentiles {settings.window_percent[0]:g} and {settings.window_percent[1]:g} "
                        f"are both {low:g}", "choose others with --window, or raw units with --window-raw")
    background = find_background(volume.voxels)
    if background is not None and background > low:
        rest = percentiles(volume.voxels[foreground(volume.voxels, background)], (99,))
        if rest is not None and background >= rest[0]:
            raise DataError(volume.source, f"its corners ({background:g}) are brighter than its middle, which would be "
                            "black", "choose the window with --window-raw, or leave it out with --skip")
    return low, high


def make_slices(loaded, settings):
    """Make all slices of a subject.

    Args:
        loaded (LoadedSubject): The subject.
        settings (Settings): What to make.

    Yields:
        tuple: A row of the manifest without split and PNG hash, and the picture (:class:`PIL.Image.Image`).

    Raises:
        DataError: If the volume does not have the slices.
    """
    volume, (low, high) = loaded.volume, loaded.window
    tumour_pixels = None if loaded.tumour is None else np.count_nonzero(loaded.tumour, axis=(0, 1))
    background = find_background(volume.voxels)
    # Volumes that were z-scored inside the brain: the space around it is 0, amid the brain's values.
    paint_black = background is not None and np.isfinite(background) and background > low
    for index in settings.slices.indices(volume, tumour_pixels):
        image = axial_image(volume.voxels, index)
        brain = foreground(image, background)
        grey = apply_window(image, low, high)
        if paint_black:
            grey[~brain] = 0
        yield {
            "file": slice_set.file_name(loaded.name, index),
            "subject": loaded.name,
            "slice": index,
            "position_mm": "" if volume.positions is None else f"{volume.positions[index] + 0.0:.3f}",
            "source": loaded.sources["volume"],
            "source_sha256": volume.sha256,
            "orientation": volume.orientation,
            "window_low": repr(float(low)),
            "window_high": repr(float(high)),
            "brain_pixels": int(np.count_nonzero(brain)),
            "tumour_pixels": "" if tumour_pixels is None else int(tumour_pixels[index]),
        }, fit_square(grey, volume.spacing, settings.size)
