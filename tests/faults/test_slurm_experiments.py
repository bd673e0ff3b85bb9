"""The plan of experiments on a cluster, with stand-ins for Slurm: jobs are submitted, and one that is cut goes on."""

import os
import pathlib
import signal
import subprocess
import sys

import pytest

from experiments import records
from tests.dcgan_mri.test_evaluate import write_phantom_set
from tests.faults.jobs import wait_for
from tests.helpers import ROOT

pytest.importorskip("snakemake_executor_plugin_slurm")
pytestmark = pytest.mark.faults
COMMANDS = {
    # Starts what it is given, notes what it was asked for, and prints a number for it; jobs may be submitted at once.
    "sbatch": """exec 9> "$JOBS/lock"; flock 9
echo "$@" >> "$JOBS/asked"; n=$(wc -l < "$JOBS/asked")
exec 9>&-
for word; do case $word in --wrap=*) command=${word#--wrap=} ;; esac; done
(SLURM_JOB_ID=$n sh -c "$command"; echo $? > "$JOBS/$n.part"; mv "$JOBS/$n.part" "$JOBS/$n.status") \\
    > "$JOBS/$n.log" 2>&1 < /dev/null &
echo "$n" """,
    "sacct": """for n in $(seq "$(wc -l < "$JOBS/asked")"); do
    if [ ! -e "$JOBS/$n.status" ]; then echo "$n|RUNNING"
    elif [ "$(cat "$JOBS/$n.status")" = 0 ]; then echo "$n|COMPLETED"; else echo "$n|FAILED"; fi
done""",
    "srun": 'while [ "${1#-}" != "$1" ]; do shift; done; exec "$@"',
    **dict.fromkeys(("sinfo", "squeue", "scancel", "scontrol", "sacctmgr", "sshare"), ""),
}


def test_jobs_are_submitted_and_one_that_is_cut_goes_on_from_its_snapshot(tmp_path):
    slices, jobs, runs = write_phantom_set(tmp_path / "few"), tmp_path / "jobs", tmp_path / "runs"
    for folder in (jobs, tmp_path / "bin"):
        folder.mkdir()
    for name, text in COMMANDS.items():
        (tmp_path / "bin" / name).write_text(f"#!/bin/sh\nJOBS={jobs}\n{text}\n")
        (tmp_path / "bin" / name).chmod(0o755)
    path = os.pathsep.join([str(tmp_path / "bin"), str(pathlib.Path(sys.executable).parent), os.environ["PATH"]])
    plan = subprocess.Popen(
        [sys.executable, "-m", "snakemake", "-s", ROOT / "experiments" / "Snakefile", "-d", runs, "--executor", "slurm",
         "--jobs", "20", "--keep-going", "--rerun-triggers", "mtime", "--ignore-incomplete", "--retries", "3",
         "--slurm-init-seconds-before-status-checks", "2", "--default-resources", "runtime=60", "slurm_account=a",
         "slurm_partition=p", "--config", "ids=fig4", "scale=small", f"data={slices}", f"out={runs}"],
        cwd=ROOT, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, start_new_session=True,
        env={**os.environ, "PATH": path, "CUDA_VISIBLE_DEVICES": ""})
    try:
        unfinished = runs / "small-few" / "paper.seed0"
        wait_for(lambda: list(unfinished.glob("snapshot_iter_*.npz")), 300)
        found = subprocess.run(["pgrep", "-f", f"^[^ ]*python[^ ]* -m experiments.one .*{runs}.* paper.seed0"],
                               capture_output=True, text=True).stdout.split()
        os.kill(int(found[0]), signal.SIGTERM)
        said, _ = plan.communicate(timeout=600)
    finally:
        if plan.poll() is None:
            os.killpg(plan.pid, signal.SIGKILL)
    assert plan.returncode == 0, said
    done, real = records.of_runs(runs)
    assert [(record["run"], record["iterations"]) for record in done] == [("dropout-0.0", 24), ("paper", 24)]
    assert len(real) == 1
    asked = (jobs / "asked").read_text().splitlines()
    assert len(asked) == 4  # real slices and two runs, one of them twice
    assert all("-A a -p p -t 60" in line for line in asked)
    assert any("paper.seed0: interrupted" in log.read_text() for log in jobs.glob("*.log"))
