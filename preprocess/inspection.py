"""What a volume is, and what ``build`` would make of it, in words."""

import sys
from pathlib import Path

import numpy as np

from preprocess.build import load_subject
from preprocess.errors import DataError, MaskError
from preprocess.slices import find_background, foreground, percentiles
from preprocess.subjects import Subject, find_subjects
from preprocess.volumes import SLICER_AXIAL, affine_of, is_pair, orientation_code, read_header, times

_BYTE_ORDERS = {"<": "little-endian", ">": "big-endian", "=": f"{sys.byteorder}-endian"}
_PERCENTS = {"min": 0, "0.1 %": 0.1, "1 %": 1, "50 %": 50, "99 %": 99, "99.9 %": 99.9, "max": 100}


def _line(label, text):
    return f"  {label:<12} {text}"


def _times_mm(values):
    return " × ".join(f"{value:.4g}" for value in values) + " mm"


def _describe_header(header, path):
    """Lines that need only the header."""
    dtype, (slope, inter) = header.get_data_dtype(), header.get_slope_inter()
    spacing = _times_mm(np.abs(header["pixdim"][1:4]))
    try:
        affine = affine_of(header, path)
        orientation = f"{orientation_code(affine)} (from {'sform' if header['sform_code'] else 'qform'})"
        used = _times_mm(np.sqrt((affine[:3, :3] ** 2).sum(axis=0)))
        if used != spacing:
            spacing += f" by pixdim, {used} by the affine"
    except DataError as error:
        orientation = f"unusable: {error.args[1]}"
    return [
        _line("format", f"NIfTI-{1 if header.sizeof_hdr == 348 else 2}{' pair' if is_pair(header) else ''}"),
        _line("shape", times(header.get_data_shape())),
        _line("data type", dtype.name + ("" if dtype.itemsize == 1 else f", {_BYTE_ORDERS[dtype.byteorder]}")),
        _line("spacing", spacing),
        _line("orientation", orientation),
        _line("scaling", "none" if (slope, inter) in ((1, 0), (None, None)) else f"stored × {slope:g} + {inter:g}"),
    ]


def _describe_values(voxels):
    """Lines that need the voxels."""
    lines = []
    values = percentiles(voxels, list(_PERCENTS.values()))
    if values is not None:
        pairs = zip(_PERCENTS, values, strict=True)
        lines.append(_line("values", ", ".join(f"{name} {value:g}" for name, value in pairs)))
    missing = voxels.size - np.count_nonzero(np.isfinite(voxels))
    if missing:
        lines.append(_line("not numbers", f"{missing} voxels (NaN or infinite; they become black)"))
    background = find_background(voxels)
    if background is None:
        lines.append(_line("background", "not uniform: every voxel counts as brain"))
    else:
        share = 1 - np.count_nonzero(foreground(voxels, background)) / voxels.size
        lines.append(_line("background", f"{float(background):g}, {share:.0%} of the voxels"))
    return lines


def _describe_build(loaded, settings):
    """Lines on what build would do."""
    volume = loaded.volume
    tumour_pixels = None if loaded.tumour is None else np.count_nonzero(loaded.tumour, axis=(0, 1))
    labels = "no _seg file" if tumour_pixels is None else f"tumour in {np.count_nonzero(tumour_pixels)} slices"
    indices = settings.slices.indices(volume, tumour_pixels)
    where = f"{indices[0]} … {indices[-1]} of 0 … {volume.voxels.shape[2] - 1}"
    if volume.positions is not None:
        where += f", at {volume.positions[indices[0]]:g} … {volume.positions[indices[-1]]:g} mm"
    turn = "taken as it lies" if volume.orientation in ("stored", "".join(SLICER_AXIAL)) else "turned"
    width, height = volume.voxels.shape[0] * volume.spacing[0], volume.voxels.shape[1] * volume.spacing[1]
    return [
        _line("labels", labels),
        _line("build", f"{len(indices)} slices: {where}"),
        _line("", f"the array is {turn}; {loaded.window[0]:g} becomes black, {loaded.window[1]:g} white"),
        _line("", f"{width:g} × {height:g} mm become {settings.size}×{settings.size} pixels"),
    ]


def inspect_subject(subject, settings):
    """Describe one subject.

    Args:
        subject (Subject): The subject.
        settings (Settings): What ``build`` would be given.

    Returns:
        tuple: Lines of text, and False if ``build`` would refuse the subject.
    """
    lines = [f"{subject.name}  {subject.volume}"]
    try:
        if subject.problem:
            raise subject.problem
        lines += _describe_header(read_header(subject.volume), subject.volume)
        loaded = load_subject(subject, settings, subject.volume.parent)
        lines += _describe_values(loaded.volume.voxels)
        lines += _describe_build(loaded, settings)
    except MaskError as error:
        lines.append(_line("build", f"leaves it out: {error}"))
    except DataError as error:
        return [*lines, _line("build", f"refuses it: {error}")], False
    return lines, True


def inspect(path, settings):
    """Describe a volume, or every volume of a data folder.

    Args:
        path (Path): A NIfTI file or a folder.
        settings (Settings): What ``build`` would be given.

    Yields:
        tuple: Lines of text, and False if ``build`` would refuse the volume.

    Raises:
        DataError: If the folder holds no volume.
    """
    path = Path(path)
    if path.is_dir():
        for subject in find_subjects(path, settings.modality):
            yield inspect_subject(subject, settings)
    else:
        yield inspect_subject(_subject_of(path, settings.modality), settings)


def _subject_of(path, modality):
    """A file with the labels and the channel that it has in its own folder."""
    try:
        beside = find_subjects(path.parent, modality)
    except DataError:
        beside = []
    for subject in beside:
        if subject.volume == path:
            return subject
    return Subject(path.name, path)
