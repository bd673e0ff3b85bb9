"""The software that a set was made with."""

import platform
import zlib

import nibabel
import numpy
import PIL


def versions():
    """Versions of what decides a set's bytes.

    Returns:
        dict: Name to version.
    """
    return {
        "python": platform.python_version(),
        "numpy": numpy.__version__,
        "nibabel": nibabel.__version__,
        "pillow": PIL.__version__,
        "zlib": zlib.ZLIB_RUNTIME_VERSION,
    }
