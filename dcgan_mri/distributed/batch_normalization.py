"""Batch normalisation over the global batch, so that n ranks compute what one computes."""

import warnings

from dcgan_mri.chainer_compat import chainer, chainermn
from dcgan_mri.distributed.communicator import from_all_ranks, mean_over_ranks
from dcgan_mri.kernels.normalization import update_running

_chainer_bn = chainer.functions.normalization.batch_normalization


class GlobalBatchNormalization(chainermn.links.MultiNodeBatchNormalization):
    """ChainerMN's batch normalisation, with exact statistics of the global batch.

    The stock link computes the variance as E[x²] - E[x]² in float32, which cancels; corrects the running variance with
    the local count instead of the global one; and starts the running variance at 0, where Chainer's own link starts
    at 1. Here nothing cancels, the count is the global one, and training starts from 1. The statistics are then the
    same on every rank, whatever their number.

    Args:
        size (int): Number of channels or features.
        comm (chainermn.CommunicatorBase): Communicator over which the batch is spread; all ranks hold equal shares.
        use_gamma (bool): Whether the link has a scale. The paper's D has none (released code).
    """

    def __init__(self, size, comm, use_gamma=True):
        super().__init__(size, comm, use_gamma=use_gamma)
        self.avg_var[...] = 1
        self.join = AllRanks(comm)

    def forward(self, x):
        """Normalise; in training by the global batch's statistics, else by the running ones.

        Args:
            x (chainer.Variable): float32 of shape (B, C) or (B, C, H, W); this rank's share of the global batch.

        Returns:
            chainer.Variable: As x.
        """
        gamma = getattr(self, "gamma", None)
        if gamma is None:
            gamma = self.xp.ones(self.avg_mean.shape, dtype=self.avg_mean.dtype)
        if not chainer.config.train:
            return chainer.functions.fixed_batch_normalization(
                x, gamma, self.beta, self.avg_mean, self.avg_var, self.eps)
        y, mean, var = self.join.normalized(x, gamma, self.beta, self.eps)
        update_running(self, mean, var, x.size // len(mean) * self.comm.size)
        return y

    __call__ = forward


class AllRanks:
    """Statistics of a batch that is spread over ranks: what `kernels.normalization.OneProcess` is for one process.

    Args:
        comm (chainermn.CommunicatorBase): The ranks.
    """

    def __init__(self, comm):
        self.comm = comm

    @property
    def size(self):
        """int: Number of ranks."""
        return self.comm.size

    def moments(self, mean, var):
        """Mean and variance of the global batch from those of every rank's share; a collective.

        They travel in one message and are joined as in Chan, Golub and LeVeque (1983): as exact as two passes over the
        whole batch, for half the messages.

        Args:
            mean, var (array): float32 of shape (C,).

        Returns:
            tuple: The same two for the global batch.
        """
        if self.comm.size == 1:
            return mean, var
        xp = chainer.backend.get_array_module(mean)
        means, variances = from_all_ranks(self.comm, xp.stack([mean, var])).swapaxes(0, 1)
        mean = means.mean(axis=0)
        return mean, variances.mean(axis=0) + xp.square(means - mean).mean(axis=0)

    def sums(self, gbeta, ggamma):
        """Means over the ranks of two sums over a share; a collective."""
        if self.comm.size == 1:
            return gbeta, ggamma
        xp = chainer.backend.get_array_module(gbeta)
        means = mean_over_ranks(self.comm, xp.stack([gbeta, ggamma]))
        return means[0], means[1]

    def batch_normalization(self, x, gamma, beta, eps):
        """Normalise by Chainer's function, with the statistics of the global batch.

        Args:
            x (chainer.Variable): float32 of shape (B, C) or (B, C, H, W).
            gamma, beta (array or chainer.Variable): Shape (C,).
            eps (float): Added to the variance.

        Returns:
            chainer.Variable: As x.
        """
        return self.normalized(x, gamma, beta, eps)[0]

    def normalized(self, x, gamma, beta, eps):
        """As `batch_normalization`, and the batch's mean and variance."""
        function = _chainer_bn.BatchNormalization(eps, impl_selector=lambda function, inputs: _GlobalStatistics(self))
        with warnings.catch_warnings():
            if self.comm.size > 1:  # the share of one rank may be one sample; the batch is not
                warnings.filterwarnings("ignore", "A batch with no more than one sample")
            y, = function.apply((x, gamma, beta))
        return y, function.mean, function.var


class _GlobalStatistics(_chainer_bn.GeneralBatchNormalizationImpl):
    """Chainer's reference implementation, with every mean taken over all ranks."""

    def __init__(self, join):
        self.join = join

    def get_mean_and_var(self, axis, gamma, x, xp, interm_dtype):
        mean, var = super().get_mean_and_var(axis, gamma, x, xp, interm_dtype)
        return self.join.moments(mean, var)

    def get_ggamma_and_gbeta(self, axis, gamma, gy, x_hat, xp):
        gbeta, ggamma = super().get_ggamma_and_gbeta(axis, gamma, gy, x_hat, xp)
        return self.join.sums(gbeta, ggamma)
