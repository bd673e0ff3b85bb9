"""What a volume is, and what ``build`` would make of it, in words."""

import sys
from pathlib import Path

import numpy as np

from preprocess.errors import DataError
from preprocess.layouts import Subject, find_subjects
from preprocess.nifti import read_header
from preprocess.slices import find_background, foreground, percentiles
from preprocess.subject import find_window, load_files
from preprocess.volumes import SLICER_AXIAL, orientation_code

_BYTE_ORDERS = {"<": "little-endian", ">": "big-endian", "=": f"{sys.byteorder}-endian"}
_PERCENTS = (0, 0.1, 1, 50, 99, 99.9, 100)


def _line(label, text):
    return f"  {label:<12} {text}"


def _times_mm(values):
    return " × ".join(f"{value:.4g}" for value in values) + " mm"


def _describe_header(header):
    """Lines that need only the header."""
    order = "" if header.dtype.itemsize == 1 else f", {_BYTE_ORDERS[header.dtype.byteorder]}"
    scaling = "none"
    if (header.slope, header.inter) != (1, 0):
        scaling = f"stored × {header.slope:g} + {header.inter:g}"
    try:
        orientation = f"{orientation_code(header)} (from {header.affine_source})"
    except DataError as error:
        orientation = f"unusable: {error.args[1]}"
    spacing = _times_mm(header.pixdim)
    if header.affine is not None:
        used = _times_mm(np.sqrt((header.affine[:3, :3] ** 2).sum(axis=0)))
        if used != spacing:
            spacing += f" by pixdim, {used} by the affine"
    return [
        _line("format", header.kind),
        _line("shape", "×".join(map(str, header.shape))),
        _line("data type", f"{header.dtype.name}{order}"),
        _line("spacing", spacing),
        _line("orientation", orientation),
        _line("scaling", scaling),
    ]


def _describe_values(volume):
    """Lines that need the voxels."""
    lines = []
    values = percentiles(volume.stored, _PERCENTS)
    if values is not None:
        if volume.slope < 0:
            values = values[::-1]
        names = ("min", "0.1 %", "1 %", "50 %", "99 %", "99.9 %", "max")
        pairs = zip(names, volume.raw(values), strict=True)
        lines.append(_line("values", ", ".join(f"{name} {value:g}" for name, value in pairs)))
    missing = volume.stored.size - np.count_nonzero(np.isfinite(volume.stored))
    if missing:
        lines.append(_line("not numbers", f"{missing} voxels (NaN or infinite; they become black)"))
    background = find_background(volume.voxels)
    if background is None:
        lines.append(_line("background", "not uniform: every voxel counts as brain"))
    else:
        share = 1 - np.count_nonzero(foreground(volume.stored, background)) / volume.stored.size
        lines.append(_line("background", f"{float(volume.raw(background)):g}, {share:.0%} of the voxels"))
    return lines


def _describe_build(volume, tumour, settings):
    """Lines on what build would do."""
    tumour_pixels = None if tumour is None else np.count_nonzero(tumour, axis=(0, 1))
    labels = "no _seg file" if tumour_pixels is None else f"tumour in {np.count_nonzero(tumour_pixels)} slices"
    indices = settings.slices.indices(volume, tumour_pixels)
    where = f"{indices[0]} … {indices[-1]} of 0 … {volume.voxels.shape[2] - 1}"
    if volume.positions is not None:
        where += f", at {volume.positions[indices[0]]:g} … {volume.positions[indices[-1]]:g} mm"
    turn = "taken as it lies" if volume.orientation in ("stored", "".join(SLICER_AXIAL)) else "turned"
    low, high = find_window(volume, settings)
    width, height = volume.voxels.shape[0] * volume.spacing[0], volume.voxels.shape[1] * volume.spacing[1]
    return [
        _line("labels", labels),
        _line("build", f"{len(indices)} slices: {where}"),
        _line("", f"the array is {turn}; {low:g} becomes black, {high:g} white"),
        _line("", f"{width:g} × {height:g} mm become {settings.size}×{settings.size} pixels"),
    ]


def inspect_subject(subject, settings):
    """Describe one subject.

    Args:
        subject (Subject): The subject.
        settings (Settings): What ``build`` would be given.

    Returns:
        tuple: Lines of text, and whether ``build`` could use the subject.
    """
    lines = [f"{subject.name}  {subject.volume}"]
    try:
        lines += _describe_header(read_header(subject.volume))
        if subject.problem:
            raise subject.problem
        volume, tumour, _ = load_files(subject, settings)
        lines += _describe_values(volume)
        lines += _describe_build(volume, tumour, settings)
    except DataError as error:
        return [*lines, _line("build", f"refuses it: {error}")], False
    return lines, True


def inspect(path, settings, follow_links=False):
    """Describe a volume, or every volume of a data folder.

    Args:
        path (Path): A NIfTI file or a folder.
        settings (Settings): What ``build`` would be given.
        follow_links (bool): Whether links may lead out of the folder.

    Yields:
        tuple: Lines of text, and whether ``build`` could use the volume.

    Raises:
        DataError: If the folder holds no volume.
    """
    path = Path(path)
    if path.is_dir():
        for subject in find_subjects(path, settings.modality, follow_links):
            yield inspect_subject(subject, settings)
    else:
        yield inspect_subject(_subject_of(path, settings.modality), settings)


def _subject_of(path, modality):
    """A file with the labels and the channel that it has in its own folder."""
    try:
        beside = find_subjects(path.parent, modality, follow_links=True)
    except DataError:
        beside = []
    for subject in beside:
        if subject.volume == path:
            return subject
    return Subject(path.name, path)
