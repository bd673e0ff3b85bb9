"""Batch normalisation, dropout and (Leaky) ReLU on a CPU, in two passes forward and two backward.

Only the input is kept for the backward pass: what lies behind the normalisation is computed anew, with the affine map
of the forward pass, since a step of the optimizer may have changed gamma and beta in between (alternating updates).
"""

import numpy as np

from dcgan_mri.chainer_compat import F, chainer
from dcgan_mri.kernels import elementwise
from dcgan_mri.kernels.workers import each

NOTHING_DROPPED = np.empty((0, 0, 0), np.bool_)


class NormalizeAndActivate(chainer.FunctionNode):
    """y = leaky(dropout(batch_normalization(x))), in training.

    Args:
        eps (float): Added to the variance.
        join (object): What makes statistics of one process those of all; see `OneProcess`.
        kept (numpy.ndarray or None): What dropout keeps, bool of x's shape.
        ratio (float): Of dropout.
        slope (float): Of Leaky ReLU below zero: 0 is ReLU, 1 nothing.

    The statistics are in ``mean`` and ``var`` afterwards, shape (C,).
    """

    def __init__(self, eps, join, kept, ratio, slope):
        self.eps, self.join, self.slope = eps, join, np.float32(slope)
        self.kept, self.ratio = kept, ratio

    def forward_cpu(self, inputs):
        x, gamma, beta = inputs
        self.retain_inputs((0, 1, 2))
        maps = _maps(x)
        self.mean, self.var = np.empty_like(gamma), np.empty_like(gamma)
        _each_channel(maps, lambda begin, end: elementwise.moments(maps, begin, end, self.mean, self.var))
        self.mean, self.var = self.join.moments(self.mean, self.var)
        self.inv_std = 1 / np.sqrt(self.var + np.float32(self.eps))
        factor = gamma * self.inv_std
        self._factor_and_shift = factor, beta - self.mean * factor
        y = np.empty_like(maps)
        args = (*self._factor_and_shift, *_dropout(self.kept, self.ratio, maps), self.slope, y)
        _each_channel(maps, lambda begin, end: elementwise.activate(maps, begin, end, *args))
        return y.reshape(x.shape),

    def backward(self, indexes, grad_outputs):
        x, gamma, beta = self.get_retained_inputs()
        gy, = grad_outputs
        if chainer.config.enable_backprop:  # the gradient is to be differentiated: by Chainer's own functions
            return chainer.grad([self._plain(x, gamma, beta)], [x, gamma, beta], [gy], enable_double_backprop=True)
        maps, grads = _maps(x.array), _maps(gy.array)
        gbeta, ggamma = np.empty_like(gamma.array), np.empty_like(gamma.array)
        args = (self.mean, self.inv_std, *self._factor_and_shift, *_dropout(self.kept, self.ratio, maps), self.slope)
        _each_channel(maps, lambda begin, end: elementwise.gradient_sums(
            maps, grads, begin, end, *args, gbeta, ggamma))
        gbeta, ggamma = self.join.sums(gbeta, ggamma)
        gx = np.empty_like(maps)
        count = np.float32(maps.size // gbeta.size)
        _each_channel(maps, lambda begin, end: elementwise.input_gradient(
            maps, grads, begin, end, *args, gbeta / count, ggamma / count, gx))
        return chainer.as_variable(gx.reshape(x.shape)), chainer.as_variable(ggamma), chainer.as_variable(gbeta)

    def _plain(self, x, gamma, beta):
        h = self.join.batch_normalization(x, gamma, beta, self.eps)
        if self.kept is not None:
            h = h * (self.kept.reshape(h.shape) * np.float32(1 / (1 - self.ratio)))
        return F.leaky_relu(h, float(self.slope))


def by_fixed_statistics(x, gamma, beta, mean, var, eps, kept, ratio, slope):
    """y = leaky(dropout(batch_normalization(x))) by given statistics, as when images are made; not differentiable.

    Args:
        x (numpy.ndarray): float32 of shape (B, C) or (B, C, H, W).
        gamma, beta, mean, var (numpy.ndarray): Shape (C,).
        eps (float): Added to the variance.
        kept (numpy.ndarray or None): What dropout keeps, bool of x's shape.
        ratio (float): Of dropout.
        slope (float): Of Leaky ReLU below zero.

    Returns:
        numpy.ndarray: As x.
    """
    maps = _maps(x)
    factor = gamma / np.sqrt(var + np.float32(eps))
    y = np.empty_like(maps)
    args = (factor, beta - mean * factor, *_dropout(kept, ratio, maps), np.float32(slope), y)
    _each_channel(maps, lambda begin, end: elementwise.activate(maps, begin, end, *args))
    return y.reshape(x.shape)


def _dropout(kept, ratio, maps):
    """What `elementwise.activate` is to know of dropout: the mask and the scale."""
    return NOTHING_DROPPED if kept is None else kept.reshape(maps.shape), np.float32(1 / (1 - ratio))


def _maps(x):
    return np.ascontiguousarray(x).reshape(*x.shape[:2], -1)


def _each_channel(maps, function):
    """Call a function of a range of channels until all are done; small maps at once, since threads cost more."""
    n_channels = maps.shape[1]
    if maps.size < 1 << 15:
        function(0, n_channels)
        return
    step = max(1, n_channels // 16)
    each(lambda begin: function(begin, min(begin + step, n_channels)), range(0, n_channels, step))
