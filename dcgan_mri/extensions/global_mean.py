"""Observations as means over all ranks, so that the log shows the global batch and not rank 0's share."""

import numpy as np

from dcgan_mri.chainer_compat import chainer
from dcgan_mri.extensions.triggers import EACH_ITERATION


class GlobalMean(chainer.training.Extension):
    """Replaces every observation of an iteration by its mean over the ranks; runs on every rank, a collective.

    Args:
        mpi_comm (mpi4py.MPI.Comm): The ranks; each holds an equal share of the batch.
    """

    trigger = EACH_ITERATION
    priority = chainer.training.PRIORITY_EDITOR

    def __init__(self, mpi_comm):
        self.mpi_comm = mpi_comm

    def __call__(self, trainer):
        """Average the observations of the iteration that just ended."""
        names = sorted(trainer.observation)
        values = _as_floats([trainer.observation[name] for name in names])
        means = np.empty_like(values)
        self.mpi_comm.Allreduce(values, means)
        means /= self.mpi_comm.size
        trainer.observation.update(zip(names, means.tolist(), strict=True))


def _as_floats(values):
    """Numbers, Variables and arrays as float64; those that a GPU holds come in one message, which waits for it once."""
    arrays = [getattr(value, "array", value) for value in values]
    xp = chainer.backend.get_array_module(*arrays)
    stacked = xp.stack([xp.asarray(array, dtype=np.float64) for array in arrays])
    return chainer.backends.cuda.to_cpu(stacked)
