"""Work on the threads of this process."""

import threading

import numpy as np
import pytest

from dcgan_mri.kernels import workers


@pytest.mark.parametrize("n_threads", ["1", "2", "4"])
def test_every_task_is_done_once(monkeypatch, n_threads):
    monkeypatch.setenv("OMP_NUM_THREADS", n_threads)
    done = np.zeros(100, int)

    def work(i):
        done[i] += 1

    workers.each(work, range(100))
    np.testing.assert_array_equal(done, 1)


def test_tasks_run_side_by_side(monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "2")
    both = threading.Barrier(2, timeout=10)
    workers.each(lambda task: both.wait(), range(2))  # would time out one after the other


def test_an_error_in_a_task_comes_out(monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "2")

    def fail(task):
        raise ValueError(f"task {task}")

    with pytest.raises(ValueError, match="task"):
        workers.each(fail, range(4))


def test_blas_has_one_thread_inside_and_its_own_number_again_outside(monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "2")
    blas = workers._blas()
    before = [one["num_threads"] for one in blas.info()]
    inside = []
    workers.each(lambda task: inside.append([one["num_threads"] for one in blas.info()]), range(1))
    assert inside == [[1] * len(before)]
    assert [one["num_threads"] for one in blas.info()] == before


@pytest.mark.parametrize(("said", "expected"), [("3", 3), ("", None), ("many", None), ("0", None)])
def test_as_many_threads_as_the_environment_says(monkeypatch, said, expected):
    monkeypatch.setenv("OMP_NUM_THREADS", said)
    assert workers.n_threads() == (expected or len(workers.os.sched_getaffinity(0)))
