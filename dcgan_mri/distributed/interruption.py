"""Being asked to stop: a batch system's signal, or Ctrl-C, on any one rank ends all of them in order."""

import signal
import sys

import numpy as np
from mpi4py import MPI

from dcgan_mri.chainer_compat import chainer
from dcgan_mri.extensions.triggers import EACH_ITERATION

SIGNALS = (signal.SIGTERM, signal.SIGUSR1, signal.SIGINT)


class Interruption(chainer.training.Extension):
    """Notices signals, and lets all ranks agree after each iteration on whether to stop; runs on every rank.

    Batch systems announce the end of a job's time by SIGTERM or SIGUSR1, to one process or to all. After the first
    SIGINT the next one has its usual effect, at once.

    Args:
        mpi_comm (mpi4py.MPI.Comm): The ranks.
    """

    trigger = EACH_ITERATION
    priority = chainer.training.PRIORITY_WRITER

    def __init__(self, mpi_comm):
        self.mpi_comm = mpi_comm
        self.agreed = False
        self._signal = 0
        self._told = False

    def listen(self):
        """From now on the signals are noted instead of ending the process."""
        for number in SIGNALS:
            signal.signal(number, self._note)

    def __call__(self, trainer):
        """Agree with the other ranks; a collective."""
        seen = np.array([self._signal])
        self.mpi_comm.Allreduce(MPI.IN_PLACE, seen, op=MPI.MAX)
        self.agreed = bool(seen[0])
        if self.agreed:
            self._tell("")

    def _note(self, number, frame):
        self._signal = number
        if number == signal.SIGINT:
            signal.signal(signal.SIGINT, signal.SIG_DFL)
            self._tell("; Ctrl-C again stops at once")

    def _tell(self, hint):
        """One line, from one rank: a launcher passes Ctrl-C on to all of them."""
        if self.mpi_comm.rank == 0 and not self._told:
            self._told = True
            print(f"\nstopping after this iteration with a snapshot{hint}", file=sys.stderr, flush=True)
