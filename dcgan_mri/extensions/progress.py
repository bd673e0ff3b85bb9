"""How far the training is, for logs: plain lines, where Chainer's progress bar would leave escape codes."""

import datetime
import os
import sys
import time

from mpi4py import MPI

from dcgan_mri.chainer_compat import chainer
from dcgan_mri.extensions.triggers import EACH_EPOCH, EACH_ITERATION, last_iteration

COLUMNS = ["epoch", "iteration", "gen/loss", "dis/loss", "dis/y_real", "dis/y_fake", "elapsed_time"]


def progress(kind):
    """What shows how far a training is.

    Args:
        kind (str): ``bar``, ``lines``, or ``auto`` for a bar on a terminal.

    Returns:
        list of chainer.training.Extension: A report of each epoch, and a bar or lines.
    """
    on_terminal = kind == "bar" or kind == "auto" and is_on_terminal()
    report = Report(COLUMNS, out=sys.stdout if on_terminal else WithoutEscapes(sys.stdout))
    return [report, Bar(update_interval=1) if on_terminal else ProgressLines()]


class Report(chainer.training.extensions.PrintReport):
    """`chainer.training.extensions.PrintReport` after each epoch."""

    trigger = EACH_EPOCH


class Bar(chainer.training.extensions.ProgressBar):
    """`chainer.training.extensions.ProgressBar`, which looks at the clock in each iteration."""

    trigger = EACH_ITERATION


class ProgressLines(chainer.training.Extension):
    """Prints a line after the third iteration and then every so often: how far, how fast, how long to go.

    Args:
        seconds (float): Time between lines.
        out (file): Where they go.
    """

    trigger = EACH_ITERATION

    def __init__(self, seconds=60.0, out=None):
        self.seconds = seconds
        self.out = out or sys.stdout
        self._first = None
        self._printed = None

    def initialize(self, trainer):
        """Take the time at the start."""
        self._first = (trainer.updater.iteration, time.monotonic())

    def __call__(self, trainer):
        """Print, if it is time to."""
        now = time.monotonic()
        done = trainer.updater.iteration - self._first[0]
        due = done >= 3 if self._printed is None else now - self._printed >= self.seconds
        if not due:
            return
        self._printed = now
        last = last_iteration(trainer)
        pace = (now - self._first[1]) / done
        left = datetime.timedelta(seconds=round(pace * (last - trainer.updater.iteration)))
        print(
            f"iteration {trainer.updater.iteration} of {last}, "
            f"epoch {trainer.updater.epoch_detail:.2f}, {pace:.2f} s an iteration, {left} to go",
            file=self.out, flush=True)


class WithoutEscapes:
    """A stream without the code by which Chainer's report clears the screen.

    Args:
        stream (file): Where the text goes.
    """

    def __init__(self, stream):
        self.stream = stream

    def write(self, text):
        """Write text."""
        self.stream.write(text.replace("\033[J", ""))

    def flush(self):
        """Flush the stream."""
        self.stream.flush()


def is_on_terminal():
    """Whether a person watches: under mpiexec stdout is a pipe, but a job from a terminal can still open it.

    Returns:
        bool: If so, Chainer's progress bar has somebody to draw for.
    """
    if sys.stdout.isatty():
        return True
    if MPI.COMM_WORLD.size == 1:
        return False
    try:
        os.close(os.open("/dev/tty", os.O_WRONLY))
    except OSError:
        return False
    return True
