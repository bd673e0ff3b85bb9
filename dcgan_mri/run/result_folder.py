"""The result folder: what a run leaves behind, and what it says of itself."""

import contextlib
import datetime
import importlib.metadata
import json
import os
import pathlib
import platform
import shutil
import subprocess
import sys
import time

from dcgan_mri.errors import DataError, UsageError
from dcgan_mri.files import TEMPORARY, lock, remove_leftovers, write_text

# What stands in the folder; the names of grids and snapshots are in `sample_grids` and `snapshots`.
CONFIG = "config.yaml"
ENVIRONMENT = "environment.json"
LOG = "log"
CURVES = "loss.png"
SCALE = "measures.json"
GENERATOR = "generator.npz"
BEST = "generator_best.json"
BEST_GENERATOR = "generator_best.npz"
PAGE = "index.html"
LOCK = ".lock"
# A launcher passes Ctrl-C on to one rank after the other: all are to have stopped writing before a folder is removed.
SECONDS_TO_STOP = 0.5

PACKAGES = ("chainer", "numpy", "numba", "cupy-cuda12x", "cupy-cuda13x", "nvidia-cudnn-cu12", "nvidia-cudnn-cu13",
            "nvidia-cudnn-frontend", "nvidia-nccl-cu12", "nvidia-nccl-cu13", "mpi4py", "mpich", "pillow",
            "scikit-image", "scipy", "matplotlib", "pyyaml")


@contextlib.contextmanager
def making(folder):
    """Turn what the system says of a folder that cannot be made into an error for the user.

    Args:
        folder (str or Path): The folder that the block makes.

    Raises:
        DataError: In place of an `OSError` from the block.
    """
    try:
        yield
    except OSError as error:
        raise DataError(f"{folder}: cannot make the folder ({error.strerror}); give another one by -o") from None


def open_new(out, instead=""):
    """Make the folder of something new, without what a killed process left unfinished there.

    Args:
        out (str or Path): The folder.
        instead (str): What the user can do about one that is taken, besides giving another.

    Raises:
        UsageError: If it holds something already: results are never overwritten.
        DataError: If it cannot be made.
    """
    path = pathlib.Path(out)
    with making(out):
        taken = path.exists() and (not path.is_dir() or any(
            entry.name not in (LOCK, TEMPORARY) for entry in path.iterdir()))
        if not taken:
            path.mkdir(parents=True, exist_ok=True)
            shutil.rmtree(path / TEMPORARY, ignore_errors=True)
    if taken:
        raise UsageError(f"{out}: exists already; {instead}give another folder by -o")


@contextlib.contextmanager
def whole_folder(out, first=True):
    """Fill a folder, which shows what was written once all of it is there; nothing stays if the block fails.

    Under MPI every rank enters it: the first one shows it all, after the others have written their last; the last one
    to leave a failed block finds nobody writing any more.

    Args:
        out (str or Path): The folder, from `open_new`.
        first (bool): Whether this is the first rank.

    Yields:
        Path: The folder to write into.
    """
    path = pathlib.Path(out).resolve()
    unfinished = path / TEMPORARY
    try:
        with making(out):
            unfinished.mkdir(exist_ok=True)
        yield unfinished
        if first:
            for entry in unfinished.iterdir():
                entry.rename(path / entry.name)
            unfinished.rmdir()
    except BaseException as error:
        if isinstance(error, KeyboardInterrupt):
            time.sleep(SECONDS_TO_STOP)
        shutil.rmtree(path, ignore_errors=True)
        raise


def claim(out):
    """Take a folder for this process alone, as long as it lives, and clear away what a killed one left half-written.

    Args:
        out (str or Path): The folder.

    Returns:
        file: Keep it open: the claim ends with it.

    Raises:
        DataError: If another run is writing there, or nothing can be written.
    """
    path = pathlib.Path(out)
    try:
        file = (path / LOCK).open("w")
    except OSError as error:
        raise DataError(f"{out}: cannot write into it ({error.strerror}); give another folder by -o") from None
    if not lock(file):
        raise DataError(f"{out}: another run is writing there; wait for it to end, or give another by -o")
    remove_leftovers(path)
    return file


def is_begun(out):
    """Whether a folder is that of a run, which may have ended before its first snapshot.

    Args:
        out (str or Path): The folder.

    Returns:
        bool: Whether a file is there that a run writes when it starts.
    """
    return any((pathlib.Path(out) / name).exists() for name in (CONFIG, ENVIRONMENT))


def last_start(out):
    """What a run last noted of itself.

    Args:
        out (str or Path): Result folder.

    Returns:
        dict: The newest entry of ``environment.json``; empty if there is none.
    """
    return (_starts(out) or [{}])[-1]


def was_trained_on(out, slices):
    """Whether a run was trained on these slices, by their manifest.

    Args:
        out (str or Path): Result folder.
        slices (dcgan_mri.slice_set.Slices): The slices.

    Returns:
        bool: True also where the folder does not tell.
    """
    return last_start(out).get("slices_sha256", slices.fingerprint) == slices.fingerprint


def _starts(out):
    """What ``environment.json`` lists; nothing if it is missing or damaged, which is no reason to lose a run."""
    try:
        starts = json.loads((pathlib.Path(out) / ENVIRONMENT).read_text(encoding="utf-8"))["starts"]
        return [start for start in starts if isinstance(start, dict)]
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return []


def record_start(out, facts):
    """Add an entry to ``environment.json``: versions, machine, revision, and what the caller knows.

    Args:
        out (str or Path): Result folder.
        facts (dict): Device, communicator, ranks and the like.
    """
    path = pathlib.Path(out) / ENVIRONMENT
    starts = _starts(out)
    starts.append({
        "time": datetime.datetime.now().astimezone().isoformat(timespec="seconds"),
        "command": sys.argv,
        "git_revision": git_revision(),
        "python": platform.python_version(),
        "platform": platform.platform(),
        "cores": os.cpu_count(),
        "packages": _versions(),
        **facts,
    })
    write_text(path, json.dumps({"starts": starts}, indent=2) + "\n")


def _versions():
    versions = {}
    for name in PACKAGES:
        try:
            versions[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            versions[name] = None
    return versions


def git_revision():
    """The commit of the source, marked if this package was changed since.

    What a run writes into the checkout, such as the experiments' report, changes nothing that the next run does.

    Returns:
        str: Its hash, with ``-dirty`` behind it if changed; None outside a checkout.
    """
    git = ["git", "-C", str(pathlib.Path(__file__).parent.parent)]
    try:
        head, changed = (subprocess.run([*git, *command], capture_output=True, text=True, timeout=10, check=True).stdout
                         for command in (["rev-parse", "HEAD"], ["diff", "HEAD", "--name-only", "--", "."]))
    except (OSError, subprocess.SubprocessError):
        return None
    return head.strip() + ("-dirty" if changed else "")
