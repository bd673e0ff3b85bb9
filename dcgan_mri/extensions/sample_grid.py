"""The sample grid of an epoch: what one looks at."""

import math
import pathlib

from dcgan_mri.chainer_compat import chainer
from dcgan_mri.pixels import grid, save_png
from dcgan_mri.sampling import sample_stack

SIDE = 10


class SampleGrid(chainer.training.Extension):
    """Writes ``preview/epoch_0001.png`` and so on: 10×10 images of image seeds 0 to 99, the same in every epoch.

    Args:
        gen (dcgan_mri.networks.Generator): The generator.
        config (dcgan_mri.config.Config): The settings.
    """

    def __init__(self, gen, config):
        self.gen = gen
        self.config = config

    def __call__(self, trainer):
        """Write the grid of the epoch that is under way or just ended."""
        folder = pathlib.Path(trainer.out) / "preview"
        folder.mkdir(exist_ok=True)
        pictures = sample_stack(self.gen, range(SIDE * SIDE), self.config)
        save_png(folder / f"epoch_{math.ceil(trainer.updater.epoch_detail):04d}.png", grid(pictures, SIDE))
