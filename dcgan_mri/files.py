"""Files that are whole or absent."""

import contextlib
import os
import pathlib
import tempfile


@contextlib.contextmanager
def whole_file(path):
    """Write a file under a temporary name and rename it when it is complete, so that no half-written file is seen.

    Args:
        path (str or Path): The file to be.

    Yields:
        file: Open for binary writing.
    """
    path = pathlib.Path(path)
    handle, temporary = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        os.chmod(temporary, 0o666 & ~_umask())
        os.replace(temporary, path)
    except BaseException:
        os.unlink(temporary)
        raise


def _umask():
    mask = os.umask(0)
    os.umask(mask)
    return mask
