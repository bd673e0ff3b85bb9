"""One volume, loaded safely and turned so that its slices lie as 3D Slicer's axial view shows them."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from nibabel.orientations import (
    apply_orientation,
    axcodes2ornt,
    inv_ornt_aff,
    io_orientation,
    ornt2axcodes,
    ornt_transform,
)

from preprocess.errors import DataError
from preprocess.nifti import read_nifti

# Columns run from the patient's right to the left, rows from front to back, slices from bottom to top.
SLICER_AXIAL = ("L", "P", "S")
_SPACING_RANGE = (1e-3, 1e3)


@dataclass(frozen=True)
class Volume:
    """A volume in the order of 3D Slicer's axial view.

    Attributes:
        voxels (numpy.ndarray): (column, row, slice) in stored units; a view, nothing is copied.
        stored (numpy.ndarray): The same voxels in the order in which they are stored (fast to run through).
        slope (float): Factor from stored to raw units.
        inter (float): Offset from stored to raw units.
        spacing (tuple of float): Distance of columns, rows and slices in mm.
        positions (numpy.ndarray or None): Superior coordinate of each slice's middle in mm; None if not known.
        orientation (str): How the array was stored, such as ``LPS``; ``stored`` if the header was not asked.
        source (Path): The file.
        sha256 (str): SHA-256 of the file.
    """

    voxels: np.ndarray
    stored: np.ndarray
    slope: float
    inter: float
    spacing: tuple
    positions: np.ndarray | None
    orientation: str
    source: Path
    sha256: str

    def raw(self, values):
        """Stored values in the file's raw units (``scl_slope`` and ``scl_inter`` applied).

        Args:
            values (numpy.ndarray or float): Stored values.

        Returns:
            numpy.ndarray or float: The same in raw units, float64.
        """
        with np.errstate(over="ignore", invalid="ignore"):
            return np.asarray(values, dtype=np.float64) * self.slope + self.inter


def orientation_of(header):
    """How an array lies, from its affine.

    For an oblique affine it is the nearest of the 48 axis orders: slices are never resampled.

    Args:
        header (Header): A checked header.

    Returns:
        numpy.ndarray: nibabel's orientation array, (3, 2).

    Raises:
        DataError: If the header gives no orientation, or one that cannot be.
    """
    remedy = "if the array lies as BraTS arrays do, use --orientation stored; else leave it out with --skip"
    if header.affine is None:
        raise DataError(header.path, "its header says no orientation (qform_code and sform_code are 0)", remedy)
    linear = header.affine[:3, :3]
    if not np.isfinite(header.affine).all():
        raise DataError(header.path, f"its affine is not a number ({header.affine_source})", remedy)
    lengths = np.sqrt((linear**2).sum(axis=0))
    if not ((lengths >= _SPACING_RANGE[0]) & (lengths <= _SPACING_RANGE[1])).all():
        sizes = " × ".join(f"{length:g}" for length in lengths)
        raise DataError(header.path, f"its affine gives voxels of {sizes} mm", remedy)
    ornt = io_orientation(header.affine)
    # Axes that are nearly in one plane span no volume, and no order of them is right.
    if np.isnan(ornt).any() or abs(np.linalg.det(linear / lengths)) < 1e-3:
        raise DataError(header.path, "its affine maps two axes onto one direction", remedy)
    return ornt


def orientation_code(header):
    """Orientation in letters.

    Args:
        header (Header): A checked header.

    Returns:
        str: Three letters: where each stored axis points, such as ``LPS`` for BraTS.
    """
    return "".join(ornt2axcodes(orientation_of(header)))


def _oriented(header, stored):
    """Voxels, spacing and slice positions in the order of 3D Slicer's axial view."""
    found = orientation_of(header)
    turn = ornt_transform(found, axcodes2ornt(SLICER_AXIAL))
    voxels = apply_orientation(stored, turn)
    affine = header.affine @ inv_ornt_aff(turn, stored.shape)
    spacing = tuple(float(value) for value in np.sqrt((affine[:3, :3] ** 2).sum(axis=0)))
    middle = (np.array(voxels.shape[:2]) - 1) / 2
    positions = affine[2, :2] @ middle + affine[2, 2] * np.arange(voxels.shape[2]) + affine[2, 3]
    return voxels, spacing, positions


def stored_spacing(header):
    """Voxel size from ``pixdim``, for an array whose affine is not to be trusted.

    Args:
        header (Header): A checked header.

    Returns:
        tuple of float: mm; 1 where the header has nothing usable.
    """
    low, high = _SPACING_RANGE
    return tuple(value if low <= value <= high else 1.0 for value in header.pixdim)


def load_volume(path, orientation="header", channel=None):
    """Load a volume for axial slicing.

    Args:
        path (Path): A NIfTI file.
        orientation (str): ``header`` turns the array by its affine; ``stored`` takes it as it lies, as BraTS arrays lie
            (first axis to the patient's left, second to the back, third up).
        channel (int or None): Which volume of a 4-D file.

    Returns:
        Volume: The volume.

    Raises:
        DataError: If the file is not a volume that can be sliced.
    """
    header, stored, digest = read_nifti(path, channel)
    if orientation == "stored":
        voxels, spacing, positions, code = stored, stored_spacing(header), None, "stored"
    else:
        voxels, spacing, positions = _oriented(header, stored)
        code = orientation_code(header)
    return Volume(voxels, stored, header.slope, header.inter, spacing, positions, code, Path(path), digest)
