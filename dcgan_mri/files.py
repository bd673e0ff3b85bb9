"""Files that are whole or absent, files that one process holds alone, and files that are nothing else."""

import contextlib
import errno
import fcntl
import os
import pathlib
import stat
import tempfile

from dcgan_mri.errors import DataError

TEMPORARY = ".unfinished"


@contextlib.contextmanager
def whole_file(path):
    """Write a file under a temporary name and rename it when it is complete, so that no half-written file is seen.

    Args:
        path (str or Path): The file to be.

    Yields:
        file: Open for binary writing.

    Raises:
        DataError: If it cannot be written, for example since the disk is full. What was there before stays.
    """
    path = pathlib.Path(path)
    try:
        handle, temporary = tempfile.mkstemp(prefix=f".{path.name}.", suffix=TEMPORARY, dir=path.parent)
        try:
            with os.fdopen(handle, "wb") as file:
                yield file
                file.flush()
                os.fsync(file.fileno())
            os.chmod(temporary, 0o666 & ~_umask())
            os.replace(temporary, path)
        except BaseException:
            with contextlib.suppress(FileNotFoundError):  # Ctrl-C may come just after it was renamed
                os.unlink(temporary)
            raise
    except OSError as error:
        reason = error.strerror or error
        remedy = "free some space, or choose another folder" if path.parent.is_dir() else f"make {path.parent} first"
        raise DataError(f"{path}: cannot write it ({reason}); {remedy}") from None


def write_text(path, text):
    """Write a text file, whole or not at all.

    Args:
        path (str or Path): The file.
        text (str): What goes in.

    Raises:
        DataError: If it cannot be written.
    """
    with whole_file(path) as file:
        file.write(text.encode())


@contextlib.contextmanager
def open_regular(path):
    """Open a file for reading, but wait for no pipe and read from no device.

    Args:
        path (str or Path): The file.

    Yields:
        file: Open for binary reading.

    Raises:
        OSError: If it cannot be opened, or is not a regular file.
    """
    # Without O_NONBLOCK, opening a named pipe waits until somebody writes into it.
    with open(path, "rb", opener=lambda name, flags: os.open(name, flags | os.O_NONBLOCK)) as file:
        if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            raise OSError(errno.EINVAL, "it is not a regular file")
        yield file


def lock(file):
    """Take an open file for this process alone, until it is closed or the process ends.

    Args:
        file (file): Open for writing.

    Returns:
        bool: False if another process has it. True also on a file system without locks.
    """
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:
        pass
    return True


def remove_leftovers(folder):
    """Delete temporary files that a killed process left behind.

    Args:
        folder (str or Path): Where to look, with the folders below; no other process may be writing there.
    """
    for path in pathlib.Path(folder).rglob(f".*{TEMPORARY}"):
        path.unlink()


def _umask():
    mask = os.umask(0)
    os.umask(mask)
    return mask
