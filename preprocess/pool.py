"""Running one function on many subjects, in this process or in several, with a progress bar."""

import multiprocessing
import os
import signal
import sys
import threading
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool

from tqdm import tqdm

from preprocess.errors import DataError, PreprocessError


def default_workers():
    """Cores that this process may use.

    Returns:
        int: At least 1.
    """
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def run_all(function, tasks, workers, title=None):
    """Call a function for each task.

    Args:
        function: A module-level function.
        tasks (dict): Name of each task to its arguments.
        workers (int): Processes; with 1 everything runs in this one.
        title (str or None): What is being done, for a bar on standard error; None for no bar.

    Yields:
        tuple: Name and result, or the :class:`PreprocessError` that came instead, in the order in which they end.

    Raises:
        DataError: If a worker process dies.
    """
    results = _run_in_processes(function, tasks, workers) if min(workers, len(tasks)) > 1 else (
        (name, _call(function, arguments)) for name, arguments in tasks.items())
    # A log file of a batch system should not fill with bars.
    interval = 0.1 if sys.stderr.isatty() else 10
    with tqdm(total=len(tasks), desc=title, unit="subject", mininterval=interval, disable=title is None) as bar:
        for name, result in results:
            bar.set_postfix_str(name, refresh=False)
            bar.update()
            yield name, result


def _run_in_processes(function, tasks, workers):
    executor = ProcessPoolExecutor(min(workers, len(tasks)), initializer=_prepare_worker)
    try:
        futures = {executor.submit(_call, function, arguments): name for name, arguments in tasks.items()}
        for future in as_completed(futures):
            yield futures[future], future.result()
    except BrokenProcessPool as error:
        raise DataError("preprocess", "a worker process was killed (out of memory?)",
                        "run again with fewer workers (-j 1)") from error
    finally:
        executor.shutdown(wait=True, cancel_futures=True)


def _prepare_worker():
    # Ctrl-C reaches the whole group; the parent alone answers it.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    # A killed parent must not leave a worker writing into a folder that the next run holds.
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent():
    multiprocessing.parent_process().join()
    os._exit(1)


def _call(function, arguments):
    try:
        return function(*arguments)
    except PreprocessError as error:
        return error
    except MemoryError:
        return DataError("preprocess", "there is not enough memory", "run again with fewer workers (-j 1)")
