"""The Slurm script with stand-ins for Slurm: interrupted, it puts itself back into the queue and then goes on."""

import contextlib
import os
import shutil
import signal
import subprocess
import sys

import pytest

from dcgan_mri.run import snapshots
from tests.faults.jobs import SIZE, wait_for
from tests.helpers import ROOT

pytestmark = pytest.mark.faults
SCRIPT = ROOT / "experiments" / "cluster" / "train.slurm"


@pytest.fixture
def cluster(tmp_path, slices16):
    """Environment of a job, with an scontrol that writes down what it is asked for, and a virtual environment."""
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "scontrol").write_text(f'#!/bin/sh\necho "$@" >> {tmp_path}/asked\n')
    (tmp_path / "bin" / "scontrol").chmod(0o755)
    (tmp_path / "bin" / "activate").write_text(f'PATH="{tmp_path}/bin:{os.path.dirname(sys.executable)}:$PATH"\n')
    return {**os.environ, "VENV": str(tmp_path), "SLICES": str(slices16), "OUT": str(tmp_path / "out"),
            "LAUNCH": "env", "SLURM_JOB_ID": "4711", "SLURM_SUBMIT_DIR": str(ROOT), "PYTHONPATH": str(ROOT)}


@contextlib.contextmanager
def start(cluster, *options):
    """The script as a job, of which nothing outlives the block."""
    job = subprocess.Popen(["bash", SCRIPT, *map(str, SIZE), *options], env=cluster, text=True,
                           stdout=subprocess.PIPE, stderr=subprocess.STDOUT, start_new_session=True)
    try:
        yield job
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(job.pid, signal.SIGKILL)


@pytest.mark.skipif(shutil.which("bash") is None, reason="needs bash")
def test_interrupted_job_requeues_itself_and_goes_on(cluster, tmp_path):
    with start(cluster, "-e", "5000") as job:
        wait_for(lambda: snapshots.newest_first(tmp_path / "out"))
        training = subprocess.run(["pgrep", "-P", str(job.pid)], capture_output=True, text=True).stdout.split()
        os.kill(int(training[0]), signal.SIGUSR1)
        said, _ = job.communicate(timeout=60)
    assert job.returncode == 75, said
    assert (tmp_path / "asked").read_text() == "requeue 4711\n"
    reached = int(snapshots.newest_first(tmp_path / "out")[0].stem.rpartition("_")[2])

    with start(cluster, "-e", str(reached // 2 + 2)) as job:
        said, _ = job.communicate(timeout=60)
    assert job.returncode == 0, said
    assert f"iteration {reached} of" in said
    assert (tmp_path / "asked").read_text() == "requeue 4711\n"


@pytest.mark.skipif(shutil.which("bash") is None, reason="needs bash")
def test_failed_job_does_not_requeue(cluster, tmp_path):
    with start({**cluster, "SLICES": str(tmp_path / "none")}) as job:
        said, _ = job.communicate(timeout=60)
    assert job.returncode == 1
    assert "no such folder" in said
    assert not (tmp_path / "asked").exists()
