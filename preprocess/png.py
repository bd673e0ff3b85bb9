"""Writing 8-bit grey PNGs: the few lines of the format that slices need."""

import struct
import zlib

import numpy as np

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
# Each row is stored as its difference from the row above.
_FILTER_UP = 2


def _chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(data, zlib.crc32(kind)))


def encode_png(grey):
    """An image as PNG.

    On brain slices one fixed filter and zlib's run-length strategy take a fraction of the time of an encoder that tries
    all filters, and the files are about as small; the bytes depend on no image library.

    Args:
        grey (numpy.ndarray): (row, column), uint8.

    Returns:
        bytes: The file's content.
    """
    height, width = grey.shape
    rows = np.empty((height, width + 1), dtype=np.uint8)
    rows[:, 0] = _FILTER_UP
    rows[0, 1:] = grey[0]
    np.subtract(grey[1:], grey[:-1], out=rows[1:, 1:])
    packer = zlib.compressobj(1, zlib.DEFLATED, zlib.MAX_WBITS, 9, zlib.Z_RLE)
    data = packer.compress(rows) + packer.flush()
    # Width, height, 8 bits a pixel, grey, and the only compression, filtering and order that are not interlaced.
    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return _SIGNATURE + _chunk(b"IHDR", header) + _chunk(b"IDAT", data) + _chunk(b"IEND", b"")
