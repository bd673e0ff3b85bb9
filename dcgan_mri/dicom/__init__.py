"""Generated images as DICOM objects. README.rst says what they say of themselves and why."""

import importlib.util

from dcgan_mri.errors import UsageError


def check_installed(wanted_by, *packages):
    """Refuse to begin without the packages that a plain installation leaves out.

    Args:
        wanted_by (str): Option or program that the message names.
        *packages (str): Names to import, which are those that pip takes.

    Raises:
        UsageError: If one is not installed.
    """
    if any(importlib.util.find_spec(package) is None for package in packages):
        raise UsageError(f"{wanted_by} needs {' and '.join(packages)}; `pip install {' '.join(packages)}`")
