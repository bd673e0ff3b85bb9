"""One volume by nibabel, checked, and turned so that its slices lie as 3D Slicer's axial view shows them."""

import contextlib
import gzip
import re
import zlib
from dataclasses import dataclass
from pathlib import Path

import nibabel as nib
import numpy as np
from nibabel.arrayproxy import ArrayProxy
from nibabel.nifti1 import data_type_codes
from nibabel.orientations import (
    apply_orientation,
    axcodes2ornt,
    inv_ornt_aff,
    io_orientation,
    ornt2axcodes,
    ornt_transform,
)
from nibabel.spatialimages import HeaderDataError

from preprocess.errors import DataError, reason_of
from preprocess.files import open_regular, sha256_of

# Columns run from the patient's right to the left, rows from front to back, slices from bottom to top.
SLICER_AXIAL = ("L", "P", "S")
# A BraTS volume has 18 MB, a whole head at 0.5 mm in float32 half of this.
_MAX_BYTES = 1 << 30
# deflate cannot pack tighter than 1032:1, so a file's size bounds what it can hold.
_MAX_DEFLATE_RATIO = 1032
_SLACK = 1 << 20
_SPACING_RANGE = (1e-3, 1e3)
# Scanner, aligned, Talairach, MNI, other template; files with other codes say nothing that can be relied on.
_TRANSFORM_CODES = (1, 2, 3, 4, 5)
_PAIR_NAME = re.compile(r"\.hdr(\.gz)?$", re.IGNORECASE)
_COPY_AGAIN = "copy it again or leave it out with --skip"
_TURN_REMEDY = "if the array lies as BraTS arrays do, use --orientation stored; else leave it out with --skip"


@dataclass(frozen=True)
class Volume:
    """A volume in the order of 3D Slicer's axial view.

    Attributes:
        voxels (numpy.ndarray): (column, row, slice) in the file's raw units (``scl_slope`` and ``scl_inter`` applied).
        spacing (tuple of float): Distance of columns, rows and slices in mm.
        positions (numpy.ndarray or None): Superior coordinate of each slice's middle in mm; None if not known.
        orientation (str): How the array was stored, such as ``LPS``; ``stored`` if the header was not asked.
        source (Path): The file.
        sha256 (str): SHA-256 of the file.
        description (str): What the header's ``descrip`` says.
    """

    voxels: np.ndarray
    spacing: tuple
    positions: np.ndarray | None
    orientation: str
    source: Path
    sha256: str
    description: str = ""


@contextlib.contextmanager
def _opened(path):
    """The plain bytes of a file, and the most that there can be of them.

    Whether it is gzip is read from its content: files misnamed in both ways occur.
    """
    with open_regular(path) as file:
        size = path.stat().st_size
        packed = file.peek(2)[:2] == b"\x1f\x8b"
        try:
            yield (gzip.GzipFile(fileobj=file), size * _MAX_DEFLATE_RATIO) if packed else (file, size)
        except (zlib.error, gzip.BadGzipFile) as error:
            raise DataError(path, "cannot read voxel data (compressed data damaged)", _COPY_AGAIN) from error
        except (EOFError, OSError) as error:
            # nibabel's own error about missing bytes has no number.
            why = reason_of(error) if getattr(error, "errno", None) else "file truncated?"
            raise DataError(path, f"cannot read voxel data ({why})", _COPY_AGAIN) from error


def read_header(path):
    """Read and check the header of a file. Extensions, which can announce any length, are never read.

    Args:
        path (Path): A ``.nii``, ``.nii.gz`` or ``.hdr`` file.

    Returns:
        nibabel.Nifti1Header: The header (of NIfTI-2 too), with a shape without trailing dimensions of 1, the true
        ``vox_offset``, and ``sform_code`` and ``qform_code`` 0 where they say nothing.

    Raises:
        DataError: If the file cannot be read, is not NIfTI, or announces what cannot be.
    """
    with _opened(path) as (file, _):
        head = file.read(540)
    header = _header_of(head, path)
    shape = _check_shape([int(value) for value in header["dim"]], path)
    header.set_data_shape(shape)
    header["vox_offset"] = _check_offset(float(header["vox_offset"]), header, path)
    try:
        itemsize = _check_dtype(header, path).itemsize
        scaled = header.get_slope_inter() not in ((None, None), (1.0, 0.0))
    except HeaderDataError as error:
        raise DataError(path, f"intensity scaling cannot be used ({error})", _COPY_AGAIN) from error
    if int(np.prod(shape[:3], dtype=object)) * (8 if scaled else itemsize) > _MAX_BYTES:
        raise DataError(path, f"header says {times(shape)} voxels of {itemsize} bytes, "
                        f"over the limit of {_MAX_BYTES >> 20} MiB (header damaged?)", _COPY_AGAIN)
    for code in ("sform_code", "qform_code"):
        if int(header[code]) not in _TRANSFORM_CODES:
            header[code] = 0
    return header


def _header_of(head, path):
    for kind in (nib.Nifti1Header, nib.Nifti2Header):
        for order, endianness in (("little", "<"), ("big", ">")):
            if int.from_bytes(head[:4], order) != kind.sizeof_hdr:
                continue
            if len(head) < kind.sizeof_hdr:
                raise DataError(path, f"its header ends after {len(head)} bytes (file truncated?)", _COPY_AGAIN)
            header = kind(head[:kind.sizeof_hdr], endianness, check=False)
            magic = header["magic"].item()
            if not magic and kind is nib.Nifti1Header:
                raise DataError(path, "this is an Analyze 7.5 header, which does not say which side is left",
                                "convert it to NIfTI")
            if magic not in (kind.single_magic, kind.pair_magic):
                raise DataError(path, f"NIfTI magic is {magic!r} (header damaged?)", _COPY_AGAIN)
            return header
    text = head.lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if not head:
        raise DataError(path, "the file is empty", "copy or download it again, or leave it out with --skip")
    if text.startswith(b"version https://git-lfs"):
        raise DataError(path, "this is a Git LFS pointer, not the volume", "fetch the real file with `git lfs pull`")
    if text.startswith((b"<!doctype", b"<html", b"<?xml", b"<head")):
        raise DataError(path, "this is a web page, not a volume",
                        "download it again (a login page was saved in its place?)")
    raise DataError(path, "this is not a NIfTI file", "check the download, or leave it out with --skip")


def _check_shape(dim, path):
    if not 1 <= dim[0] <= 7:
        raise DataError(path, f"header says {dim[0]} dimensions (header damaged?)", _COPY_AGAIN)
    shape = dim[1 : dim[0] + 1]
    if min(shape) < 1:
        raise DataError(path, f"header says shape {times(shape)} (header damaged?)", _COPY_AGAIN)
    while len(shape) > 3 and shape[-1] == 1:
        shape.pop()
    if len(shape) < 3 or 1 in shape[:3]:
        raise DataError(path, f"this is a 2-D image ({times(shape)}), not a volume", "give the 3-D volume")
    if len(shape) > 4:
        raise DataError(path, f"it is {len(shape)}-D ({times(shape)})", "save one 3-D volume of it")
    return tuple(shape)


def _check_offset(value, header, path):
    smallest = 0 if is_pair(header) else header.single_vox_offset
    if value == 0:
        return smallest
    if not np.isfinite(value) or not smallest <= value < _MAX_BYTES or value != int(value):
        raise DataError(path, f"header says voxel data start at byte {value:g} (header damaged?)", _COPY_AGAIN)
    return int(value)


def _check_dtype(header, path):
    code = int(header["datatype"])
    if code not in data_type_codes.dtype:
        raise DataError(path, f"unknown data type code {code}", _COPY_AGAIN)
    dtype = header.get_data_dtype()
    if dtype.kind not in "iuf" or dtype.itemsize > 8:
        raise DataError(path, f"voxels are {data_type_codes.label[code]}, not single numbers",
                        "convert it to a scalar type, or leave it out with --skip")
    return dtype


def times(shape):
    """A shape in words.

    Args:
        shape (tuple of int): Such as (240, 240, 155).

    Returns:
        str: Such as ``240×240×155``.
    """
    return "×".join(str(value) for value in shape)


def is_pair(header):
    """Whether the voxels are in a separate ``.img`` file.

    Args:
        header (nibabel.Nifti1Header): A header.

    Returns:
        bool: The answer.
    """
    return header["magic"].item() == header.pair_magic


def _image_of(path):
    """The ``.img`` file of a ``.hdr`` file."""
    match = _PAIR_NAME.search(path.name)
    if not match:
        raise DataError(path, "its header says the voxels are in an .img file, but it is no .hdr file",
                        "give the .hdr file of the pair")
    stem = path.name[: match.start()]
    for ending in (".img", ".img.gz", ".IMG"):
        if (image := path.with_name(stem + ending)).exists():
            return image
    raise DataError(path, f"its voxel file {stem}.img is missing", "put it beside the header, or use --skip")


def source_sha256(path):
    """SHA-256 of a source as the manifest has it.

    Args:
        path (Path): A file.

    Returns:
        str: Of the file; of a pair's header and image file one after the other.

    Raises:
        DataError: If it cannot be read.
    """
    return sha256_of(path, _image_of(path)) if _PAIR_NAME.search(path.name) else sha256_of(path)


def _check_channel(shape, channel, path):
    if len(shape) == 3:
        if channel not in (None, 0):
            raise DataError(path, f"it holds one volume, not a channel {channel}", "leave out --channel")
    elif channel is None:
        raise DataError(path, f"it is 4-D ({times(shape)}) and does not say which of its {shape[3]} volumes to take",
                        f"choose one with --channel 0 … {shape[3] - 1}")
    elif not 0 <= channel < shape[3]:
        raise DataError(path, f"it has channels 0 … {shape[3] - 1}, not {channel}", "choose another --channel")


def read_voxels(path, header, channel=None):
    """Read one 3-D volume of a file, in raw units.

    Args:
        path (Path): The file.
        header (nibabel.Nifti1Header): What :func:`read_header` gave.
        channel (int or None): Which volume of a 4-D file, from 0.

    Returns:
        numpy.ndarray: (i, j, k) as stored, in native byte order; float64 if the header scales it.

    Raises:
        DataError: If the file does not hold what its header says.
    """
    shape, dtype, offset = header.get_data_shape(), header.get_data_dtype(), int(header["vox_offset"])
    _check_channel(shape, channel, path)
    slope, inter = header.get_slope_inter()
    scaling = (1.0, 0.0) if slope is None else (slope, inter)
    image = _image_of(path) if is_pair(header) else path
    with _opened(image) as (file, capacity):
        end = offset + int(np.prod(shape, dtype=object)) * dtype.itemsize
        if end > capacity:
            raise DataError(image, f"cannot read voxel data (file truncated? its header promises {end} bytes, "
                            f"the file has {image.stat().st_size})", _COPY_AGAIN)
        proxy = ArrayProxy(file, (shape, dtype, offset, *scaling), mmap=False)
        with np.errstate(over="ignore", invalid="ignore"):
            voxels = np.asanyarray(proxy) if len(shape) == 3 else proxy[..., channel]
        # The checksum of compressed data stands at their end, which must not be far behind the voxels.
        while isinstance(file, gzip.GzipFile) and file.read(_SLACK):
            if file.tell() > end + _SLACK:
                raise DataError(image, "cannot read voxel data (it holds more data than its header says)", _COPY_AGAIN)
    return voxels.astype(voxels.dtype.newbyteorder("="), copy=False)


def affine_of(header, path):
    """The affine of a header.

    Args:
        header (nibabel.Nifti1Header): What :func:`read_header` gave.
        path (Path): Its file, for messages.

    Returns:
        numpy.ndarray: 4×4, voxel index to RAS+ in mm.

    Raises:
        DataError: If the header gives none, or one that cannot be.
    """
    if not (header["sform_code"] or header["qform_code"]):
        raise DataError(path, "its header says no orientation (qform_code and sform_code are 0)", _TURN_REMEDY)
    try:
        with np.errstate(all="ignore"):
            affine = np.asarray(header.get_best_affine(), dtype=np.float64)
            lengths = np.sqrt((affine[:3, :3] ** 2).sum(axis=0))
    except (HeaderDataError, ValueError, np.linalg.LinAlgError) as error:
        raise DataError(path, f"its qform cannot be used ({error})", _TURN_REMEDY) from error
    if not np.isfinite(affine).all():
        raise DataError(path, "its affine is not a number", _TURN_REMEDY)
    if not ((lengths >= _SPACING_RANGE[0]) & (lengths <= _SPACING_RANGE[1])).all():
        sizes = " × ".join(f"{length:g}" for length in lengths)
        raise DataError(path, f"its affine gives voxels of {sizes} mm", _TURN_REMEDY)
    # Axes that are nearly in one plane span no volume, and no order of them is right.
    if np.isnan(io_orientation(affine)).any() or abs(np.linalg.det(affine[:3, :3] / lengths)) < 1e-3:
        raise DataError(path, "its affine maps two axes onto one direction", _TURN_REMEDY)
    return affine


def orientation_code(affine):
    """Where each stored axis points; for an oblique affine the nearest of the 48 axis orders.

    Args:
        affine (numpy.ndarray): 4×4.

    Returns:
        str: Three letters, such as ``LPS`` for BraTS.
    """
    return "".join(ornt2axcodes(io_orientation(affine)))


def load_volume(path, orientation="header", channel=None):
    """Load a volume for axial slicing. It is turned, never resampled.

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
    path = Path(path)
    header = read_header(path)
    affine = None if orientation == "stored" else affine_of(header, path)
    voxels = read_voxels(path, header, channel)
    description = header["descrip"].item().decode("latin-1")
    if affine is None:
        low, high = _SPACING_RANGE
        pixdim = [abs(float(value)) for value in header["pixdim"][1:4]]
        spacing = tuple(value if low <= value <= high else 1.0 for value in pixdim)
        return Volume(voxels, spacing, None, "stored", path, source_sha256(path), description)
    turn = ornt_transform(io_orientation(affine), axcodes2ornt(SLICER_AXIAL))
    turned = affine @ inv_ornt_aff(turn, voxels.shape)
    voxels = apply_orientation(voxels, turn)
    spacing = tuple(float(value) for value in np.sqrt((turned[:3, :3] ** 2).sum(axis=0)))
    middle = (np.array(voxels.shape[:2]) - 1) / 2
    positions = turned[2, :2] @ middle + turned[2, 2] * np.arange(voxels.shape[2]) + turned[2, 3]
    return Volume(voxels, spacing, positions, orientation_code(affine), path, source_sha256(path), description)
