"""Files: only regular ones are read, and a folder is written beside its place and renamed when it is whole."""

import contextlib
import errno
import fcntl
import hashlib
import os
import shutil
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from preprocess.errors import DataError, OutputError, reason_of

_LEAVE_OUT = "leave it out (build: --skip)"
_BLOCK = 1 << 20
_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_SYNCS_AT_ONCE = 16


def open_regular(path):
    """Open a file for reading; a pipe or a device, which could go on for ever, is refused.

    Args:
        path (str or Path): The file.

    Returns:
        io.BufferedReader: The open file.

    Raises:
        DataError: If it cannot be opened or is not a regular file.
    """
    path = Path(path)
    try:
        if path.is_symlink() and not path.exists():
            raise DataError(path, broken_link(path), f"restore the file that it points to, or {_LEAVE_OUT}")
        if path.is_dir():
            raise DataError(path, "this is a folder, not a file", f"move the file out of it, or {_LEAVE_OUT}")
        if path.exists() and not path.is_file():
            raise DataError(path, "this is not a regular file", "put a plain file in its place")
        return path.open("rb")
    except OSError as error:
        raise DataError(path, f"cannot open ({reason_of(error)})", "check the path and its permissions") from error


def broken_link(path):
    """What is wrong with a link that cannot be followed.

    Args:
        path (Path): The link.

    Returns:
        str: Words.
    """
    circle = path.exists() or os.path.realpath(path) == os.path.abspath(path)
    return f"this link leads {'in a circle' if circle else 'nowhere'}, to {os.readlink(path)}"


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
        with open_regular(path) as file:
            try:
                while block := file.read(_BLOCK):
                    digest.update(block)
            except OSError as error:
                raise DataError(path, f"cannot read ({reason_of(error)})", f"copy it again, or {_LEAVE_OUT}") from error
    return digest.hexdigest()


@contextlib.contextmanager
def output_errors(path):
    """Turn operating system errors about the output into one clear line.

    Args:
        path (Path): What is being written, for the message.

    Raises:
        OutputError: In place of an :class:`OSError`.
    """
    try:
        yield
    except OSError as error:
        remedy = "check the folder and its permissions"
        if error.errno in _FULL:
            remedy = "free some space and run it again"
        raise OutputError(path, f"cannot write ({reason_of(error)})", remedy) from error


@contextlib.contextmanager
def built_beside(out):
    """Write a folder beside its place, for one process alone; it takes the place when the block ends well.

    What a killed run left beside it is removed by the next one.

    Args:
        out (Path): The place; a folder that is there is replaced.

    Yields:
        Path: An empty folder to write into.

    Raises:
        OutputError: If another process is writing it, or the disk does not take it.
    """
    place = Path(os.path.realpath(out))
    work = place.with_name(f".{place.name}.unfinished")
    with output_errors(out):
        lock = _hold(work, out)
        try:
            for left in work.iterdir():
                shutil.rmtree(left) if left.is_dir() and not left.is_symlink() else left.unlink()
            yield work
            with ThreadPoolExecutor(_SYNCS_AT_ONCE) as executor:
                list(executor.map(_sync, [*work.rglob("*"), work]))
            _move(work, place)
        except BaseException:
            shutil.rmtree(work, ignore_errors=True)
            raise
        finally:
            os.close(lock)


def _hold(work, out):
    """Make a folder and lock it; the system lets go of it however the process ends."""
    # Workers of a run that was just killed hold the folder until they notice.
    deadline = time.monotonic() + 1
    while True:
        work.mkdir(parents=True, exist_ok=True)
        lock = os.open(work, os.O_RDONLY)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(lock)
            if time.monotonic() > deadline:
                raise OutputError(out, "another run is making it", "wait for it, or choose another --out") from None
            time.sleep(0.05)
            continue
        # The holder before may have renamed or removed the folder between our opening and our locking it.
        with contextlib.suppress(FileNotFoundError):
            if os.path.samestat(os.fstat(lock), os.stat(work)):
                return lock
        os.close(lock)


def _sync(path):
    """Make a file, or the names in a folder, outlive a power cut."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    except OSError as error:
        # Some network file systems cannot sync a folder.
        if error.errno not in (errno.EINVAL, errno.ENOTSUP):
            raise
    finally:
        os.close(descriptor)


def _move(work, place):
    """Put a finished folder into its place; the one before it is there or gone, never half of it."""
    old = place.with_name(f".{place.name}.old")
    shutil.rmtree(old, ignore_errors=True)
    if place.exists():
        os.rename(place, old)
    os.rename(work, place)
    _sync(place.parent)
    shutil.rmtree(old, ignore_errors=True)
