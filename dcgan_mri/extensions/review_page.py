"""The review page after an epoch."""

import pathlib

from dcgan_mri.chainer_compat import chainer
from dcgan_mri.commandline import say
from dcgan_mri.errors import DataError
from dcgan_mri.extensions.budget import Budget
from dcgan_mri.extensions.triggers import EACH_EPOCH, last_iteration
from dcgan_mri.review.page import Page
from dcgan_mri.run import result_folder

BUDGET = 0.05


class ReviewPage(chainer.training.Extension):
    """Writes ``index.html``; one reloads it in the browser while the training goes on.

    Where epochs are so short that this would take more than 5 % of the time, epochs are left out, but not the last.
    A page that cannot be written, for example since the grid of an earlier epoch is damaged, ends no training.

    Args:
        slices (dcgan_mri.slice_set.Slices): The training slices.
    """

    trigger = EACH_EPOCH
    priority = -200  # behind the log, and behind the snapshot, which matters more

    def __init__(self, slices):
        self.slices = slices
        self._budget = Budget(BUDGET)

    def initialize(self, trainer):
        """Begin a page."""
        out = pathlib.Path(trainer.out)
        self._page = Page([out], [self.slices], out / result_folder.PAGE)
        self._budget.begin()

    def __call__(self, trainer):
        """Write the page, if there is time to."""
        if self._budget.allows() or trainer.updater.iteration >= last_iteration(trainer):
            with self._budget.spending():
                grid = trainer.get_extension("SampleGrid")
                try:
                    self._page.write(newest=(grid.epoch, grid.picture))
                except (DataError, OSError) as error:
                    say(f"no review page after epoch {grid.epoch}: {error}")
