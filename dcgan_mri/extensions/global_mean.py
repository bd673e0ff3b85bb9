"""Observations as means over all ranks, so that the log shows the global batch and not rank 0's share."""

import numpy as np

from dcgan_mri.chainer_compat import chainer
from dcgan_mri.extensions.triggers import EACH_ITERATION


class GlobalMean(chainer.training.Extension):
    """Replaces every observation of an iteration by its mean over the ranks; runs on every rank, a collective.

    On GPUs an iteration shows what the one before it observed, see `Readback`.

    Args:
        mpi_comm (mpi4py.MPI.Comm): The ranks; each holds an equal share of the batch.
    """

    trigger = EACH_ITERATION
    priority = chainer.training.PRIORITY_EDITOR

    def __init__(self, mpi_comm):
        self.mpi_comm = mpi_comm
        self._readback = Readback()

    def __call__(self, trainer):
        """Average the observations of the iteration that just ended."""
        names = sorted(trainer.observation)
        values = self._readback.read([trainer.observation[name] for name in names])
        means = np.empty_like(values)
        self.mpi_comm.Allreduce(values, means)
        means /= self.mpi_comm.size
        trainer.observation.update(zip(names, means.tolist(), strict=True))


class Readback:
    """Reads the numbers that each step leaves, those of a GPU in one message and a step late.

    So Python starts a GPU's next step while it computes this one: what is waited for has long been sent.
    """

    def __init__(self):
        self._sent = None

    def read(self, values):
        """Take a step's numbers, as many in every step.

        Args:
            values (list): Numbers, Variables and arrays without axes.

        Returns:
            numpy.ndarray: float64; from a GPU the numbers of the step before, in the first step its own.
        """
        arrays = [getattr(value, "array", value) for value in values]
        xp = chainer.backend.get_array_module(*arrays)
        newest = xp.stack([xp.asarray(array, dtype=np.float64) for array in arrays])
        if xp is np:
            return newest
        sent = _send(newest)
        earlier, self._sent = self._sent or sent, sent
        numbers, event = earlier
        event.synchronize()
        return numbers


def _send(array):
    """Have a GPU copy an array to page-locked memory; it is there when the event that is returned with it has come."""
    import cupy
    import cupyx

    target = cupyx.empty_pinned(array.shape, array.dtype)
    array.get(out=target, blocking=False)
    return target, cupy.cuda.get_current_stream().record()
