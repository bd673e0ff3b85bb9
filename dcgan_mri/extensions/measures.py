"""The cheap measures after an epoch, so that the log shows when a training went astray."""

import json
import pathlib

from dcgan_mri.chainer_compat import chainer
from dcgan_mri.distributed.threads import cores
from dcgan_mri.extensions.budget import Budget
from dcgan_mri.extensions.triggers import EACH_EPOCH
from dcgan_mri.files import write_text
from dcgan_mri.metrics.epoch import EpochMeasures
from dcgan_mri.run import result_folder

PREFIX = "measure/"
BUDGET = 0.05


class Measures(chainer.training.Extension):
    """Measures the epoch's sample grid and reports each number as ``measure/...``; writes ``measures.json`` once.

    Where epochs are so short that this would take more than 5 % of the training's time, epochs are left out.

    Args:
        slices (dcgan_mri.slice_set.Slices): The training slices.
        every_epoch (bool): Whether to measure every epoch, whatever it takes.
        budget (Budget): The time that it may take.
    """

    trigger = EACH_EPOCH
    # Behind GlobalMean, which must find the same names on every rank; before the log.
    priority = (chainer.training.PRIORITY_EDITOR + chainer.training.PRIORITY_READER) // 2

    def __init__(self, slices, every_epoch=False, budget=None):
        self.slices = slices
        self.every_epoch = every_epoch
        self._budget = budget or Budget(BUDGET)

    def initialize(self, trainer):
        """Describe the real slices; a few seconds, before the first iteration."""
        self._measure = EpochMeasures(self.slices, cores())
        write_text(
            pathlib.Path(trainer.out) / result_folder.SCALE,
            json.dumps(self._measure.scale(), indent=2, ensure_ascii=False) + "\n")
        self._budget.begin()

    def __call__(self, trainer):
        """Measure the newest grid, if there is time to."""
        if self.every_epoch or self._budget.allows():
            with self._budget.spending():
                values = self._measure(trainer.get_extension("SampleGrid").pictures)
            trainer.observation.update({PREFIX + name: value for name, value in values.items()})
