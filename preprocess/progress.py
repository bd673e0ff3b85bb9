"""The progress bar of the command line."""

import sys

from tqdm import tqdm


class ProgressBar:
    """A bar on standard error with the name of the subject that was finished last.

    Args:
        description (str): What is being done.
    """

    def __init__(self, description):
        self._description = description
        self._bar = None

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self._bar is not None:
            self._bar.close()

    def start(self, total, done):
        """Show the bar.

        Args:
            total (int): Subjects in all.
            done (int): Subjects that an earlier run finished.
        """
        # The bar's watching thread would keep the workers from being forked.
        tqdm.monitor_interval = 0
        # A log file of a batch system should not fill with bars.
        interval = 0.1 if sys.stderr.isatty() else 10
        self._bar = tqdm(total=total, initial=done, desc=self._description, unit="subject", mininterval=interval)

    def advance(self, name):
        """Count one subject.

        Args:
            name (str): The subject.
        """
        self._bar.set_postfix_str(name, refresh=False)
        self._bar.update()


class Silent:
    """No bar: what :func:`preprocess.dataset.build` uses when it is called from other code."""

    def start(self, total, done):
        """Show nothing.

        Args:
            total (int): Subjects in all.
            done (int): Subjects that an earlier run finished.
        """

    def advance(self, name):
        """Count nothing.

        Args:
            name (str): The subject.
        """
