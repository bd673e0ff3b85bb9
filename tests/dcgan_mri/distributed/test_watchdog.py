"""The watchdog's words, and its silence while all is well; what it does to a job that hangs is a fault test."""

import time

from mpi4py import MPI

from dcgan_mri.distributed.watchdog import FOLDER, Watchdog, report


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


def test_lets_a_training_that_moves_go_on(tmp_path):
    begin = time.monotonic()
    watchdog = Watchdog(MPI.COMM_SELF, tmp_path, 0.4, lambda: int((time.monotonic() - begin) / 0.1))
    watchdog.start()
    time.sleep(1.2)
    watchdog.stop()
    assert not (tmp_path / FOLDER).exists()
