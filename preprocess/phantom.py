"""Synthetic stand-in volumes in the layout of BraTS 2020, for those who do not have the data."""

import gzip
import io
from pathlib import Path

import nibabel as nib
import numpy as np
from nibabel.spatialimages import HeaderDataError

from preprocess.anatomy import make_brain, smooth_noise, smoothstep
from preprocess.errors import DataError
from preprocess.files import built_beside, output_errors
from preprocess.pool import run_all

SHAPE = (240, 240, 155)
# As the BraTS volumes: stored left, back, up; 1 mm voxels.
AFFINE = np.array([[-1, 0, 0, 0], [0, -1, 0, 239], [0, 0, 1, 0], [0, 0, 0, 1]], dtype=float)
_BOX = (slice(44, 194), slice(36, 226), slice(2, 142))
_MIDDLE = (74.5, 95.0, 68.0)
DESCRIPTION = "synthetic phantom"
# Labels of BraTS: necrotic and solid core, oedema, enhancing tumour.
_CORE, _OEDEMA, _ENHANCING = 1, 2, 4


def _blur(values, axis):
    """Binomial smoothing along one axis, as the resampling of thick slices leaves it."""
    moved = np.moveaxis(values, axis, 0)
    result = moved.copy()
    result[1:-1] = (moved[:-2] + 2 * moved[1:-1] + moved[2:]) * np.float32(0.25)
    return np.moveaxis(result, 0, axis)


def _flair(rng, brain):
    """Intensity of the brain, 1 for white matter."""
    shape = brain.depth.shape
    grey, fluid = np.float32(rng.uniform(1.17, 1.32)), np.float32(rng.uniform(0.22, 0.34))
    signal = 1 + (grey - 1) * brain.grey + np.float32(rng.uniform(0.1, 0.35)) * brain.rim
    swelling = np.float32(rng.uniform(1.55, 1.95)) + 0.1 * smooth_noise(rng, shape, 6)
    signal = signal + (swelling - signal) * brain.oedema * np.float32(0.92)
    solid = np.float32(rng.uniform(1.3, 1.7)) + 0.22 * smooth_noise(rng, shape, 4)
    signal = signal + (solid - signal) * brain.core * np.float32(0.8)
    dead = np.float32(rng.uniform(0.55, 1.25)) + 0.12 * smooth_noise(rng, shape, 5)
    signal = signal + (dead - signal) * brain.necrosis * np.float32(0.9)
    signal = signal + (fluid - signal) * brain.fluid
    # Fluid fills the outermost millimetre unevenly, and the coil is nearer to some parts than to others.
    edge = smoothstep(1.6, 0.0, brain.depth + 0.5 * smooth_noise(rng, shape, 5))
    signal = signal * (1 - np.float32(0.35) * edge) * (1 + 0.045 * smooth_noise(rng, shape, 60))
    signal = _blur(signal, 2)
    noise = rng.standard_normal(shape, dtype=np.float32) * np.float32(rng.uniform(0.06, 0.11))
    for axis in range(3):
        noise = _blur(noise, axis)
    # The magnitude of a signal with noise is never negative.
    return np.hypot(signal + noise, np.float32(0.5) * noise)


def make_phantom(seed, number):
    """One synthetic subject.

    Args:
        seed (int): Another seed makes other brains.
        number (int): The subject, from 1; the same whatever the number of subjects.

    Returns:
        tuple of numpy.ndarray: FLAIR volume (int16, 0 outside the brain) and labels (uint8: 1 core, 2 oedema,
        4 enhancing), both 240×240×155.
    """
    rng = np.random.default_rng([seed, number])
    shape = tuple(part.stop - part.start for part in _BOX)
    brain = make_brain(rng, shape, _MIDDLE)
    mask = brain.depth > 0
    # Scanners agree on no unit: white matter of real volumes lies anywhere from about 400 to 10000.
    level = np.float32(np.exp(rng.normal(6.4, 0.45)))
    signal = np.clip(_flair(rng, brain) * level, 1, 32767)
    flair = np.zeros(SHAPE, dtype=np.int16)
    flair[_BOX] = np.where(mask, np.rint(signal), 0)
    labels = np.zeros(shape, dtype=np.uint8)
    solid = brain.fluid < 0.5
    labels[(brain.oedema > 0.5) & mask & solid] = _OEDEMA
    labels[(brain.core > 0.5) & mask] = _ENHANCING
    labels[(brain.necrosis > 0.5) & mask] = _CORE
    seg = np.zeros(SHAPE, dtype=np.uint8)
    seg[_BOX] = labels
    return flair, seg


def encode_nifti(voxels, affine):
    """A volume as the bytes of a ``.nii.gz`` file, the same on every run.

    Args:
        voxels (numpy.ndarray): (i, j, k).
        affine (numpy.ndarray): 4×4, voxel index to RAS+ in mm.

    Returns:
        bytes: The file's content.
    """
    header = nib.Nifti1Header()
    header.set_data_dtype(voxels.dtype)
    header.set_data_shape(voxels.shape)
    header.set_qform(affine, code=1)
    header.set_sform(affine, code=1)
    header.set_xyzt_units("mm")
    header["descrip"] = DESCRIPTION
    header["vox_offset"] = 352
    header["magic"] = b"n+1"
    buffer = io.BytesIO()
    with gzip.GzipFile(filename="", mode="wb", fileobj=buffer, compresslevel=4, mtime=0) as file:
        file.write(header.binaryblock + bytes(4))
        file.write(np.asfortranarray(voxels).tobytes(order="F"))
    return buffer.getvalue()


def _write_subject(out, seed, number):
    name = _name(number)
    flair, seg = make_phantom(seed, number)
    with output_errors(out):
        (out / name).mkdir()
        for kind, voxels in (("seg", seg), ("flair", flair)):
            (out / name / f"{name}_{kind}.nii.gz").write_bytes(encode_nifti(voxels, AFFINE))


def _name(number):
    return f"phantom_{number:03d}"


def write_phantoms(out, subjects, seed, workers, title=None):
    """Write synthetic subjects.

    Args:
        out (Path): Folder; an existing phantom in it is replaced, other files are refused.
        subjects (int): How many.
        seed (int): Another seed makes other brains.
        workers (int): Processes to use.
        title (str or None): Title of a progress bar; None for no bar.

    Raises:
        DataError: If the folder holds something that is not a phantom.
    """
    out = Path(out)
    if out.exists() and not out.is_dir():
        raise DataError(out, "this is a file, not a folder", "choose another --out")
    for path in sorted(out.iterdir()) if out.exists() else ():
        if not _is_phantom(path):
            raise DataError(out, f"it holds {path.name}, which is not a phantom", "choose another --out")
    with built_beside(out) as folder:
        tasks = {_name(number): (folder, seed, number) for number in range(1, subjects + 1)}
        for _, error in run_all(_write_subject, tasks, workers, title):
            if error:
                raise error


def _is_phantom(folder):
    """Whether a folder holds nothing but files that this module wrote."""
    try:
        return folder.is_dir() and all(nib.load(path).header["descrip"].item().decode("latin-1") == DESCRIPTION
                                       for path in folder.iterdir())
    except (OSError, EOFError, ValueError, KeyError, nib.filebasedimages.ImageFileError, HeaderDataError):
        return False
