"""Real jobs for the fault tests: started, watched and harmed."""

import contextlib
import json
import os
import pathlib
import signal
import subprocess
import sys
import time

from dcgan_mri.distributed.watchdog import folder_of
from tests.helpers import ROOT, mpiexec

# Without what `--measures auto` finds time for: which epochs that is depends on the clock.
SIZE = ["--image-size", 16, "--width", 1 / 64, "-g", "off", "--measures", "on"]


@contextlib.contextmanager
def job(*options, ranks=2, program=("-m", "dcgan_mri.train"), launcher=None, log):
    """A training in the background; what it says goes to a file. Nothing of it outlives the block."""
    command = [*(launcher or ([mpiexec(), "-n", ranks] if ranks > 1 else [])), sys.executable, *program, *options]
    with open(log, "w") as file:
        process = subprocess.Popen(
            [str(part) for part in command], cwd=ROOT, stdout=file, stderr=subprocess.STDOUT, start_new_session=True,
            env={**os.environ, "PYTHONPATH": str(ROOT)})
    try:
        yield process
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def processes(out, ranks):
    """Process numbers of all ranks, from their signs of life, which a rank may give some seconds after the others."""
    return wait_for(lambda: [json.loads((folder_of(out) / str(rank)).read_text())["pid"]
                             for rank in range(ranks)])


def wait_for(condition, seconds=60):
    """Wait until something holds; what it returned then."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        with contextlib.suppress(OSError, ValueError):
            result = condition()
            if result:
                return result
        time.sleep(0.02)
    raise AssertionError("waited in vain")


def running(pid):
    """Whether a process is there and no zombie."""
    try:
        return pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def wait_for_iteration(out, iteration, ranks=2):
    """Wait until a run has come so far, by its log (an entry for each epoch); its processes."""
    wait_for(lambda: json.loads((pathlib.Path(out) / "log").read_text())[-1]["iteration"] >= iteration)
    return processes(out, ranks) if ranks > 1 else None
