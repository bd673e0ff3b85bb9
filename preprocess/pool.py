"""Running one function on many subjects, in this process or in several."""

import multiprocessing
import os
import signal
import sys
import threading
import warnings
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool

from preprocess.errors import DataError, PreprocessError


def default_workers():
    """Cores that this process may use.

    Returns:
        int: At least 1.
    """
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _prepare_worker():
    # Ctrl-C reaches the whole group; the parent alone answers it.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    # A killed parent must not leave a worker writing into a folder that the next run holds.
    threading.Thread(target=_follow_parent, daemon=True).start()


def _follow_parent():
    multiprocessing.parent_process().join()
    os._exit(1)


def _context():
    """Forked workers start at once, the others import everything anew; but a fork must not interrupt other threads."""
    if sys.platform == "linux" and threading.active_count() == 1:
        return multiprocessing.get_context("fork")
    return multiprocessing.get_context("spawn")


def run_all(function, tasks, workers):
    """Call a function for each task.

    Args:
        function: A module-level function.
        tasks (dict): Name of each task to its arguments.
        workers (int): Processes; with 1 everything runs in this one.

    Yields:
        tuple: Name and result, or the :class:`PreprocessError` that came instead, in the order in which they end.

    Raises:
        DataError: If a worker process dies.
    """
    workers = min(workers, len(tasks))
    if workers <= 1:
        for name, arguments in tasks.items():
            yield name, _call(function, arguments)
        return
    executor = ProcessPoolExecutor(workers, mp_context=_context(), initializer=_prepare_worker)
    try:
        with warnings.catch_warnings():
            # Python warns of forking beside any thread of the process; those of BLAS are made for it.
            warnings.simplefilter("ignore", DeprecationWarning)
            futures = {executor.submit(_call, function, arguments): name for name, arguments in tasks.items()}
        for future in as_completed(futures):
            yield futures[future], future.result()
    except BrokenProcessPool as error:
        raise DataError("preprocess", "a worker process was killed (out of memory?)",
                        "run again with fewer workers (-j 1); finished subjects are kept") from error  # fmt: skip
    finally:
        executor.shutdown(wait=True, cancel_futures=True)


def _call(function, arguments):
    try:
        return function(*arguments)
    except PreprocessError as error:
        return error
    except MemoryError:
        return DataError("preprocess", "there is not enough memory", "run again with fewer workers (-j 1)")
