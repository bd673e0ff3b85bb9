"""Work on the threads of this process: NumPy, BLAS and compiled kernels all let go of Python's lock."""

import os
from concurrent.futures import ThreadPoolExecutor
from functools import cache

import threadpoolctl

from dcgan_mri.distributed.threads import cores


def n_threads():
    """How many threads this process may use.

    Returns:
        int: What OMP_NUM_THREADS says (`dcgan_mri.distributed.threads` sets it for each rank), else the cores it may
            run on.
    """
    asked = os.environ.get("OMP_NUM_THREADS", "")
    if asked.isdecimal() and int(asked):
        return int(asked)
    return cores()


def each(function, tasks):
    """Call a function once for each task; tasks run side by side, and BLAS inside them on one thread.

    Args:
        function (callable): Takes a task; must not depend on which tasks ran before.
        tasks (iterable): What it is called with.
    """
    if n_threads() == 1:
        for task in tasks:
            function(task)
        return
    queue = iter(list(tasks))

    def work():
        for task in queue:
            function(task)

    pool, blas = _pool(), _blas()
    with blas.limit(limits=1):
        others = [pool.submit(work) for _ in range(n_threads() - 1)]
        try:
            work()
        finally:
            for other in others:
                other.result()


@cache
def _pool():
    return ThreadPoolExecutor(n_threads() - 1, thread_name_prefix="dcgan_mri")


@cache
def _blas():
    return threadpoolctl.ThreadpoolController().select(user_api="blas")
