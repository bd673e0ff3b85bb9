"""Snapshots of a whole run, and the newest generator by itself."""

import pathlib

from dcgan_mri.chainer_compat import chainer
from dcgan_mri.extensions.triggers import EACH_EPOCH, EpochsAndEnd
from dcgan_mri.run import result_folder, snapshots


class Snapshot(chainer.training.Extension):
    """Writes ``snapshot_iter_N.npz``, everything that is needed to go on, and keeps the newest few.

    Args:
        config (dcgan_mri.config.Config): The settings; kept beside the weights.
        interval (int): Epochs between snapshots.
        keep (int): Number of snapshots to keep.
    """

    priority = -100  # behind the extensions whose state belongs into it

    def __init__(self, config, interval, keep):
        self.config = config
        self.trigger = EpochsAndEnd(interval)
        self.keep = keep

    def __call__(self, trainer):
        """Write a snapshot, then delete the oldest."""
        snapshots.save(pathlib.Path(trainer.out), trainer, self.config)
        for path in snapshots.newest_first(trainer.out)[self.keep:]:
            path.unlink()


class GeneratorFile(chainer.training.Extension):
    """Writes ``generator.npz``: the newest generator with its settings, for `dcgan_mri.generate`.

    Args:
        gen (dcgan_mri.networks.Generator): The generator.
        config (dcgan_mri.config.Config): The settings.
    """

    trigger = EACH_EPOCH

    def __init__(self, gen, config):
        self.gen = gen
        self.config = config

    def __call__(self, trainer):
        """Overwrite the file."""
        snapshots.save_generator(pathlib.Path(trainer.out) / result_folder.GENERATOR, self.gen, self.config)
