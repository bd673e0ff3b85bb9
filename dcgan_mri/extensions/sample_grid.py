"""The sample grid of an epoch: what one looks at."""

import math

from dcgan_mri import grid
from dcgan_mri.chainer_compat import chainer
from dcgan_mri.extensions.triggers import EACH_EPOCH
from dcgan_mri.pixels import grey, save_png
from dcgan_mri.run import sample_grids
from dcgan_mri.run.result_folder import making
from dcgan_mri.sampling import sample_stack


class SampleGrid(chainer.training.Extension):
    """Writes ``preview/epoch_0001.png`` and so on: 10×10 images of image seeds 0 to 99, the same in every epoch.

    What else looks at these images asks the trainer for this extension.

    Args:
        gen (dcgan_mri.networks.Generator): The generator.
        config (dcgan_mri.config.Config): The settings.
        bare (bool): Without gaps and margins.
        in_grey (bool): The mean of the three channels.

    Attributes:
        epoch (int): That of the newest grid.
        pictures (numpy.ndarray): Its images, uint8 of shape (100, H, H, 3).
        picture (numpy.ndarray): The grid as it is written, see `dcgan_mri.grid.draw`.
    """

    trigger = EACH_EPOCH
    # Behind the check for finite losses; before the measures, which look at the grid.
    priority = chainer.training.PRIORITY_EDITOR - 10

    def __init__(self, gen, config, bare=False, in_grey=False):
        self.gen = gen
        self.config = config
        self.bare = bare
        self.in_grey = in_grey

    def __call__(self, trainer):
        """Write the grid of the epoch that is under way or just ended."""
        self.epoch = math.ceil(trainer.updater.epoch_detail)
        seeds = range(grid.IMAGES)
        self.pictures = sample_stack(self.gen, seeds, self.config)
        title = f"Epoch {self.epoch} of {self.config.epoch}: generated images by seed"
        self.picture = grid.draw(grey(self.pictures) if self.in_grey else self.pictures, title, seeds, self.bare)
        path = sample_grids.path(trainer.out, self.epoch)
        with making(path.parent):
            path.parent.mkdir(exist_ok=True)
        save_png(path, self.picture)
