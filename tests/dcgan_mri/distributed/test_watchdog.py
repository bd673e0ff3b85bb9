"""The watchdog's words, and its silence while all is well; what it does to a job that hangs is a fault test."""

import time

from mpi4py import MPI

from dcgan_mri.distributed.watchdog import Watchdog, report
from dcgan_mri.run.result_folder import HEARTBEAT
from tests.helpers import run_job


def sign(host, iteration=7):
    return {"beat": 3, "iteration": iteration, "where": "updater.py, line 45, update_core", "host": host, "pid": 42}


def test_report_names_the_rank_that_is_silent_and_where_it_was():
    lines = report({0: (sign("a"), 0.0), 1: (sign("b", 6), 0.0)}, [1], 61.4).splitlines()
    assert lines[0] == "dcgan_mri.train: error: no iteration for 61 s; rank 1 no longer answers; ending the job"
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
watchdog = Watchdog(ranks, sys.argv[1], 12.0, lambda: 1)
time.sleep(0.9 * ranks.rank)
watchdog.start()
time.sleep(60)
"""


def test_is_heard_though_the_ranks_look_at_different_moments(tmp_path):
    done = run_job("-c", APART, tmp_path, ranks=2)
    assert done.returncode != 0
    assert done.stderr.count("no iteration for 1") == 1


def test_lets_a_training_that_moves_go_on(tmp_path):
    begin = time.monotonic()
    watchdog = Watchdog(MPI.COMM_SELF, tmp_path, 0.4, lambda: int((time.monotonic() - begin) / 0.1))
    watchdog.start()
    time.sleep(1.2)
    watchdog.stop()
    assert not (tmp_path / HEARTBEAT).exists()
