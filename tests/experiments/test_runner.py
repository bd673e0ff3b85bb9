"""Real trainings of a few iterations, stopped, killed and gone on with."""

import dataclasses
import fcntl
import json
import os
import pathlib
import signal
import subprocess
import sys
import threading
import time

import pytest

from dcgan_mri.errors import DataError
from experiments import data, definition, plan, records, runner
from experiments.scales import SCALES, Scale
from tests.helpers import ROOT, write_slice_set

TINY = Scale("tiny", {"image_size": 16, "width": 1 / 64}, 0.01, 1, "", "for tests")
# The command line at this scale, long enough to be stopped on the way.
PROGRAM = """
import dataclasses
from experiments import definition, scales
scales.SCALES["tiny"] = scales.Scale("tiny", {{"image_size": 16, "width": 1 / 64}}, {epochs}, 1, "", "for tests")
from experiments.__main__ import main
main(["run", "variety", "--scale", "tiny", "--data", {data!r}, "-o", {out!r}, "--workers", "1"])
"""


@pytest.fixture(scope="module")
def slices(tmp_path_factory):
    return data.describe(write_slice_set(tmp_path_factory.mktemp("runner") / "set", held_out=6), 16)


def runs_of(name, slices, **changes):
    experiment = definition.read_all()[name]
    return [dataclasses.replace(run, config=dataclasses.replace(run.config, **changes))
            for run in plan.runs_of([experiment], TINY, slices.subjects, 1)]


def values(out):
    """What was measured in each run, as text so that NaN equals NaN."""
    return {record["run"]: repr([record["values"], record["scores"]]) for record in records.collect(out)}


def begin(out, slices, epochs):
    program = PROGRAM.format(epochs=epochs, data=slices.folder, out=str(out))
    return subprocess.Popen([sys.executable, "-c", program], cwd=ROOT, stdout=subprocess.PIPE, text=True,
                            stderr=subprocess.STDOUT, env={**os.environ, "PYTHONPATH": str(ROOT)})


def finish(process, timeout=120):
    text = process.communicate(timeout=timeout)[0]
    return process.returncode, text


def wait_for(condition, process, seconds=60):
    deadline = time.monotonic() + seconds
    while not condition():
        assert process.poll() is None, process.communicate()[0]
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_what_is_complete_is_not_run_again(tmp_path, slices):
    lines = []
    first = runner.Runner(TINY, slices, tmp_path, 2, say=lines.append)
    assert first.carry_out(runs_of("polarize", slices)) == []
    assert [line.partition("]")[0] for line in lines] == ["[1/2", "[2/2"]
    folder = tmp_path / "runs" / "tiny-set" / "paper" / "seed0"
    assert not list(folder.glob("snapshot_iter_*"))
    assert (folder / "generator.npz").exists()
    record = records.read(folder)
    assert (record["device"].split()[0], record["iterations"], record["diverged"]) == ("CPU", 2, None)
    before = (folder / "measured.json").stat().st_mtime_ns
    assert runner.Runner(TINY, slices, tmp_path, 2, say=lines.append).carry_out(runs_of("polarize", slices)) == []
    assert len(lines) == 2
    assert (folder / "measured.json").stat().st_mtime_ns == before
    # An experiment that wants the same run measured along its epochs gets that without another training.
    longer = [dataclasses.replace(run, along=True) for run in runs_of("polarize", slices)[:1]]
    log_before = (folder / "log").stat().st_mtime_ns
    assert runner.Runner(TINY, slices, tmp_path, 2, say=lines.append).carry_out(longer) == []
    assert list(records.read(folder)["along"]) == [1]
    assert (folder / "log").stat().st_mtime_ns == log_before


def test_settings_that_changed_since_are_refused(tmp_path, slices):
    once = runs_of("fig4", slices)[:1]
    runner.Runner(TINY, slices, tmp_path, 1, say=lambda line: None).carry_out(once)
    with pytest.raises(DataError, match="other settings or slices.*delete the folder"):
        runner.Runner(TINY, slices, tmp_path, 1).carry_out(runs_of("fig4", slices, alpha=1e-3)[:1])
    folder = once[0].folder(tmp_path, "tiny", slices)
    with pytest.raises(DataError, match="begun with other settings"):
        runner.check_settings(folder, dataclasses.replace(once[0].config, epoch=7))


def test_a_run_that_fails_is_reported_and_the_others_go_on(tmp_path, slices):
    runs = runs_of("polarize", slices)
    broken = dataclasses.replace(runs[0], name="broken", config=dataclasses.replace(runs[0].config, batchsize=1000))
    lines = []
    failures = runner.Runner(TINY, slices, tmp_path, 2, say=lines.append).carry_out([broken, runs[1]])
    assert len(failures) == 1
    assert f"failed: {failures[0]}" in lines
    assert failures[0].startswith("broken, seed 0: dcgan_mri.train: error: ")
    assert list(values(tmp_path)) == ["loss=wasserstein"]


def test_a_training_that_diverges_is_a_result(tmp_path, slices):
    runs = runs_of("polarize", slices, alpha=1e30, epoch=20)[:1]
    assert runner.Runner(TINY, slices, tmp_path, 1, say=lambda line: None).carry_out(runs) == []
    record = records.read(runs[0].folder(tmp_path, "tiny", slices))
    assert "the loss of the" in record["diverged"]
    assert record["values"] == {}


def test_stopped_and_killed_plans_go_on_and_measure_the_same(tmp_path, slices):
    status, text = finish(begin(tmp_path / "whole", slices, 0.12))
    assert status == 0, text
    assert "variety: UNDECIDED at scale tiny" in text

    # Twelve epochs of two iterations, a snapshot every other one.
    out = tmp_path / "broken"
    folder = out / "runs" / "tiny-set" / "paper" / "seed0"
    stopped = begin(out, slices, 0.12)
    wait_for(lambda: list(folder.glob("snapshot_iter_*.npz")), stopped)
    stopped.send_signal(signal.SIGTERM)
    status, text = finish(stopped)
    assert status == 75, text
    assert "the same command goes on" in text

    killed = begin(out, slices, 0.12)
    wait_for(lambda: len(json.loads((folder / "environment.json").read_text())["starts"]) == 2, killed)
    training = [int(pid) for task in pathlib.Path(f"/proc/{killed.pid}/task").glob("*/children")
                for pid in task.read_text().split()]
    for pid in [killed.pid, *training]:
        os.kill(pid, signal.SIGKILL)
    killed.communicate()
    assert len(training) == 1

    status, text = finish(begin(out, slices, 0.12))
    assert status == 0, text
    assert values(out) == values(tmp_path / "whole")


def test_a_training_that_a_killed_plan_left_behind_is_waited_for(tmp_path, slices):
    (run,) = runs_of("variety", slices)
    folder = run.folder(tmp_path, "tiny", slices)
    folder.mkdir(parents=True)
    lock = (folder / ".lock").open("w")
    fcntl.flock(lock, fcntl.LOCK_EX)
    lines = []

    def say(line):
        lines.append(line)
        lock.close()

    assert runner.Runner(TINY, slices, tmp_path, 1, say=say).carry_out([run]) == []
    assert lines[0] == f"{folder}: another process is at this run; waiting for it"
    assert lines[1].startswith("[1/1]")


def test_real_slices_are_measured_once_for_a_plan(tmp_path, slices):
    name = records.place("tiny", slices.facts())
    one = runner.Runner(TINY, slices, tmp_path, 1)
    one.measure_real()
    found = records.read_real(tmp_path)
    assert list(found) == [name]
    assert "kid" in found[name]
    records.write_real(tmp_path, {name: {"kid": 1.0}})
    one.measure_real()
    assert records.read_real(tmp_path) == {name: {"kid": 1.0}}


def test_two_plans_that_have_the_same_run_train_it_once(tmp_path, slices):
    (run,) = runs_of("variety", slices)
    lines, threads = [], []
    first, second = (runner.Runner(TINY, slices, tmp_path, 1, say=lines.append) for _ in range(2))
    measure = first._measure

    def measure_while_the_second_begins(*args):
        threads.append(threading.Thread(target=second._one, args=(run,)))
        threads[0].start()
        deadline = time.monotonic() + 60
        while not any("at this run" in line for line in lines):
            assert time.monotonic() < deadline
            time.sleep(0.05)
        measure(*args)

    first._measure = measure_while_the_second_begins
    assert first.carry_out([run]) == []
    threads[0].join()
    folder = run.folder(tmp_path, "tiny", slices)
    assert len(json.loads((folder / "environment.json").read_text())["starts"]) == 1


def test_the_small_scale_takes_few_enough_snapshots():
    (run, *_) = plan.runs_of([definition.read_all()["fig4"]], SCALES["small"], 30, 1)
    command = runner.train_command(run, "folder", "file", data.planned_phantom(SCALES["small"]), begun=True)
    assert command[command.index("--snapshot-interval") + 1] == "1"
    assert command[-1] == "-r"


def test_time_left_is_by_what_runs_have_taken_so_far(slices):
    runs = runs_of("polarize", slices)
    progress = runner.Progress(runs, 5, slices, workers=2)
    line = progress.line(runs[0], {"seconds": 120.0, "diverged": None})
    assert line == "[4/5] paper, seed 0: 120 s; 0:01:00 to go"
    assert progress.line(runs[1], {"seconds": 60.0, "diverged": "x is nan"}).endswith(": x is nan; 0:00:00 to go")
