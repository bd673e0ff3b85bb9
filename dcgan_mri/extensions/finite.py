"""An end to training that has left the finite numbers, before it overwrites what was good."""

import math

from dcgan_mri.chainer_compat import chainer
from dcgan_mri.errors import DivergedError
from dcgan_mri.extensions.triggers import EACH_ITERATION

NETWORKS = {"gen": "generator", "dis": "discriminator"}


class StopUnlessFinite(chainer.training.Extension):
    """Stops once a loss is NaN or infinite; on every rank, behind `GlobalMean`, so that all stop together.

    On GPUs that is an iteration later, since `GlobalMean` reads a step late there.
    """

    trigger = EACH_ITERATION
    priority = chainer.training.PRIORITY_EDITOR - 1

    def __call__(self, trainer):
        """Look at the losses of the iteration that just ended.

        Raises:
            DivergedError: If one is not finite; it names the network and the iteration.
        """
        for key, name in NETWORKS.items():
            value = trainer.observation.get(f"{key}/loss", 0.0)
            if not math.isfinite(value):
                raise DivergedError(
                    f"the loss of the {name} is {value} at iteration {trainer.updater.iteration}; the snapshots in "
                    f"{trainer.out} are from before; begin again with a smaller --alpha or another --seed")
