"""Reading NIfTI files: the voxels of one volume as they are stored, and the hash of the file."""

import re
from pathlib import Path

import numpy as np

from preprocess.errors import DataError
from preprocess.header import REDOWNLOAD, parse_header, times
from preprocess.streams import ByteStream, sha256_of

_PAIR_NAME = re.compile(r"\.hdr(\.gz)?$", re.IGNORECASE)


def read_header(path):
    """Read and check the header of a file.

    Args:
        path (Path): A ``.nii``, ``.nii.gz`` or ``.hdr`` file.

    Returns:
        Header: Its header.

    Raises:
        DataError: If the file cannot be read or is not NIfTI.
    """
    with ByteStream(path) as stream:
        return _header_from(stream)[0]


def _header_from(stream):
    head = bytearray(348)
    got = stream.readinto(memoryview(head))
    if 540 in (int.from_bytes(head[:4], "little"), int.from_bytes(head[:4], "big")):
        head += bytes(192)
        got += stream.readinto(memoryview(head)[348:])
    return parse_header(bytes(head[:got]), stream.path), got


def _image_of(path):
    """The ``.img`` file of a ``.hdr`` file."""
    match = _PAIR_NAME.search(path.name)
    if not match:
        raise DataError(path, "its header says the voxels are in an .img file, but it is no .hdr file",
                        "give the .hdr file of the pair")  # fmt: skip
    stem = path.name[: match.start()]
    for ending in (".img", ".img.gz", ".IMG"):
        image = path.with_name(stem + ending)
        if image.exists():
            return image
    raise DataError(path, f"its voxel file {stem}.img is missing", "put it beside the header, or use --skip")


def read_nifti(path, channel=None):
    """Read the voxels of one 3-D volume as they are stored, without scaling them.

    Args:
        path (Path): A ``.nii``, ``.nii.gz`` or ``.hdr`` file.
        channel (int or None): Which volume of a 4-D file, from 0.

    Returns:
        tuple: The :class:`Header`; the voxels, (i, j, k) in the stored type but native byte order, Fortran order;
        the SHA-256 of the file (of header and image file one after the other for a pair).

    Raises:
        DataError: If anything about the file is not as it should be.
    """
    path = Path(path)
    with ByteStream(path) as stream:
        header, consumed = _header_from(stream)
        _check_channel(header, channel)
        if not header.is_pair:
            if stream.skip(header.offset - consumed) < header.offset - consumed:
                raise DataError(path, "it ends before its voxel data (file truncated?)", REDOWNLOAD)
            voxels, digest = _read_voxels(stream, header, channel or 0, consumed=header.offset)
            return header, voxels, digest
        stream.finish(allowance=1 << 20)
    with ByteStream(_image_of(path), stream.digest) as image:
        if image.skip(header.offset) < header.offset:
            raise DataError(image.path, "it ends before its voxel data (file truncated?)", REDOWNLOAD)
        voxels, digest = _read_voxels(image, header, channel or 0, consumed=header.offset)
    return header, voxels, digest


def source_sha256(path):
    """SHA-256 of a volume as the manifest has it.

    Args:
        path (Path): A ``.nii``, ``.nii.gz`` or ``.hdr`` file.

    Returns:
        str: Of the file; of a pair's header and image file one after the other.

    Raises:
        DataError: If it cannot be read.
    """
    path = Path(path)
    if not _PAIR_NAME.search(path.name):
        return sha256_of(path)
    return sha256_of(path, _image_of(path))


def _check_channel(header, channel):
    if len(header.shape) == 3:
        if channel not in (None, 0):
            raise DataError(header.path, f"it holds one volume, not a channel {channel}", "leave out --channel")
        return
    if len(header.shape) > 4:
        reason = f"it is {len(header.shape)}-D ({times(header.shape)})"
        raise DataError(header.path, reason, "save one 3-D volume of it")
    count = header.shape[3]
    if channel is None:
        raise DataError(header.path, f"it is 4-D ({times(header.shape)}) and does not say which of its {count} "
                        "volumes to take", f"choose one with --channel 0 … {count - 1}")  # fmt: skip
    if not 0 <= channel < count:
        raise DataError(header.path, f"it has channels 0 … {count - 1}, not {channel}", "choose another --channel")


def _read_voxels(stream, header, channel, consumed):
    needed = consumed + header.data_bytes
    if needed > stream.capacity:
        raise DataError(stream.path, f"cannot read voxel data (file truncated? its header promises {needed} bytes, "
                        f"the file has {stream.file_size})", REDOWNLOAD)  # fmt: skip
    before = header.volume_bytes * channel
    if stream.skip(before) < before:
        raise DataError(stream.path, "cannot read voxel data (file truncated?)", REDOWNLOAD)
    voxels = np.empty(header.volume_bytes // header.dtype.itemsize, dtype=header.dtype)
    if stream.readinto(memoryview(voxels.view(np.uint8))) < voxels.nbytes:
        raise DataError(stream.path, "cannot read voxel data (file truncated?)", REDOWNLOAD)
    rest = header.data_bytes - before - voxels.nbytes
    digest = stream.finish(allowance=rest + (1 << 20))
    if not voxels.dtype.isnative:
        voxels = voxels.byteswap(inplace=True).view(voxels.dtype.newbyteorder("="))
    return voxels.reshape(header.shape[:3], order="F"), digest
