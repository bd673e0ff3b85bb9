"""The global batches of every epoch, and each rank's share of them."""

import numpy as np

from dcgan_mri import randomness
from dcgan_mri.chainer_compat import chainer
from dcgan_mri.errors import UsageError


def share_of_batch(batchsize, n_ranks):
    """Number of images of each global batch that one rank holds.

    Args:
        batchsize (int): Images of a global batch.
        n_ranks (int): Number of ranks.

    Returns:
        int: Images for each rank.

    Raises:
        UsageError: If the batch does not divide by the ranks.
    """
    if batchsize % n_ranks:
        fitting = [n for n in range(1, batchsize + 1) if batchsize % n == 0]
        raise UsageError(
            f"--batchsize {batchsize} is the global batch and does not divide by {n_ranks} ranks; "
            f"run {' or '.join(map(str, fitting))} ranks, or use --batchsize {-(-batchsize // n_ranks) * n_ranks}")
    return batchsize // n_ranks


def batches_per_epoch(n_slices, batchsize):
    """Number of global batches in an epoch. What is left over sits out this epoch; the next one has another order.

    Args:
        n_slices (int): Slices in the set.
        batchsize (int): Images of a global batch.

    Returns:
        int: At least 1.

    Raises:
        UsageError: If there are fewer slices than one batch needs.
    """
    if n_slices < batchsize:
        raise UsageError(f"--batchsize {batchsize} is more than the set's {n_slices} slices; use at most {n_slices}")
    return n_slices // batchsize


def laid_out_for_ranks(order, batchsize, n_ranks):
    """Rearrange an epoch's order so that each rank's contiguous part is its share of every global batch.

    ``chainermn.scatter_dataset`` deals contiguous parts. Dealt as it is, an order would give batches that depend on
    the number of ranks; laid out like this, batch k of n ranks holds the samples of batch k of one rank, and the
    shares of the ranks one behind the other are the batch.

    Args:
        order (numpy.ndarray): Slice indices in the order of the epoch, shape (N,).
        batchsize (int): Images of a global batch; divides by n_ranks.
        n_ranks (int): Number of ranks.

    Returns:
        numpy.ndarray: Shape (N // batchsize * batchsize,).
    """
    n_batches = len(order) // batchsize
    batches = order[:n_batches * batchsize].reshape(n_batches, n_ranks, batchsize // n_ranks)
    return batches.transpose(1, 0, 2).ravel()


class GlobalBatches(chainer.dataset.Iterator):
    """Iterator over this rank's shares of the global batches.

    The order is a function of (seed, epoch), so the only state is the number of batches handed out.

    Args:
        comm (chainermn.CommunicatorBase): The ranks.
        slices (dcgan_mri.slice_set.Slices): The set.
        batchsize (int): Images of a global batch.
        seed (int): Seed of the run.
        scatter (callable): Deals the order of an epoch, which rank 0 has, to the ranks: `chainermn.scatter_dataset`.

    Raises:
        UsageError: If batch size, ranks and slices do not fit.
    """

    def __init__(self, comm, slices, batchsize, seed, scatter):
        share = share_of_batch(batchsize, comm.size)
        self.comm = comm
        self.scatter = scatter
        self.slices = slices
        self.batchsize = batchsize
        self.seed = seed
        self.n_batches = batches_per_epoch(len(slices), batchsize)
        self.samples = range(comm.rank * share, (comm.rank + 1) * share)
        self.iteration = 0
        self._dealt_epoch = None
        self._dealt = None

    def next(self):
        """Hand out the next share; a collective at the start of an epoch.

        Returns:
            numpy.ndarray: uint8 of shape (B, H, W), grey 0 to 255.
        """
        images = self.slices.batch(self._share_of(self.epoch)[self.iteration % self.n_batches])
        self.iteration += 1
        return images

    __next__ = next

    def decode_first_epoch(self):
        """Decode this rank's share of the epoch at hand; between them the ranks meet every slice in it.

        Raises:
            DataError: If a slice cannot be read.
        """
        for index in self._dealt.ravel():
            self.slices.image(index)

    def deal(self):
        """Deal the slices of the epoch at hand to the ranks; a collective."""
        self._share_of(self.epoch)

    @property
    def epoch(self):
        """int: Number of completed epochs."""
        return self.iteration // self.n_batches

    @property
    def epoch_detail(self):
        """float: Number of epochs, with the fraction of the present one."""
        return self.iteration / self.n_batches

    @property
    def previous_epoch_detail(self):
        """float: `epoch_detail` one batch before; -1 before the first batch."""
        return (self.iteration - 1) / self.n_batches if self.iteration else -1.0

    @property
    def is_new_epoch(self):
        """bool: Whether the last batch ended an epoch."""
        return self.iteration > 0 and self.iteration % self.n_batches == 0

    def serialize(self, serializer):
        """Save or load the position, with the fingerprint of the slices that it is one in."""
        self.iteration = serializer("iteration", self.iteration)
        serializer("slices", self.slices.fingerprint)

    def _share_of(self, epoch):
        """Slice indices of this rank in one epoch, shape (batches, share); dealt when the epoch begins."""
        if self._dealt_epoch != epoch:
            order = None
            if self.comm.rank == 0:
                order = randomness.epoch_order(self.seed, epoch, len(self.slices))
                order = laid_out_for_ranks(order, self.batchsize, self.comm.size)
            mine = self.scatter(order, self.comm)
            self._dealt = np.array(mine[:]).reshape(self.n_batches, len(self.samples))
            self._dealt_epoch = epoch
        return self._dealt
