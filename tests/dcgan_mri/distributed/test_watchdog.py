"""The watchdog's words, and its silence while all is well; what it does to a job that hangs is a fault test."""

import time
import types

import pytest

from dcgan_mri.distributed.watchdog import Watchdog, folder_of, report
from tests.helpers import run_job


def sign(host, iteration=7):
    return {"beat": 3, "at": f"iteration {iteration}", "where": "updater.py, line 45, update_core", "host": host,
            "pid": 42}


def test_report_names_the_rank_that_is_silent_and_where_it_was():
    lines = report({0: (sign("a"), 0.0), 1: (sign("b", 6), 0.0)}, [1], 61.4).splitlines()
    assert lines[0] == "dcgan_mri.train: error: no progress for 61 s; rank 1 no longer answers; ending the job"
    assert lines[2] == "  rank 1 on b (process 42): last seen at iteration 6, in updater.py, line 45, update_core"
    assert lines[1].startswith("  rank 0 on a (process 42): is at iteration 7")
    assert "-r" in lines[3]


def test_report_of_ranks_that_all_live():
    assert "or the network is down" in report({0: (sign("a"), 0.0), 1: (sign("b"), 0.0)}, [], 9)


def test_report_of_a_rank_never_seen():
    assert "is the result folder shared by all machines?" in report({0: (sign("a"), 0.0), 1: (None, 0.0)}, [1], 9)


APART = """
import sys, time
from mpi4py import MPI
from dcgan_mri.distributed.watchdog import Watchdog

ranks = MPI.COMM_WORLD
watchdog = Watchdog(ranks, sys.argv[1], 12.0)
time.sleep(0.9 * ranks.rank)
watchdog.start()
time.sleep(60)
"""


def test_is_heard_though_the_ranks_look_at_different_moments(tmp_path):
    done = run_job("-c", APART, tmp_path, ranks=2)
    assert done.returncode != 0
    assert done.stderr.count("no progress for 1") == 1


def test_lets_a_training_that_moves_go_on(monkeypatch, tmp_path):
    monkeypatch.setattr("atexit.register", lambda *call: None)  # would end these tests a second after their end
    two = types.SimpleNamespace(rank=0, size=2)
    watchdog = Watchdog(two, tmp_path / "out", 0.4)
    watchdog.start()
    watchdog.stage("settings")
    assert folder_of(tmp_path / "out").exists()
    for iteration in range(12):
        watchdog.stage("training", types.SimpleNamespace(iteration=iteration))
        time.sleep(0.1)
    watchdog.stop()
    assert list(tmp_path.iterdir()) == []


STOPPED = """
import os, signal, sys
from mpi4py import MPI
from dcgan_mri import train
from dcgan_mri.extensions import snapshot

def stop(*args, **kwargs):
    os.kill(os.getpid(), signal.SIGSTOP)

if MPI.COMM_WORLD.rank == VICTIM:
    PLACE
train.main(sys.argv[1:])
"""


@pytest.mark.parametrize(("place", "victim"), [
    ("train.parse = stop", 1), ("snapshot.Snapshot.__call__ = stop", 0),
    *(pytest.param(place, victim, marks=pytest.mark.faults) for place, victim in [
        ("train.parse = stop", 0), ("train.Slices = stop", 1), ("train.resume.find_snapshot = stop", 0),
        ("train.resume.open_result_folder = stop", 0), ("train.summary = stop", 0)])])
def test_a_rank_that_hangs_outside_the_loop_ends_the_job(slices16, tmp_path, place, victim):
    done = job_with_a_stop(place, victim, slices16, tmp_path)
    assert done.stderr.count("no progress for ") == 1, done.stderr
    assert f"rank {victim} no longer answers" in done.stderr
    assert f"  rank {victim}" + (": left no sign" if "parse" in place else " on ") in done.stderr


def test_a_rank_that_hangs_at_the_end_of_mpi_ends_the_job(slices16, tmp_path):
    done = job_with_a_stop("import atexit; atexit.register(stop)", 1, slices16, tmp_path)
    assert "Done: " in done.stdout


def job_with_a_stop(place, victim, slices, tmp_path):
    """Two ranks, one of which stops at a place; the job must end by itself, and not well."""
    done = run_job("-c", STOPPED.replace("PLACE", place).replace("VICTIM", str(victim)), "-i", slices, "-o",
                   tmp_path / "out", "--image-size", 16, "--width", 1 / 64, "-g", "off", "--measures", "off", "--page",
                   "off", "-e", 1, "--timeout", 12, ranks=2, timeout=90)
    assert done.returncode != 0
    return done
