import gzip
from types import SimpleNamespace

import nibabel as nib
import numpy as np
import pytest
from hypothesis import settings
from preprocess.subjects import Subject
from preprocess.settings import parse_slices
from preprocess.settings import Settings

# The same cases on every machine and on every run.
settings.register_profile("fixed", derandomize=True, deadline=None)
settings.load_profile("fixed")

LPS = np.diag([-1.0, -1.0, 1.0, 1.0])


def make_brain(shape=(20, 24, 10)):
    """A lopsided blob with even grey values from 2 to 240 on 0, in which no two mirrored voxels are alike."""
    grid = np.meshgrid(*(np.linspace(-1, 1, length) for length in shape), indexing="ij")
    inside = sum((axis / radius) ** 2 for axis, radius in zip(grid, (0.8, 0.85, 0.9), strict=True)) < 1
    ramp = 60 + 30 * grid[0] + 20 * grid[1] + 9 * grid[2] + 5 * np.sin(9 * grid[0] * grid[1])
    return (np.where(inside, np.clip(np.rint(ramp), 1, 120), 0) * 2).astype(np.int16)


def nifti_bytes(voxels, affine=LPS, slope=1.0, inter=0.0, endianness="<", header_class=nib.Nifti1Header):
    """A single-file NIfTI with exactly these stored values."""
    header = header_class(endianness=endianness)
    header.set_data_dtype(voxels.dtype)
    header.set_data_shape(voxels.shape)
    if affine is not None:
        header.set_sform(affine, code=1)
        header.set_zooms(np.append(np.sqrt((affine[:3, :3] ** 2).sum(axis=0)), np.ones(voxels.ndim - 3))[: voxels.ndim])
    if (slope, inter) != (1.0, 0.0):
        header.set_slope_inter(slope, inter)
    size = 348 if header_class is nib.Nifti1Header else 540
    header["vox_offset"] = size + 4
    header["magic"] = b"n+1" if size == 348 else b"n+2"
    body = voxels.astype(voxels.dtype.newbyteorder(endianness)).tobytes(order="F")
    return header.binaryblock + bytes(4) + body


def save(path, voxels, **options):
    """Write voxels as a NIfTI file, compressed if the name says so."""
    data = nifti_bytes(voxels, **options)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(gzip.compress(data, 1, mtime=0) if path.name.endswith(".gz") else data)
    return path


def save_subject(root, name="BraTS20_Training_001", voxels=None, seg=None, **options):
    """Write a subject in the layout of BraTS 2020."""
    voxels = make_brain() if voxels is None else voxels
    volume = save(root / name / f"{name}_flair.nii.gz", voxels, **options)
    labels = save(root / name / f"{name}_seg.nii.gz", seg) if seg is not None else None
    return Subject(name, volume, labels)


@pytest.fixture(scope="session")
def make():
    """Functions that make test volumes."""
    return SimpleNamespace(
        LPS=LPS, brain=make_brain, nifti_bytes=nifti_bytes, save=save, subject=save_subject
    )


@pytest.fixture(scope="session")
def small():
    """Settings for tiny volumes."""
    return Settings(slices=parse_slices("2-6"), size=32)
