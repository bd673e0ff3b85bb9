"""Batch normalisation, dropout and (Leaky) ReLU as one function, with a link's parameters and statistics."""

import numpy as np

from dcgan_mri.chainer_compat import F, chainer
from dcgan_mri.kernels import backends


def covers(x):
    """Whether `normalize_and_activate` can take a map as things are.

    Args:
        x (array): What comes out of a layer.

    Returns:
        bool: False for other types than float32, and where running statistics are to be differentiated through.
    """
    covered = backends.covers(x) or backends.covers_on_gpu(x)
    return covered and (chainer.config.train or not chainer.config.enable_backprop)


def normalize(link, x):
    """Batch normalisation by the fast kernels where they cover it, else by the link itself.

    Args:
        link (chainer.Link): As for `normalize_and_activate`.
        x (chainer.Variable): Shape (B, C) or (B, C, H, W).

    Returns:
        chainer.Variable: As x.
    """
    return normalize_and_activate(link, x, None, 0.0, 1.0) if covers(x.array) else link(x)


def normalize_and_activate(link, x, kept, ratio, slope):
    """y = leaky(dropout(batch_normalization(x))), with a link's parameters and statistics.

    Args:
        link (chainer.Link): Batch normalisation; its attribute ``join``, if it has one, makes statistics of this
            process those of all (see `OneProcess`).
        x (chainer.Variable): float32 of shape (B, C) or (B, C, H, W).
        kept (array or None): What dropout keeps, bool of x's shape.
        ratio (float): Of dropout.
        slope (float): Of Leaky ReLU below zero: 0 is ReLU, 1 nothing.

    Returns:
        chainer.Variable: As x.
    """
    if backends.covers_on_gpu(x.array):
        from dcgan_mri.kernels.normalization_cuda import NormalizeAndActivate, by_fixed_statistics
    else:
        from dcgan_mri.kernels.normalization_cpu import NormalizeAndActivate, by_fixed_statistics

    gamma = getattr(link, "gamma", None)
    gamma = chainer.as_variable(link.xp.ones_like(link.avg_mean) if gamma is None else gamma)
    if not chainer.config.train:
        return chainer.Variable(by_fixed_statistics(
            x.array, gamma.array, link.beta.array, link.avg_mean, link.avg_var, link.eps, kept, ratio, slope))
    join = getattr(link, "join", OneProcess())
    function = NormalizeAndActivate(link.eps, join, kept, ratio, slope)
    y, = function.apply((x, gamma, link.beta))
    update_running(link, function.mean, function.var, x.size // len(function.mean) * join.size)
    return y


def update_running(link, mean, var, count):
    """Move a link's running statistics towards a batch's, the variance without bias, as Chainer does.

    Args:
        link (chainer.Link): Batch normalisation.
        mean, var (array): Statistics of the batch, shape (C,).
        count (int): Values in a channel, over all processes.
    """
    correction = count / max(count - 1, 1)
    if backends.covers_on_gpu(link.avg_mean, link.avg_var, mean, var):
        from dcgan_mri.kernels.normalization_cuda import move_running

        move_running(link.avg_mean, link.avg_var, mean, var, link.decay, correction)
        return
    for running, new in ((link.avg_mean, mean), (link.avg_var, var * np.float32(correction))):
        running *= link.decay
        running += (1 - link.decay) * new


class OneProcess:
    """Statistics of a batch that this process holds whole."""

    size = 1

    def moments(self, mean, var):
        """Mean and variance over all processes."""
        return mean, var

    def sums(self, gbeta, ggamma):
        """The gradients' sums, as means over all processes."""
        return gbeta, ggamma

    def batch_normalization(self, x, gamma, beta, eps):
        """The same by Chainer's function, which can be differentiated twice."""
        return F.batch_normalization(x, gamma, beta, eps=eps)
