"""Writing files so that what is there is whole, and keeping a second process out of the folder."""

import contextlib
import errno
import fcntl
import json
import os
import time
from concurrent.futures import ThreadPoolExecutor

from preprocess.errors import OutputError, reason_of

# Everything that is not part of a finished set lies in here, and goes when the set is finished.
WORK_NAME = ".unfinished"
_SYNCS_AT_ONCE = 16
_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


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
            remedy = "free some space; the same command then goes on where it stopped"
        raise OutputError(path, f"cannot write ({reason_of(error)})", remedy) from error


def write_whole(path, data, work):
    """Write a file that appears under its name only when all of it is written.

    Args:
        path (Path): The file.
        data (bytes): Its content.
        work (Path): A folder on the same file system for the unfinished file.

    Raises:
        OutputError: If it cannot be written; nothing is left behind then.
    """
    unfinished = work / f"{path.name}.tmp"
    with output_errors(path):
        try:
            unfinished.write_bytes(data)
            os.replace(unfinished, path)
        except BaseException:
            with contextlib.suppress(OSError):
                unfinished.unlink()
            raise


def sync(path):
    """Make a file, or the names in a folder, outlive a power cut.

    Args:
        path (Path): The file or folder.

    Raises:
        OutputError: If the disk does not take it.
    """
    with output_errors(path):
        descriptor = os.open(path, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        except OSError as error:
            # Some network file systems cannot sync a folder.
            if error.errno not in (errno.EINVAL, errno.ENOTSUP):
                raise
        finally:
            os.close(descriptor)


def sync_all(paths):
    """Sync many files.

    They are written without waiting for the disk and synced together: one after the other each would wait for the disk
    by itself.

    Args:
        paths (list of Path): The files.

    Raises:
        OutputError: If the disk does not take one.
    """
    with ThreadPoolExecutor(_SYNCS_AT_ONCE) as executor:
        for _ in executor.map(sync, paths):
            pass


def to_json(value):
    """JSON as this package writes it.

    Args:
        value: What to write.

    Returns:
        bytes: UTF-8, indented, keys in the order given.
    """
    return (json.dumps(value, indent=2, ensure_ascii=False) + "\n").encode()


@contextlib.contextmanager
def exclusive(folder):
    """Hold a folder for this process alone; the system lets go of it however the process ends.

    Args:
        folder (Path): The folder to hold; it gets a file ``lock``.

    Raises:
        OutputError: If another process holds it.
    """
    # Workers of a run that was just killed hold the folder until they notice.
    deadline = time.monotonic() + 1
    with output_errors(folder):
        while True:
            folder.mkdir(parents=True, exist_ok=True)
            file = open(folder / "lock", "a")  # noqa: SIM115
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError as error:
                file.close()
                if error.errno not in (errno.EWOULDBLOCK, errno.EAGAIN, errno.EACCES):
                    raise
                if time.monotonic() < deadline:
                    time.sleep(0.05)
                    continue
                raise OutputError(folder.parent, "another run is writing into this folder",
                                  "wait for it, or choose another --out") from error  # fmt: skip
            # The holder before may have removed the file between our opening and our locking it.
            with contextlib.suppress(FileNotFoundError):
                if os.path.samestat(os.fstat(file.fileno()), os.stat(folder / "lock")):
                    break
            file.close()
    try:
        yield
    finally:
        # A folder in which nothing was begun is left as it was found.
        with contextlib.suppress(OSError):
            if os.listdir(folder) == ["lock"]:
                (folder / "lock").unlink()
                folder.rmdir()
        file.close()
