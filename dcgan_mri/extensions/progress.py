"""How far the training is: a table with a row an epoch, and between the rows a bar for a person or lines for a log."""

import datetime
import os
import pathlib
import re
import sys
import time

from tqdm import tqdm

from dcgan_mri.chainer_compat import chainer
from dcgan_mri.commandline import say
from dcgan_mri.extensions.triggers import EACH_EPOCH, EACH_ITERATION, last_iteration

# Title, key in the log, format; 80 columns with those for the time.
COLUMNS = (("KID", "measure/kid", "{:9.4g}"), ("score real", "dis/y_real", "{:11.3f}"),
           ("generated", "dis/y_fake", "{:10.3f}"), ("loss of G", "gen/loss", "{:10.4g}"),
           ("of D", "dis/loss", "{:8.4g}"))
LAUNCHER = re.compile(r"mpiexec|mpirun|hydra|orted|prted|srun")
OTHERS = "{:>5} {} {:>9} {:>9}"


def progress(kind):
    """What shows how far a training is.

    Args:
        kind (str): ``bar``, ``lines``, or ``auto`` for a bar on a terminal.

    Returns:
        list of chainer.training.Extension: The table, and a bar or lines.
    """
    return [Table(), Bar() if kind == "bar" or kind == "auto" and is_on_terminal() else ProgressLines()]


class Pace:
    """How long a training takes, by the iterations of this process.

    Args:
        trainer (chainer.training.Trainer): The training, about to begin.
    """

    def __init__(self, trainer):
        self._first = (trainer.updater.iteration, time.monotonic())

    def seconds(self, trainer):
        """Seconds that an iteration has taken on average."""
        iteration, begin = self._first
        return (time.monotonic() - begin) / (trainer.updater.iteration - iteration)

    def to_go(self, trainer):
        """datetime.timedelta: What is left, in whole seconds."""
        left = last_iteration(trainer) - trainer.updater.iteration
        return datetime.timedelta(seconds=round(self.seconds(trainer) * left))


class Table(chainer.training.Extension):
    """Prints a row after every epoch: what was measured, and the time.

    Args:
        say (callable): Prints a line.
    """

    trigger = EACH_EPOCH

    def __init__(self, say=say):
        self.say = say
        titles = " ".join(f"{title:>{len(form.format(0))}}" for title, _, form in COLUMNS)
        self._titles = OTHERS.format("epoch", titles, "time", "to go")

    def initialize(self, trainer):
        """Take the time at the start."""
        self._pace = Pace(trainer)

    def __call__(self, trainer):
        """Print the newest entry of the log, the first time below the titles."""
        entry = trainer.get_extension("LogReport").log[-1]
        cells = [form.format(entry[key]) if key in entry else " " * (len(form.format(0)) - 1) + "-"
                 for _, key, form in COLUMNS]
        epoch = f"{round(trainer.updater.epoch_detail, 1):g}"
        elapsed = datetime.timedelta(seconds=round(entry["elapsed_time"]))
        row = OTHERS.format(epoch, " ".join(cells), str(elapsed), str(self._pace.to_go(trainer)))
        with tqdm.external_write_mode(file=sys.stdout):
            self.say(f"{self._titles}\n{row}" if self._titles else row)
        self._titles = ""


class Bar(chainer.training.Extension):
    """Draws a bar on the terminal, without other tricks than going back to the start of the line."""

    trigger = EACH_ITERATION

    def initialize(self, trainer):
        """Draw the empty bar."""
        self._bar = tqdm(
            total=last_iteration(trainer), initial=trainer.updater.iteration, file=sys.stdout, leave=False,
            ncols=terminal_width() - 1, mininterval=1, bar_format="{desc}|{bar}| {percentage:.0f} % {rate_fmt}, "
            "{remaining} to go")

    def __call__(self, trainer):
        """Move on."""
        self._bar.set_description_str(f"epoch {trainer.updater.epoch_detail:.2f} ", refresh=False)
        self._bar.update()

    def finalize(self):
        """Remove the bar."""
        self._bar.close()


class ProgressLines(chainer.training.Extension):
    """Prints a line after the third iteration and then every so often: how far, how fast, how long to go.

    Args:
        seconds (float): Time between lines.
        say (callable): Prints a line.
    """

    trigger = EACH_ITERATION

    def __init__(self, seconds=60.0, say=say):
        self.seconds = seconds
        self.say = say
        self._printed = None

    def initialize(self, trainer):
        """Take the time at the start."""
        self._pace = Pace(trainer)
        self._third = trainer.updater.iteration + 3

    def __call__(self, trainer):
        """Print, if it is time to."""
        now = time.monotonic()
        iteration = trainer.updater.iteration
        due = iteration >= self._third if self._printed is None else now - self._printed >= self.seconds
        if not due:
            return
        self._printed = now
        to_go = self._pace.to_go(trainer)
        self.say(f"iteration {iteration} of {last_iteration(trainer)}, epoch {trainer.updater.epoch_detail:.2f}, "
                 f"{self._pace.seconds(trainer):.2f} s each, {to_go} to go, "
                 f"done {datetime.datetime.now() + to_go:%a %H:%M}")


def is_on_terminal():
    """Whether a person watches: under mpiexec all output is a pipe, but the launcher's own may be a terminal.

    Returns:
        bool: If so, a progress bar has somebody to draw for.
    """
    return _terminal() is not None


def terminal_width():
    """Columns of the terminal that this job was started from.

    Returns:
        int: 80 where they are not known.
    """
    try:
        handle = os.open(_terminal() or "", os.O_WRONLY | os.O_NOCTTY)
    except OSError:
        return 80
    try:
        return os.get_terminal_size(handle).columns or 80
    except OSError:
        return 80
    finally:
        os.close(handle)


def _terminal():
    """The terminal that the output ends on; None if it is a file. Launchers pass it on through pipes."""
    pid = os.getpid()
    try:
        while pid > 1:
            target = os.readlink(f"/proc/{pid}/fd/1")
            if not target.startswith(("pipe:", "socket:")):
                return target if target.startswith(("/dev/pts/", "/dev/tty")) else None
            pid = int(pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
            if not LAUNCHER.search(pathlib.Path(f"/proc/{pid}/comm").read_text()):
                return None
    except (OSError, ValueError):
        pass  # no /proc, or somebody else's process
    return None
