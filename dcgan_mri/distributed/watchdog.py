"""A thread beside the program that notices when the ranks stand still, says which rank is the cause, and ends the job.

MPI itself waits for ever for a rank that hangs. Each rank leaves a sign of life beside the result folder every few
seconds; when a rank has got no further for the time set, it looks at the others' signs and ends all. At MPI's own end,
where no thread of Python's runs, the system's alarm clock does it without words.
"""

import atexit
import contextlib
import json
import math
import os
import pathlib
import shutil
import signal
import socket
import sys
import threading
import time

from mpi4py import MPI

from dcgan_mri.distributed.failure import SECONDS_TO_BE_HEARD
from dcgan_mri.errors import FAILED

PACKAGES = (f"{os.sep}dcgan_mri{os.sep}", f"{os.sep}chainermn{os.sep}")


def folder_of(out):
    """Where the ranks of a job leave their signs of life: beside the result folder, which is not there at the start.

    Args:
        out (str or Path): Result folder.

    Returns:
        Path: The folder.
    """
    out = pathlib.Path(out).resolve()
    return out.with_name(f".{out.name}.heartbeat")


class Watchdog(threading.Thread):
    """Watches one rank, from its creation until the process ends.

    Args:
        mpi_comm (mpi4py.MPI.Comm): The ranks.
        out (str or Path): Result folder, seen by all of them.
        timeout (float): Seconds without progress after which the job ends; 0 or one rank: never.
    """

    def __init__(self, mpi_comm, out, timeout):
        super().__init__(name="watchdog", daemon=True)
        self.rank, self.size = mpi_comm.rank, mpi_comm.size
        self.folder = folder_of(out)
        self.timeout = timeout
        self.watches = self.size > 1 and timeout > 0
        self.interval = min(5.0, timeout / 12)
        self.updater = None
        self._stage = "start-up"
        self._main = threading.main_thread().ident
        self._beat = 0
        self._over = threading.Event()

    def start(self):
        """Begin to watch, if there is anything to. Signs that stay are left from the first stage on."""
        if self.watches:
            if self.rank == 0:
                shutil.rmtree(self.folder, ignore_errors=True)  # another job's
            super().start()
            atexit.register(signal.alarm, math.ceil(self.timeout))
            atexit.register(self.stop)  # the first of the two to be called

    def stage(self, name, updater=None):
        """Note that this rank has got further, all ranks' watches having begun.

        Args:
            name (str): What it does now.
            updater (chainer.training.Updater): Its iterations are progress too.
        """
        self._stage = name
        self.updater = updater
        if self.watches:
            self._sign()

    def stop(self):
        """End the watch."""
        self._over.set()
        self.join()
        with contextlib.suppress(OSError):  # others still have signs in it
            (self.folder / str(self.rank)).unlink(missing_ok=True)
            self.folder.rmdir()

    def run(self):
        """Give signs of life, and look at the others' once this rank has stood still for half the time."""
        last, since = self._place(), time.monotonic()
        seen = {}
        while not self._over.wait(self.interval):
            self._sign()
            now = time.monotonic()
            if self._place() != last:
                last, since, seen = self._place(), now, {}
            elif now - since > self.timeout / 2:
                self._look(seen, now)
            if now - since > self.timeout:
                self._end(seen, now - since, now)

    def _place(self):
        return f"iteration {self.updater.iteration}" if self.updater is not None else self._stage

    def _sign(self):
        """Write who and where this rank is. A full disk or a lost folder is not this thread's to report."""
        self._beat += 1
        sign = {"beat": self._beat, "at": self._place(), "where": _where(self._main),
                "host": socket.gethostname(), "pid": os.getpid()}
        path = self.folder / str(self.rank)
        with contextlib.suppress(OSError):
            self.folder.mkdir(exist_ok=True)
            path.with_suffix(".new").write_text(json.dumps(sign))
            path.with_suffix(".new").replace(path)

    def _look(self, seen, now):
        """Note for each rank its last sign, and when it last changed."""
        for rank in range(self.size):
            try:
                sign = json.loads((self.folder / str(rank)).read_text())
            except (OSError, ValueError):
                sign = None
            if rank not in seen or seen[rank][0] != sign:
                seen[rank] = (sign, now)

    def _end(self, seen, stood_still, now):
        silent = [rank for rank, (sign, since) in seen.items() if sign is None or now - since > 4 * self.interval]
        speaker = min(set(seen) - set(silent), default=self.rank)
        if self.rank == speaker:
            print(report(seen, silent, stood_still), file=sys.stderr, flush=True)
            time.sleep(SECONDS_TO_BE_HEARD)
        else:
            time.sleep(self.interval + 2 * SECONDS_TO_BE_HEARD)  # the speaker may look that much later
        # MPI's abort may itself wait for a lock that the training holds.
        threading.Thread(target=MPI.COMM_WORLD.Abort, args=(FAILED,), daemon=True).start()
        time.sleep(5)
        os._exit(FAILED)


def report(seen, silent, stood_still):
    """What to tell the user of a job that stands still.

    Args:
        seen (dict): For each rank its last sign of life (or None) and when it came.
        silent (list of int): Ranks that give no more signs.
        stood_still (float): Seconds without progress.

    Returns:
        str: A line on the cause, a line for each rank, and what to do.
    """
    if silent:
        cause = f"rank {', '.join(map(str, silent))} no longer answers"
    else:
        cause = "all ranks live, but wait for one another: one is stuck in what it does, or the network is down"
    lines = [f"dcgan_mri.train: error: no progress for {stood_still:.0f} s; {cause}; ending the job"]
    for rank, (sign, _) in sorted(seen.items()):
        if sign is None:
            lines.append(f"  rank {rank}: left no sign; is the result folder shared by all machines?")
        else:
            state = "last seen" if rank in silent else "is"
            lines.append(f"  rank {rank} on {sign['host']} (process {sign['pid']}): {state} at {sign['at']}, "
                         f"in {sign['where']}")
    lines.append("go on from the newest snapshot with -r once the cause is found; --timeout sets how long to wait")
    return "\n".join(lines)


def _where(thread):
    """The innermost line of ours or of ChainerMN's that a thread is in."""
    frame = sys._current_frames().get(thread)
    while frame is not None:
        file = frame.f_code.co_filename
        if any(package in file for package in PACKAGES):
            return f"{pathlib.Path(file).name}, line {frame.f_lineno}, {frame.f_code.co_name}"
        frame = frame.f_back
    return "code of other packages"
