"""The sample grid of an epoch: what one looks at."""

import math
import pathlib

from dcgan_mri import grid
from dcgan_mri.chainer_compat import chainer
from dcgan_mri.pixels import grey, save_png
from dcgan_mri.sampling import sample_stack


class SampleGrid(chainer.training.Extension):
    """Writes ``preview/epoch_0001.png`` and so on: 10×10 images of image seeds 0 to 99, the same in every epoch.

    Args:
        gen (dcgan_mri.networks.Generator): The generator.
        config (dcgan_mri.config.Config): The settings.
        bare (bool): Without gaps and margins.
        in_grey (bool): The mean of the three channels.

    Attributes:
        epoch (int): That of the newest grid.
        picture (numpy.ndarray): The newest grid, as `dcgan_mri.grid.draw` gives it.
    """

    def __init__(self, gen, config, bare=False, in_grey=False):
        self.gen = gen
        self.config = config
        self.bare = bare
        self.in_grey = in_grey

    def __call__(self, trainer):
        """Write the grid of the epoch that is under way or just ended."""
        folder = pathlib.Path(trainer.out) / "preview"
        folder.mkdir(exist_ok=True)
        seeds = range(grid.IMAGES)
        pictures = sample_stack(self.gen, seeds, self.config)
        self.epoch = math.ceil(trainer.updater.epoch_detail)
        title = f"Epoch {self.epoch} of {self.config.epoch}, generated images of seeds 0 to 99"
        self.picture = grid.draw(grey(pictures) if self.in_grey else pictures, title, seeds, self.bare)
        save_png(folder / f"epoch_{self.epoch:04d}.png", self.picture)
