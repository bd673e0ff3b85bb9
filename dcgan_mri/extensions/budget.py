"""A share of the training's time, for what one can do without after some epochs."""

import contextlib
import time


class Budget:
    """Says whether there is time for a task that is done after every epoch, where epochs last long enough.

    Args:
        share (float): Of the time since `begin`, the task's own included.
        clock (callable): Seconds.
    """

    def __init__(self, share, clock=time.monotonic):
        self.share = share
        self._clock = clock
        self._spent = self._last = 0.0

    def begin(self):
        """The training begins."""
        self._began = self._clock()

    def allows(self):
        """Whether the task, if it takes as long as last time, stays within its share; the first time it may.

        Returns:
            bool: The answer.
        """
        return self._spent + self._last <= self.share * (self._clock() - self._began)

    @contextlib.contextmanager
    def spending(self):
        """Note the time that the block takes."""
        start = self._clock()
        yield
        self._last = self._clock() - start
        self._spent += self._last
