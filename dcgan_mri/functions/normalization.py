"""Batch normalisation, dropout and (Leaky) ReLU as one function on a CPU."""

import numpy as np

from dcgan_mri.chainer_compat import F, chainer
from dcgan_mri.functions import backends
from dcgan_mri.functions.workers import each

NOTHING_DROPPED = np.empty((0, 0, 0), np.bool_)


def covers(x):
    """Whether `normalize_and_activate` can take a map as things are.

    Args:
        x (array): What comes out of a layer.

    Returns:
        bool: False for other types and devices, and where running statistics are to be differentiated through.
    """
    return backends.covers(x) and (chainer.config.train or not chainer.config.enable_backprop)


def normalize_and_activate(link, x, kept, ratio, slope):
    """y = leaky(dropout(batch_normalization(x))), with a link's parameters and statistics.

    Args:
        link (chainer.Link): Batch normalisation; its attribute ``join``, if it has one, makes statistics of this process
            those of all (see `OneProcess`).
        x (chainer.Variable): float32 of shape (B, C) or (B, C, H, W), on CPU.
        kept (numpy.ndarray or None): What dropout keeps, bool of x's shape.
        ratio (float): Of dropout.
        slope (float): Of Leaky ReLU below zero: 0 is ReLU, 1 nothing.

    Returns:
        chainer.Variable: As x.
    """
    gamma = getattr(link, "gamma", None)
    if gamma is None:
        gamma = np.ones_like(link.avg_mean)
    if not chainer.config.train:
        scale = np.asarray(chainer.as_variable(gamma).array)
        return chainer.Variable(_fixed(x.array, scale, link, kept, ratio, slope))
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
    for running, new in ((link.avg_mean, mean), (link.avg_var, var * np.float32(count / max(count - 1, 1)))):
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
        return F.batch_normalization(x, gamma, beta, eps)


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
        self.ratio, self.kept = ratio, kept
        self.scale = np.float32(1 / (1 - ratio))

    def forward_cpu(self, inputs):
        from dcgan_mri.functions import elementwise

        x, gamma, beta = inputs
        self.retain_inputs((0, 1, 2))
        maps = _maps(x)
        self.mean, self.var = np.empty_like(gamma), np.empty_like(gamma)
        _each_channel(maps, lambda begin, end: elementwise.moments(maps, begin, end, self.mean, self.var))
        self.mean, self.var = self.join.moments(self.mean, self.var)
        self.inv_std = 1 / np.sqrt(self.var + np.float32(self.eps))
        y = np.empty_like(maps)
        args = (*self._affine(gamma, beta), *self._rest(maps), y)
        _each_channel(maps, lambda begin, end: elementwise.activate(maps, begin, end, *args))
        return y.reshape(x.shape),

    def _affine(self, gamma, beta):
        factor = gamma * self.inv_std
        return factor, beta - self.mean * factor

    def _rest(self, maps):
        kept = NOTHING_DROPPED if self.kept is None else self.kept.reshape(maps.shape)
        return kept, self.scale, self.slope

    def backward(self, indexes, grad_outputs):
        x, gamma, beta = self.get_retained_inputs()
        gy, = grad_outputs
        if chainer.config.enable_backprop:  # the gradient is to be differentiated: by Chainer's own functions
            return chainer.grad([self._plain(x, gamma, beta)], [x, gamma, beta], [gy], enable_double_backprop=True)
        from dcgan_mri.functions import elementwise

        maps, grads = _maps(x.array), _maps(gy.array)
        gbeta, ggamma = np.empty_like(gamma.array), np.empty_like(gamma.array)
        args = (self.mean, self.inv_std, *self._affine(gamma.array, beta.array), *self._rest(maps))
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
            h = h * (self.kept.reshape(h.shape) * self.scale)
        return F.leaky_relu(h, float(self.slope))


def _fixed(x, gamma, link, kept, ratio, slope):
    from dcgan_mri.functions import elementwise

    maps = _maps(x)
    factor = gamma / np.sqrt(link.avg_var + np.float32(link.eps))
    shift = link.beta.array - link.avg_mean * factor
    y = np.empty_like(maps)
    dropped = NOTHING_DROPPED if kept is None else kept.reshape(maps.shape)
    args = (factor, shift, dropped, np.float32(1 / (1 - ratio)), np.float32(slope), y)
    _each_channel(maps, lambda begin, end: elementwise.activate(maps, begin, end, *args))
    return y.reshape(x.shape)


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
