"""The best generator so far, by a measure."""

import json
import math
import pathlib

from dcgan_mri.run import result_folder, snapshots
from dcgan_mri.chainer_compat import chainer
from dcgan_mri.extensions.measures import PREFIX, Measures

# The one measure that falls with every kind of harm, and is without bias at 100 samples.
CRITERION = "kid"


class BestGenerator(chainer.training.Extension):
    """Writes ``generator_best.npz``, that of the epoch with the lowest KID, and ``generator_best.json``, which says so.

    Args:
        gen (dcgan_mri.networks.Generator): The generator.
        config (dcgan_mri.config.Config): The settings.
    """

    priority = Measures.priority - 1

    def __init__(self, gen, config):
        self.gen = gen
        self.config = config

    def __call__(self, trainer):
        """Keep the generator, if this epoch was measured and is the best."""
        value = trainer.observation.get(PREFIX + CRITERION)
        epoch = math.ceil(trainer.updater.epoch_detail)
        before = best(trainer.out)
        # A run that went on from an older snapshot comes by epochs that it has seen: those count anew.
        if value is None or before is not None and before["epoch"] < epoch and before["value"] <= value:
            return
        out = pathlib.Path(trainer.out)
        snapshots.save_generator(out / "generator_best.npz", self.gen, self.config)
        result_folder.write_text(
            out / "generator_best.json", json.dumps({"criterion": CRITERION, "epoch": epoch, "value": value}) + "\n")


def best(out):
    """What ``generator_best.json`` says.

    Args:
        out (str or Path): Result folder.

    Returns:
        dict: ``criterion``, ``epoch`` and ``value``; None if there is no such file, or it is not ours.
    """
    try:
        found = json.loads((pathlib.Path(out) / "generator_best.json").read_text(encoding="utf-8"))
        return {"criterion": str(found["criterion"]), "epoch": int(found["epoch"]), "value": float(found["value"])}
    except (OSError, ValueError, KeyError, TypeError):
        return None
