"""Batch normalisation over the global batch, so that n ranks compute what one computes."""

import warnings

from dcgan_mri.chainer_compat import chainer, chainermn
from dcgan_mri.distributed.communicator import from_all_ranks, mean_over_ranks

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
        function = _chainer_bn.BatchNormalization(
            self.eps, self.avg_mean, self.avg_var, self.decay,
            impl_selector=lambda function, inputs: _GlobalStatistics(self.comm))
        with warnings.catch_warnings():
            if self.comm.size > 1:  # the share of one rank may be one sample; the batch is not
                warnings.filterwarnings("ignore", "A batch with no more than one sample")
            y, = function.apply((x, gamma, self.beta))
        return y

    __call__ = forward


class _GlobalStatistics(_chainer_bn.GeneralBatchNormalizationImpl):
    """Chainer's reference implementation, with every mean taken over all ranks."""

    def __init__(self, comm):
        self.comm = comm

    def forward(self, axis, gamma, x, x_layout, xp, expander, beta, eps, decay, running_mean, running_var):
        # The base class would correct the running variance with the local count: it gets no running statistics.
        result = super().forward(axis, gamma, x, x_layout, xp, expander, beta, eps, decay, None, None)
        y, y_layout, _, _, mean, var, inv_std, data = result
        count = x.size // gamma.size * self.comm.size
        running_mean *= decay
        running_mean += (1 - decay) * mean
        running_var *= decay
        running_var += (1 - decay) * (count / max(count - 1, 1)) * var
        return y, y_layout, running_mean, running_var, mean, var, inv_std, data

    def get_mean_and_var(self, axis, gamma, x, xp, interm_dtype):
        mean, var = super().get_mean_and_var(axis, gamma, x, xp, interm_dtype)
        if self.comm.size == 1:
            return mean, var
        # One message with every rank's mean and variance, joined as in Chan, Golub and LeVeque (1983): as exact as two
        # passes over the whole batch, for half the messages.
        means, variances = from_all_ranks(self.comm, xp.stack([mean, var])).swapaxes(0, 1)
        mean = means.mean(axis=0)
        return mean, variances.mean(axis=0) + xp.square(means - mean).mean(axis=0)

    def get_ggamma_and_gbeta(self, axis, gamma, gy, x_hat, xp):
        gbeta, ggamma = super().get_ggamma_and_gbeta(axis, gamma, gy, x_hat, xp)
        means = mean_over_ranks(self.comm, xp.stack([gbeta, ggamma]))
        return means[0], means[1]
