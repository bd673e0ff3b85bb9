"""Harm done to real jobs: nothing is lost but the work since the last snapshot, and nothing waits for ever."""

import json
import os
import random
import shutil
import signal
import subprocess
import time

import numpy as np
import pytest

from dcgan_mri.run import sample_grids, snapshots
from tests.faults.jobs import SIZE, job, processes, running, wait_for, wait_for_iteration
from tests.helpers import run_job, write_slice_set

pytestmark = pytest.mark.faults


def train(slices, out, *options, ranks=None):
    return run_job("-m", "dcgan_mri.train", "-i", slices, "-o", out, *options, ranks=ranks)


def end_of(process, seconds=30):
    """Exit status of a job, which has to end in time."""
    begin = time.monotonic()
    status = process.wait(timeout=seconds)
    return status, time.monotonic() - begin


def assert_same_run(ours, theirs, iteration):
    """Weights, moments, statistics, counters, log without times, and the newest grid are the same, bit for bit."""
    arrays = []
    for out in (ours, theirs):
        with np.load(out / f"snapshot_iter_{iteration}.npz", allow_pickle=False) as archive:
            arrays.append({name: archive[name] for name in archive.files if "elapsed" not in name})
    logs = [[{key: value for key, value in entry.items() if key != "elapsed_time"} for entry in
             json.loads(str(one.pop("extensions/LogReport/_log")))] for one in arrays]
    assert logs[0] == logs[1]
    assert arrays[0].keys() == arrays[1].keys()
    for name, value in arrays[0].items():
        assert np.array_equal(value, arrays[1][name]), name
    # Without their margins, which name the number of epochs asked for.
    grids = [sample_grids.cells(sample_grids.read(sorted((out / "preview").iterdir())[-1])) for out in (ours, theirs)]
    np.testing.assert_array_equal(*grids)


@pytest.mark.parametrize(("number", "ranks", "victim"), [
    (signal.SIGTERM, 2, 1), (signal.SIGUSR1, 2, 0), (signal.SIGUSR1, 4, 2), (signal.SIGTERM, 1, 0),
    (signal.SIGINT, 2, 1)])
def test_a_signal_to_any_rank_stops_all_with_a_snapshot(slices16, tmp_path, number, ranks, victim):
    out = tmp_path / "out"
    with job("-i", slices16, "-o", out, *SIZE, "-e", 5000, ranks=ranks, log=tmp_path / "log") as process:
        victims = wait_for_iteration(out, 2, ranks) or [process.pid]
        os.kill(victims[victim], number)
        status, _ = end_of(process)
        assert not any(running(pid) for pid in victims)
    said = (tmp_path / "log").read_text()
    assert status == 75, said
    assert "Go on: " in said
    assert f"-o {out} --measures on --gpu off -r" in said
    iteration = int(snapshots.newest_first(out)[0].stem.rpartition("_")[2])
    assert f"Interrupted at iteration {iteration} of 10000" in said

    # Gone on with, it is the run that was never interrupted.
    last = iteration + iteration % 2 + 4
    assert train(slices16, out, "-r", "-e", last // 2, "--measures", "on", ranks=ranks).returncode == 0
    assert train(slices16, tmp_path / "whole", *SIZE, "-e", 5000, "--max-iterations", last, ranks=ranks).returncode == 0
    config_of_the_whole = snapshots.read(tmp_path / "whole" / f"snapshot_iter_{last}.npz")[0]
    assert config_of_the_whole.epoch == 5000
    rename_epochs(tmp_path / "whole" / f"snapshot_iter_{last}.npz", out / f"snapshot_iter_{last}.npz")
    assert_same_run(out, tmp_path / "whole", last)


def rename_epochs(ours, theirs):
    """The number of epochs asked for is the one setting in which the two runs differ; make it the same."""
    with np.load(ours) as archive:
        arrays = {name: archive[name] for name in archive.files}
    with np.load(theirs) as archive:
        arrays[snapshots.CONFIG_KEY] = archive[snapshots.CONFIG_KEY]
    np.savez(ours, **arrays)


def test_interrupt_twice_stops_at_once(slices16, tmp_path):
    out = tmp_path / "out"
    with job("-i", slices16, "-o", out, *SIZE, "-e", 5000, ranks=1, log=tmp_path / "log") as process:
        wait_for(lambda: snapshots.newest_first(out))
        process.send_signal(signal.SIGINT)
        wait_for(lambda: "Ctrl-C again stops" in (tmp_path / "log").read_text())
        process.send_signal(signal.SIGINT)
        status, seconds = end_of(process)
    assert status in (-signal.SIGINT, 75)  # 75 if the snapshot was quicker than the second signal
    assert seconds < 5
    snapshots.read_newest(out)


def test_thirty_kills_at_random_moments(slices16, tmp_path):
    """The same run, killed and gone on with; layers wide enough that snapshots take a good part of the time."""
    out, chance = tmp_path / "out", random.Random(0)
    slices64 = write_slice_set(tmp_path / "slices", n=16, size=64)
    options = ["-i", slices64, "-o", out, "-g", "off", "--measures", "off", "--page", "off"]
    first, again = ["--image-size", 64, "--width", 1 / 8, "-e", 100000], ["-r"]
    reached = []
    for kill in range(30):
        with job(*options, *(again if kill else first), log=tmp_path / "log") as process:
            if kill:
                victims = wait_for(lambda: fresh_processes(out, victims_before))  # noqa: B023
            else:
                victims = wait_for_iteration(out, 2)
                wait_for(lambda: snapshots.newest_first(out))
            if kill % 5 == 4:  # on a slow machine too the run gets on
                wait_for(lambda: newest_iteration(out) > reached[-1])
            time.sleep(chance.uniform(0, 2.5))
            os.kill(chance.choice(victims), signal.SIGKILL)
            status, seconds = end_of(process)
            wait_for(lambda: not any(running(pid) for pid in victims), 30)  # noqa: B023
        victims_before = victims
        assert status != 0
        assert seconds < 30
        path, _, _, passed_over = snapshots.read_newest(out)
        assert not passed_over
        reached.append(snapshots.iteration_of(path))
    assert reached == sorted(reached)
    assert reached[-1] > reached[0]
    done = train(slices64, out, "-r", "--max-iterations", reached[-1] + 2, ranks=2)
    assert done.returncode == 0, done.stderr
    assert not list(out.rglob("*.unfinished"))


def newest_iteration(out):
    """Iteration of the newest snapshot."""
    return snapshots.iteration_of(snapshots.newest_first(out)[0])


def fresh_processes(out, before):
    """The processes of the job just started, once all have given a sign of life."""
    pids = processes(out, 2)
    return pids if not set(pids) & set(before) else None


@pytest.mark.parametrize(("ranks", "victim"), [(2, 0), (4, 3)])
def test_a_rank_that_hangs_is_named(slices16, tmp_path, ranks, victim):
    out = tmp_path / "out"
    options = ["-i", slices16, "-o", out, *SIZE, "-e", 5000, "--timeout", 6]
    with job(*options, ranks=ranks, log=tmp_path / "log") as process:
        wait_for(lambda: snapshots.newest_first(out))
        victims = processes(out, ranks)
        os.kill(victims[victim], signal.SIGSTOP)
        status, _ = end_of(process, 40)
        wait_for(lambda: not any(running(pid) for pid in victims), 30)
    said = (tmp_path / "log").read_text()
    assert status != 0
    assert f"rank {victim} no longer answers" in said
    assert f"(process {victims[victim]}): last seen at iteration" in said
    assert said.count("no progress for") == 1
    snapshots.read_newest(out)


HARMFUL = """
import sys
from mpi4py import MPI
from dcgan_mri import train
original = train.Updater.update_core

class OutOfMemoryError(Exception):
    pass

def update_core(self):
    original(self)
    if self.iteration == 5:
        HARM

train.Updater.update_core = update_core
train.main(sys.argv[1:])
"""


@pytest.mark.parametrize(("harm", "said"), [
    ("self.gen.l0.W.array[0, 0] = float('nan')", "the loss of the generator is nan at iteration 7"),
    ("self.dis.c0.b.array[0] = float('inf')", "the loss of the"),
])
def test_not_finite_stops_before_it_is_saved(slices16, tmp_path, harm, said):
    out = tmp_path / "out"
    done = run_job("-c", HARMFUL.replace("HARM", harm), "-i", slices16, "-o", out, *SIZE, ranks=2)
    assert done.returncode == 1
    lines = [line for line in done.stderr.splitlines() if "error:" in line]
    assert len(lines) == 1, done.stderr
    assert said in lines[0] or "is no longer finite" in lines[0]
    assert "Traceback" not in done.stderr
    path, _, arrays, passed_over = snapshots.read_newest(out)
    assert path.name == "snapshot_iter_4.npz"
    assert not passed_over
    assert all(np.isfinite(array).all() for array in arrays.values() if array.dtype.kind == "f")


def test_out_of_gpu_memory_is_one_line(slices16, tmp_path):
    harm = "if MPI.COMM_WORLD.rank == 1: raise OutOfMemoryError('12 bytes')"
    done = run_job("-c", HARMFUL.replace("HARM", harm), "-i", slices16, "-o", tmp_path / "out", *SIZE, ranks=2)
    assert done.returncode == 1
    assert "error: rank 1 is out of memory (12 bytes); go on by -r with --graph off" in done.stderr
    assert "Traceback" not in done.stderr


def test_slices_that_vanish_are_one_line(tmp_path):
    slices, out = write_slice_set(tmp_path / "slices", n=17), tmp_path / "out"
    with job("-i", slices, "-o", out, *SIZE, "-e", 5000, log=tmp_path / "log") as process:
        # One slice in 17 is left over by the first epoch, and is read when a later one comes to it.
        wait_for(lambda: (out / "environment.json").exists())
        shutil.rmtree(slices)
        status, _ = end_of(process, 60)
    said = (tmp_path / "log").read_text()
    assert status == 1, said
    assert "cannot read the picture" in said
    assert "Traceback" not in said


def test_a_result_folder_that_vanishes_is_one_line(slices16, tmp_path):
    out = tmp_path / "out"
    with job("-i", slices16, "-o", out, *SIZE, "-e", 5000, log=tmp_path / "log") as process:
        wait_for_iteration(out, 2)
        out.rename(tmp_path / "elsewhere")
        status, _ = end_of(process, 60)
    said = (tmp_path / "log").read_text()
    assert status == 1, said
    assert f"error: {out}" in said
    assert "Traceback" not in said


def assert_full_disk_is_survived(status, said, out):
    assert status == 1, said
    assert "cannot write it" in said
    assert "Traceback" not in said
    path, _, _, passed_over = snapshots.read_newest(out)
    assert path.name == "snapshot_iter_2.npz"
    assert not passed_over
    assert not list(out.rglob("*.unfinished"))


def test_file_size_limit_during_a_snapshot(slices16, tmp_path):
    out = tmp_path / "out"
    assert train(slices16, out, *SIZE, "-e", 9, "--max-iterations", 2).returncode == 0
    limit = (out / "snapshot_iter_2.npz").stat().st_size - 1000
    program = "import resource, sys; from dcgan_mri import train\n" \
              f"resource.setrlimit(resource.RLIMIT_FSIZE, ({limit}, {limit})); train.main(sys.argv[1:])"
    done = run_job("-c", program, "-i", slices16, "-o", out, "-r", ranks=2)
    assert_full_disk_is_survived(done.returncode, done.stdout + done.stderr, out)


def test_disk_full_during_a_snapshot(slices16, tmp_path):
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = shutil.which("mount")
    if mount is None or os.geteuid() != 0 or subprocess.run(
            [mount, "-t", "tmpfs", "-o", "size=1700k", "none", disk], capture_output=True).returncode != 0:
        pytest.skip("needs the right to mount a small file system")
    try:
        out = disk / "out"
        done = train(slices16, out, *SIZE, "-e", 50, "--keep-snapshots", 9, ranks=2)
        said = done.stdout + done.stderr
        newest = snapshots.newest_first(out)
        assert done.returncode == 1, said
        assert "No space left on device" in said
        assert "Traceback" not in said
        assert newest
        assert snapshots.read_newest(out)[0] == newest[0]
        assert not list(out.rglob("*.unfinished"))
    finally:
        subprocess.run(["umount", "--lazy", disk], check=True)


def test_second_run_into_the_same_folder_is_refused(slices16, tmp_path):
    out = tmp_path / "out"
    with job("-i", slices16, "-o", out, *SIZE, "-e", 5000, log=tmp_path / "log"):
        wait_for_iteration(out, 2)
        wait_for(lambda: snapshots.newest_first(out))
        done = train(slices16, out, "-r", ranks=2)
    assert done.returncode == 1
    assert "another run is writing there" in done.stderr
