"""The cheap measures after an epoch, so that the log shows when a training went astray."""

import json
import math
import pathlib
import time

from dcgan_mri import previews, results
from dcgan_mri.chainer_compat import chainer
from dcgan_mri.metrics.epoch import EpochMeasures
from dcgan_mri.metrics.stack import cores

PREFIX = "measure/"
# Of the time of the training.
BUDGET = 0.05


class Measures(chainer.training.Extension):
    """Measures the epoch's sample grid and reports each number as ``measure/...``; writes ``measures.json`` once.

    Where epochs are so short that this would take more than 5 % of the training's time, epochs are left out.

    Args:
        slices (dcgan_mri.dataset.Slices): The training slices.
        every_epoch (bool): Whether to measure every epoch, whatever it takes.
        clock (callable): Seconds.
    """

    # Behind GlobalMean, which must find the same names on every rank; before the log.
    priority = (chainer.training.PRIORITY_EDITOR + chainer.training.PRIORITY_READER) // 2

    def __init__(self, slices, every_epoch=False, clock=time.monotonic):
        self.slices = slices
        self.every_epoch = every_epoch
        self._clock = clock
        self._spent = self._last = 0.0

    def initialize(self, trainer):
        """Describe the real slices; a few seconds, before the first iteration."""
        self._measure = EpochMeasures(self.slices, cores())
        results.write_text(
            pathlib.Path(trainer.out) / "measures.json",
            json.dumps(self._measure.scale(), indent=2, ensure_ascii=False) + "\n")
        self._began = self._clock()

    def __call__(self, trainer):
        """Measure the newest grid, if there is time to."""
        start = self._clock()
        if not self.every_epoch and self._spent + self._last > BUDGET * (start - self._began):
            return
        grid = previews.by_epoch(trainer.out)[math.ceil(trainer.updater.epoch_detail)]
        values = self._measure(previews.cells(previews.read(grid)))
        trainer.observation.update({PREFIX + name: value for name, value in values.items()})
        self._last = self._clock() - start
        self._spent += self._last
