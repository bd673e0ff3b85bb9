"""Reading a plain or gzip-compressed file once, front to back, with its SHA-256 on the way."""

import hashlib
import zlib
from pathlib import Path

from preprocess.errors import DataError, reason_of

GZIP_MAGIC = b"\x1f\x8b"
# deflate cannot pack tighter than 1032:1, so a file's size bounds what it can hold.
MAX_DEFLATE_RATIO = 1032
_READ = 1 << 18
_WRITE = 1 << 20


def describe_not_nifti(head):
    """Say what a file that is not NIfTI is instead, and what to do.

    Args:
        head (bytes): The first bytes of the (decompressed) file.

    Returns:
        tuple of str: Reason and remedy.
    """
    text = head.lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if not head:
        return "the file is empty", "copy or download it again, or leave it out with --skip"
    if text.startswith(b"version https://git-lfs"):
        return "this is a Git LFS pointer, not the volume", "fetch the real file with `git lfs pull`"
    if text.startswith((b"<!doctype", b"<html", b"<?xml", b"<head")):
        return "this is a web page, not a volume", "download it again (a login page was saved in its place?)"
    return "this is not a NIfTI file", "check the download, or leave it out with --skip"


class ByteStream:
    """The decompressed bytes of a file, in order, while the SHA-256 of the file itself is computed.

    Whether the file is compressed is read from its first bytes, not from its name: both kinds of misnamed file occur.

    Args:
        path (Path): The file.
        digest: A :mod:`hashlib` object to go on with, for data that lie in two files; a new one by default.

    Raises:
        DataError: If the file cannot be opened, is a folder, or is empty.
    """

    def __init__(self, path, digest=None):
        self.path = Path(path)
        self.digest = digest or hashlib.sha256()
        try:
            if self.path.is_dir():
                raise DataError(path, "this is a folder, not a file", "move the volume out of it, or use --skip")
            if self.path.is_symlink() and not self.path.exists():
                raise DataError(path, "this link points to nothing", "restore the file it points to, or use --skip")
            # Opening a pipe or a device could wait forever.
            if self.path.exists() and not self.path.is_file():
                raise DataError(path, "this is not a regular file", "give a NIfTI file")
            self._file = self.path.open("rb", buffering=0)
            self.file_size = self.path.stat().st_size
        except OSError as error:
            raise DataError(path, f"cannot open ({reason_of(error)})", "check the path and its permissions") from error
        self._pending = self._read_file()
        if not self._pending:
            self.close()
            raise DataError(path, *describe_not_nifti(b""))
        self.compressed = self._pending.startswith(GZIP_MAGIC)
        self._inflate = zlib.decompressobj(wbits=31) if self.compressed else None
        self._ended = False

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        """Close the file."""
        self._file.close()

    @property
    def capacity(self):
        """int: The most bytes this file can possibly hold once decompressed."""
        return self.file_size * MAX_DEFLATE_RATIO if self.compressed else self.file_size

    def _read_file(self):
        try:
            block = self._file.read(_READ)
        except OSError as error:
            raise DataError(self.path, f"cannot read ({reason_of(error)})", "copy it again, or use --skip") from error
        self.digest.update(block)
        return block

    def _next(self, limit):
        """At most ``limit`` more bytes; empty only at the end of the data."""
        if not self.compressed:
            if not self._pending:
                self._pending = self._read_file()
            block, self._pending = self._pending[:limit], self._pending[limit:]
            return block
        while not self._ended:
            if self._inflate.eof:
                # Files made by pigz or bgzip are several gzip streams one after the other.
                self._pending = self._inflate.unused_data.lstrip(b"\0") or self._read_file().lstrip(b"\0")
                if not self._pending.startswith(GZIP_MAGIC[:1]):
                    self._ended = True
                    break
                self._inflate = zlib.decompressobj(wbits=31)
            if not self._pending:
                self._pending = self._read_file()
                if not self._pending:
                    raise EOFError("compressed data end early")
            block = self._inflate.decompress(self._pending, limit)
            self._pending = self._inflate.unconsumed_tail
            if block:
                return block
        return b""

    def readinto(self, view):
        """Fill a buffer with the next bytes.

        Args:
            view (memoryview): Bytes to fill.

        Returns:
            int: How many bytes were written; less than asked only at the end of the data.

        Raises:
            DataError: If the file cannot be read or its compressed data are broken.
        """
        done = 0
        try:
            while done < len(view):
                block = self._next(min(_WRITE, len(view) - done))
                if not block:
                    break
                view[done : done + len(block)] = block
                done += len(block)
        except EOFError as error:
            raise self._broken("file truncated?") from error
        except zlib.error as error:
            raise self._broken("compressed data damaged") from error
        return done

    def _broken(self, why):
        return DataError(self.path, f"cannot read voxel data ({why})", "copy it again or leave it out with --skip")

    def skip(self, count):
        """Read and drop ``count`` bytes.

        Args:
            count (int): Number of bytes.

        Returns:
            int: How many there were.
        """
        scratch = memoryview(bytearray(min(count, _WRITE)))
        done = 0
        while done < count:
            got = self.readinto(scratch[: min(len(scratch), count - done)])
            if not got:
                break
            done += got
        return done

    def finish(self, allowance):
        """Read to the end, so that the checksum of compressed data is checked, and hash what is left of the file.

        Args:
            allowance (int): How many bytes may follow before the file counts as damaged.

        Returns:
            str: SHA-256 of the file as it lies on the disk, in hexadecimal.

        Raises:
            DataError: If compressed data are damaged or far longer than allowed.
        """
        if self.compressed and self.skip(allowance + 1) > allowance:
            raise self._broken("it holds more data than its header says")
        while self._read_file():
            pass
        return self.digest.hexdigest()


def sha256_of(*paths):
    """SHA-256 of files as they lie on the disk.

    Args:
        *paths (Path): One file, or several to hash one after the other.

    Returns:
        str: The digest in hexadecimal.

    Raises:
        DataError: If one cannot be read.
    """
    digest = hashlib.sha256()
    for path in paths:
        try:
            with open(path, "rb", buffering=0) as file:
                while block := file.read(_WRITE):
                    digest.update(block)
        except OSError as error:
            raise DataError(path, f"cannot read ({reason_of(error)})", "check the path and its permissions") from error
    return digest.hexdigest()
