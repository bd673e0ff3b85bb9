"""The best generator so far, by a measure."""

import json
import math
import pathlib

from dcgan_mri.chainer_compat import chainer
from dcgan_mri.extensions.measures import PREFIX, Measures
from dcgan_mri.extensions.triggers import EACH_EPOCH
from dcgan_mri.files import write_text
from dcgan_mri.run import reading, result_folder, snapshots

# The one measure that falls with every kind of harm, and is without bias at 100 samples.
CRITERION = "kid"


class BestGenerator(chainer.training.Extension):
    """Writes ``generator_best.npz``, that of the epoch with the lowest KID, and ``generator_best.json``, which says so.

    Args:
        gen (dcgan_mri.networks.Generator): The generator.
        config (dcgan_mri.config.Config): The settings.
    """

    trigger = EACH_EPOCH
    priority = Measures.priority - 1

    def __init__(self, gen, config):
        self.gen = gen
        self.config = config

    def __call__(self, trainer):
        """Keep the generator, if this epoch was measured and is the best."""
        value = trainer.observation.get(PREFIX + CRITERION)
        epoch = math.ceil(trainer.updater.epoch_detail)
        before = reading.best(trainer.out)
        # A run that went on from an older snapshot trains epochs again that it had measured: those count anew.
        if value is None or before is not None and before["epoch"] < epoch and before["value"] <= value:
            return
        out = pathlib.Path(trainer.out)
        snapshots.save_generator(out / result_folder.BEST_GENERATOR, self.gen, self.config)
        write_text(
            out / result_folder.BEST, json.dumps({"criterion": CRITERION, "epoch": epoch, "value": value}) + "\n")
