"""What the tests share: small slice sets, and jobs under mpiexec."""

import csv
import hashlib
import json
import os
import pathlib
import shutil
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

ROOT = pathlib.Path(__file__).parent.parent
SMALL = {"image_size": 16, "width": 1 / 64}


def write_slice_set(folder, n=16, size=16, held_out=0, seed=0, subjects=("phantom",)):
    """A slice set of smooth random blobs, in the form that preprocess writes; the subjects take turns."""
    folder.mkdir(parents=True)
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:size, :size] / size - 0.5
    with (folder / "manifest.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["file", "subject", "split", "slice", "sha256"])
        for i in range(n + held_out):
            dy, dx, radius = rng.uniform(-0.2, 0.2), rng.uniform(-0.2, 0.2), rng.uniform(0.2, 0.4)
            grey = 200 * np.exp(-((y - dy) ** 2 + (x - dx) ** 2) / radius ** 2) + 20 * rng.random((size, size))
            name = f"phantom_img_{i:05d}.png"
            Image.fromarray(grey.astype(np.uint8)).save(folder / name)
            writer.writerow([name, subjects[i % len(subjects)], "train" if i < n else "held-out", i,
                             hashlib.sha256((folder / name).read_bytes()).hexdigest()])
    description = {"format": "slice set", "version": 1, "slices": n + held_out, "size": size}
    (folder / "dataset.json").write_text(json.dumps(description))
    return folder


def mpiexec():
    """The launcher that belongs to the MPI in use: that of the virtual environment, else the machine's."""
    beside_python = str(pathlib.Path(sys.executable).parent)
    return shutil.which("mpiexec", path=os.pathsep.join([beside_python, os.environ.get("PATH", "")]))


def run_job(*command, ranks=None, cwd=None, timeout=120, **environment):
    """Run a Python program, under mpiexec if a number of ranks is given; returns the completed process."""
    launcher = [mpiexec(), "-n", str(ranks)] if ranks else []
    return subprocess.run(
        [*launcher, sys.executable, *map(str, command)], cwd=cwd or ROOT, timeout=timeout,
        capture_output=True, text=True, env={**os.environ, **environment, "PYTHONPATH": os.pathsep.join(
            filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))})


def missing(reason):
    """Skip a test whose tools this machine lacks; where continuous integration has to have them, fail."""
    if os.environ.get("CI") == "true":
        pytest.fail(f"{reason}, and with CI=true it must not be missing")
    pytest.skip(reason)
