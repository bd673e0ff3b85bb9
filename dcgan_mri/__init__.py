"""A DCGAN that learns axial T2-FLAIR brain slices, after Cepa, Brito and Sousa."""

import importlib.util
import os
import sys


def _check_interpreter():
    """End a program that another Python was started with than the one that the project is installed for: in one line.

    A launcher of another environment brings its own interpreter. What follows here would be a traceback on every rank.
    """
    missing = [name for name in ("numpy", "chainer", "mpi4py") if importlib.util.find_spec(name) is None]
    if sys.version_info < (3, 10):  # noqa: UP036, that is what is to be found out
        reason = "is Python %d.%d; dcgan_mri needs 3.10 to 3.13" % sys.version_info[:2]  # noqa: UP031, runs on 3.5
    elif missing:
        reason = "has no " + ", ".join(missing)
    else:
        return
    first = os.environ.get("PMI_RANK", os.environ.get("OMPI_COMM_WORLD_RANK", "0")) == "0"
    if first:
        sys.stderr.write("dcgan_mri: error: " + sys.executable + " " + reason + "; use the environment that `make "
                         "setup` made: .venv/bin/python, and .venv/bin/mpiexec for many ranks\n")
    sys.exit(1)


if sys.argv[:1] == ["-m"]:  # a program of this package is about to run
    _check_interpreter()
