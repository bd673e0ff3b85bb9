"""From one subject's files to its PNG slices."""

import os
from dataclasses import dataclass, field

import numpy as np

from preprocess.errors import DataError
from preprocess.manifest import file_name
from preprocess.png import encode_png
from preprocess.selection import SliceChoice
from preprocess.slices import (
    apply_window,
    axial_image,
    find_background,
    fit_square,
    foreground,
    has_contrast,
    percentiles,
)
from preprocess.volumes import Volume, load_volume


@dataclass(frozen=True)
class Settings:
    """Everything that decides what a slice looks like.

    Attributes:
        modality (str): ``flair``, ``t1``, ``t1ce`` or ``t2``.
        slices (SliceChoice): Which slices to take; the paper (section II-A) takes 48 a subject.
        window_percent (tuple of float or None): Percentiles of all voxels that become black and white.
        window_raw (tuple of float or None): Or the same in raw units.
        size (int): Side of the images in pixels.
        orientation (str): ``header`` or ``stored``.
        channel (int or None): Which volume of 4-D files.
    """

    modality: str = "flair"
    slices: SliceChoice = field(default_factory=lambda: SliceChoice("index", ((60, 107),)))
    window_percent: tuple | None = (0.1, 99.9)
    window_raw: tuple | None = None
    size: int = 256
    orientation: str = "header"
    channel: int | None = None


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
    percents = settings.window_percent
    if volume.slope < 0:
        # Then the darkest stored value is the brightest raw one.
        percents = (100 - percents[1], 100 - percents[0])
    edges = percentiles(volume.stored, percents)
    if edges is None:
        raise DataError(volume.source, "no voxel is a number (all NaN or infinite)", remedy)
    low, high = sorted(float(edge) for edge in volume.raw(edges))
    if not np.isfinite([low, high]).all():
        raise DataError(volume.source, "its intensities are too large for a number", remedy)
    if not has_contrast(low, high):
        smallest, largest = (float(edge) for edge in volume.raw(percentiles(volume.stored, (0, 100))))
        if smallest == largest:
            reason = "all its voxels are 0" if smallest == 0 else f"all its voxels have the same value, {smallest:g}"
            raise DataError(volume.source, reason, remedy)
        raise DataError(volume.source, f"percentiles {settings.window_percent[0]:g} and {settings.window_percent[1]:g} "
                        f"are both {low:g}", "choose others with --window, or raw units with --window-raw")  # fmt: skip
    return low, high


def load_files(subject, settings):
    """Read the volume and the labels of a subject.

    Args:
        subject (Subject): The subject.
        settings (Settings): How to read them.

    Returns:
        tuple: The :class:`Volume`, and what :func:`load_tumour` gives.

    Raises:
        DataError: If a file cannot be used.
    """
    channel = settings.channel if settings.channel is not None else subject.channel
    volume = load_volume(subject.volume, settings.orientation, channel)
    return volume, *load_tumour(subject, volume, settings)


def load_tumour(subject, volume, settings):
    """Tumour voxels of a subject.

    Args:
        subject (Subject): The subject.
        volume (Volume): Its loaded volume.
        settings (Settings): For the orientation.

    Returns:
        tuple: bool array in the order of ``volume.voxels`` and the label file's SHA-256; (None, None) without labels.

    Raises:
        DataError: If the labels cannot be read or do not fit the volume.
    """
    if subject.seg is None:
        return None, None
    labels = load_volume(subject.seg, settings.orientation)
    if labels.voxels.shape != volume.voxels.shape:
        shapes = ["×".join(map(str, item.voxels.shape)) for item in (labels, volume)]
        raise DataError(subject.seg, f"its shape {shapes[0]} is not the volume's {shapes[1]}",
                        "put the right labels in their place, remove them, or use --skip")  # fmt: skip
    plain = labels.slope == 1 and labels.inter == 0
    return (labels.voxels if plain else labels.raw(labels.voxels)) > 0, labels.sha256


@dataclass(frozen=True)
class LoadedSubject:
    """A subject whose files have been read and found in order.

    Attributes:
        name (str): Its name.
        source (str): Its volume's path relative to the data folder.
        volume (Volume): The volume.
        tumour (numpy.ndarray or None): bool, as ``volume.voxels``.
        sources (dict): Paths relative to the data folder and SHA-256 of volume and labels.
        window (tuple of float): Edges in raw units.
    """

    name: str
    source: str
    volume: Volume
    tumour: np.ndarray | None
    sources: dict
    window: tuple


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
    volume, tumour, labels_digest = load_files(subject, settings)
    source = _relative(subject.volume, root)
    sources = {"volume": source, "sha256": volume.sha256}
    if subject.seg is not None:
        sources |= {"seg": _relative(subject.seg, root), "seg_sha256": labels_digest}
    return LoadedSubject(subject.name, source, volume, tumour, sources, find_window(volume, settings))


def _relative(path, root):
    return os.path.relpath(path, root).replace(os.sep, "/")


def make_slices(loaded, settings):
    """Make all slices of a subject.

    Args:
        loaded (LoadedSubject): The subject.
        settings (Settings): What to make.

    Yields:
        tuple: A row of the manifest without split and PNG hash, and the PNG's bytes.

    Raises:
        DataError: If the volume does not have the slices.
    """
    volume, (low, high) = loaded.volume, loaded.window
    tumour_pixels = None if loaded.tumour is None else np.count_nonzero(loaded.tumour, axis=(0, 1))
    background = find_background(volume.voxels)
    # Volumes that were z-scored inside the brain: the space around it is 0, amid the brain's values.
    paint_black = background is not None and np.isfinite(background) and volume.raw(background) > low
    for index in settings.slices.indices(volume, tumour_pixels):
        image = axial_image(volume.voxels, index)
        brain = foreground(image, background)
        grey = apply_window(volume.raw(image), low, high)
        if paint_black:
            grey[~brain] = 0
        row = {
            "file": file_name(loaded.name, index),
            "subject": loaded.name,
            "slice": index,
            "position_mm": "" if volume.positions is None else f"{volume.positions[index] + 0.0:.3f}",
            "source": loaded.source,
            "source_sha256": volume.sha256,
            "orientation": volume.orientation,
            "window_low": repr(float(low)),
            "window_high": repr(float(high)),
            "brain_pixels": int(np.count_nonzero(brain)),
            "tumour_pixels": "" if tumour_pixels is None else int(tumour_pixels[index]),
        }
        yield row, encode_png(np.asarray(fit_square(grey, volume.spacing, settings.size)))
