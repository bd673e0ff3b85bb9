"""The NIfTI header, checked before anything is allocated for the data that it announces."""

from dataclasses import dataclass
from pathlib import Path

import nibabel as nib
import numpy as np
from nibabel.spatialimages import HeaderDataError

from preprocess.errors import DataError
from preprocess.streams import describe_not_nifti

# A BraTS volume has 18 MB, a whole head at 0.5 mm in float32 half of this.
MAX_VOLUME_BYTES = 1 << 30
_DTYPES = {
    2: "u1", 4: "i2", 8: "i4", 16: "f4", 64: "f8", 256: "i1", 512: "u2", 768: "u4", 1024: "i8", 1280: "u8",
}  # fmt: skip
_REFUSED_DTYPES = {1: "binary", 32: "complex64", 128: "RGB24", 1536: "float128", 1792: "complex128",
                   2048: "complex256", 2304: "RGBA32"}  # fmt: skip
# Scanner, aligned, Talairach, MNI, other template; files with other codes say nothing that can be relied on.
_TRANSFORM_CODES = (1, 2, 3, 4, 5)
REDOWNLOAD = "copy it again or leave it out with --skip"


@dataclass(frozen=True)
class Header:
    """What one NIfTI header says, after its values have been checked.

    Attributes:
        path (Path): The file it stands in.
        kind (str): ``NIfTI-1`` or ``NIfTI-2``, with ``pair`` if the voxels are in an ``.img`` file.
        shape (tuple of int): Array shape without trailing dimensions of 1.
        dtype (numpy.dtype): Stored type, with its byte order.
        offset (int): Byte at which voxel data start.
        slope (float): Factor from stored to raw units; never 0.
        inter (float): Offset from stored to raw units.
        affine (numpy.ndarray or None): 4×4, voxel index to RAS+ in mm; None if the header gives none.
        affine_source (str): ``sform``, ``qform`` or ``none``.
        pixdim (tuple of float): Voxel size in mm as the header's ``pixdim`` has it.
    """

    path: Path
    kind: str
    shape: tuple
    dtype: np.dtype
    offset: int
    slope: float
    inter: float
    affine: np.ndarray | None
    affine_source: str
    pixdim: tuple

    @property
    def is_pair(self):
        """bool: Whether the voxels are in a separate ``.img`` file."""
        return self.kind.endswith("pair")

    @property
    def volume_bytes(self):
        """int: Bytes of one 3-D volume (one channel of a 4-D file)."""
        return int(np.prod(self.shape[:3], dtype=object)) * self.dtype.itemsize

    @property
    def data_bytes(self):
        """int: Bytes of all volumes of the file."""
        return int(np.prod(self.shape, dtype=object)) * self.dtype.itemsize


def _classify(head, path):
    """Header class, byte order and size from the first bytes."""
    for size, header_class, label in ((348, nib.Nifti1Header, "NIfTI-1"), (540, nib.Nifti2Header, "NIfTI-2")):
        for order, endianness in (("little", "<"), ("big", ">")):
            if int.from_bytes(head[:4], order) != size:
                continue
            if len(head) < size:
                raise DataError(path, f"its header ends after {len(head)} bytes (file truncated?)", REDOWNLOAD)
            magic = head[344:348] if size == 348 else head[4:8]
            if magic in (b"n+1\0", b"n+2\0"):
                return header_class, endianness, size, label
            if magic in (b"ni1\0", b"ni2\0"):
                return header_class, endianness, size, f"{label} pair"
            if size == 348 and magic == b"\0\0\0\0":
                raise DataError(path, "this is an Analyze 7.5 header, which does not say which side is left",
                                "convert it to NIfTI")  # fmt: skip
            raise DataError(path, f"NIfTI magic is {magic!r} (header damaged?)", REDOWNLOAD)
    raise DataError(path, *describe_not_nifti(head))


def _checked_shape(raw, path):
    dims = [int(value) for value in raw["dim"]]
    if not 1 <= dims[0] <= 7:
        raise DataError(path, f"header says {dims[0]} dimensions (header damaged?)", REDOWNLOAD)
    shape = dims[1 : dims[0] + 1]
    if min(shape) < 1:
        raise DataError(path, f"header says shape {times(shape)} (header damaged?)", REDOWNLOAD)
    while len(shape) > 3 and shape[-1] == 1:
        shape.pop()
    if len(shape) < 3 or 1 in shape[:3]:
        raise DataError(path, f"this is a 2-D image ({times(shape)}), not a volume", "give the 3-D volume")
    return tuple(shape)


def times(shape):
    """A shape in words.

    Args:
        shape (tuple of int): Such as (240, 240, 155).

    Returns:
        str: Such as ``240×240×155``.
    """
    return "×".join(str(value) for value in shape)


def _checked_offset(raw, single, header_size, path):
    value = float(raw["vox_offset"])
    smallest = header_size + 4 if single else 0
    if value == 0:
        return smallest
    if not np.isfinite(value) or not smallest <= value < MAX_VOLUME_BYTES or value != int(value):
        raise DataError(path, f"header says voxel data start at byte {value:g} (header damaged?)", REDOWNLOAD)
    return int(value)


def _affine(header, raw, path):
    for field in ("sform_code", "qform_code"):
        if int(raw[field]) not in _TRANSFORM_CODES:
            raw[field] = 0
    if not (raw["sform_code"] or raw["qform_code"]):
        return None, "none"
    source = "sform" if raw["sform_code"] else "qform"
    try:
        with np.errstate(all="ignore"):
            return np.asarray(header.get_best_affine(), dtype=np.float64), source
    except (HeaderDataError, ValueError, np.linalg.LinAlgError) as error:
        # `--orientation stored` does not need the affine, so this is for the one who does to refuse.
        return np.full((4, 4), np.nan), f"{source} ({error})"


def parse_header(head, path):
    """Check a header's bytes and take from them what slicing needs.

    Extensions, which can announce any length, are never read.

    Args:
        head (bytes): The first 540 bytes of the file, or fewer if it is shorter.
        path (Path): The file, for messages.

    Returns:
        Header: The header.

    Raises:
        DataError: If it is no NIfTI header, or announces what cannot be.
    """
    header_class, endianness, size, kind = _classify(head, path)
    header = header_class(binaryblock=bytes(head[:size]), endianness=endianness, check=False)
    raw = header.structarr
    code = int(raw["datatype"])
    if code not in _DTYPES:
        name = _REFUSED_DTYPES.get(code)
        reason = f"voxels are {name}, not single numbers" if name else f"unknown data type code {code}"
        raise DataError(path, reason, "convert it to a scalar type, or leave it out with --skip")
    shape = _checked_shape(raw, path)
    try:
        slope, inter = header.get_slope_inter()
    except HeaderDataError as error:
        raise DataError(path, f"intensity scaling cannot be used ({error})", REDOWNLOAD) from error
    affine, source = _affine(header, raw, path)
    checked = Header(
        path=Path(path),
        kind=kind,
        shape=shape,
        dtype=np.dtype(endianness + _DTYPES[code]),
        offset=_checked_offset(raw, not kind.endswith("pair"), size, path),
        slope=1.0 if slope is None else float(slope),
        inter=0.0 if inter is None else float(inter),
        affine=affine,
        affine_source=source,
        pixdim=tuple(abs(float(value)) for value in raw["pixdim"][1:4]),
    )
    if checked.volume_bytes > MAX_VOLUME_BYTES:
        raise DataError(path, f"header says {times(shape)} voxels of {checked.dtype.itemsize} bytes, "
                        f"over the limit of {MAX_VOLUME_BYTES >> 20} MiB (header damaged?)", REDOWNLOAD)  # fmt: skip
    return checked
