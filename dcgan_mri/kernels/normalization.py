"""Batch normalisation, dropout and (Leaky) ReLU as one function, with a link's parameters and statistics.

Only the input is kept for the backward pass: what lies behind the normalisation is computed anew, with the affine map
of the forward pass, since a step of the optimizer may have changed gamma and beta in between (alternating updates).
"""

import numpy as np

from dcgan_mri.chainer_compat import F, chainer
from dcgan_mri.kernels import backends


ACTIVATIONS = {
    "none": lambda h, slope: h,
    "relu": lambda h, slope: F.relu(h),
    "leaky_relu": F.leaky_relu,
    "elu": lambda h, slope: F.elu(h),
    "sigmoid": lambda h, slope: F.sigmoid(h),
    "tanh": lambda h, slope: F.tanh(h),
}
# Those that are a Leaky ReLU of some slope, which is computed in one function with batch normalisation.
LEAKY = {"none": lambda slope: 1.0, "relu": lambda slope: 0.0, "leaky_relu": lambda slope: slope}


def finish_layer(h, bn, kept, ratio, activation, slope, add_noise=None):
    """Batch normalisation, noise, dropout and activation of a layer's output, by the fast kernels where they cover it.

    Args:
        h (chainer.Variable): float32 of shape (B, C) or (B, C, H, W).
        bn (chainer.Link): Batch normalisation; None for none.
        kept (array or None): What dropout keeps, bool of h's shape.
        ratio (float): Of dropout.
        activation (str): Name in `ACTIVATIONS`.
        slope (float): Of Leaky ReLU below zero.
        add_noise (callable): Takes a map and returns it with noise; None for none.

    Returns:
        chainer.Variable: Of h's shape.
    """
    if bn is not None and covers(h.array):
        if add_noise is None and activation in LEAKY:
            return normalize_and_activate(bn, h, kept, ratio, LEAKY[activation](slope))
        h = normalize_and_activate(bn, h, None, 0.0, 1.0)
    elif bn is not None:
        h = bn(h)
    if add_noise is not None:
        h = add_noise(h)
    if kept is not None:
        with chainer.using_config("train", True):
            h = F.dropout(h, ratio, mask=kept * np.float32(1 / (1 - ratio)))
    return ACTIVATIONS[activation](h, slope)


def normalize_and_activate(link, x, kept, ratio, slope):
    """y = leaky(dropout(batch_normalization(x))), with a link's parameters and statistics.

    Args:
        link (chainer.Link): Batch normalisation; its attribute ``join``, if it has one, makes statistics of this
            process those of all (see `OneProcess`).
        x (chainer.Variable): float32 of shape (B, C) or (B, C, H, W).
        kept (array or None): What dropout keeps, bool of x's shape.
        ratio (float): Of dropout; without a mask it has no effect.
        slope (float): Of Leaky ReLU below zero: 0 is ReLU, 1 nothing.

    Returns:
        chainer.Variable: As x.
    """
    gamma = getattr(link, "gamma", None)
    gamma = chainer.as_variable(link.xp.ones_like(link.avg_mean) if gamma is None else gamma)
    after = kept, np.float32(1 if kept is None else 1 / (1 - ratio)), np.float32(slope)
    if not chainer.config.train:
        _, *affine = _affine(link.avg_mean, link.avg_var, gamma.array, link.beta.array, link.eps)
        return chainer.Variable(_code(x).activate(_maps(x), *affine, *after).reshape(x.shape))
    join = getattr(link, "join", OneProcess())
    function = NormalizeAndActivate(link.eps, join, *after)
    y, = function.apply((x, gamma, link.beta))
    update_running(link, function.mean, function.var, x.size // len(function.mean) * join.size)
    return y


class NormalizeAndActivate(chainer.FunctionNode):
    """y = leaky(dropout(batch_normalization(x))), in training.

    Args:
        eps (float): Added to the variance.
        join (object): What makes statistics of one process those of all; see `OneProcess`.
        kept (array or None): What dropout keeps, bool of x's shape.
        scale (numpy.float32): Of what is kept.
        slope (numpy.float32): Of Leaky ReLU below zero: 0 is ReLU, 1 nothing.

    The statistics are in ``mean`` and ``var`` afterwards, shape (C,).
    """

    def __init__(self, eps, join, kept, scale, slope):
        self.eps, self.join = eps, join
        self.kept, self.scale, self.slope = kept, scale, slope

    def forward(self, inputs):
        x, gamma, beta = inputs
        self.retain_inputs((0, 1, 2))
        maps = _maps(x)
        self.mean, self.var = self.join.moments(*_code(x).moments(maps))
        self._inv_std, *affine = _affine(self.mean, self.var, gamma, beta, self.eps)
        self._after = *affine, self.kept, self.scale, self.slope
        return _code(x).activate(maps, *self._after).reshape(x.shape),

    def backward(self, indexes, grad_outputs):
        x, gamma, beta = self.get_retained_inputs()
        gy, = grad_outputs
        if chainer.config.enable_backprop:  # the gradient is to be differentiated: by Chainer's own functions
            return chainer.grad([self._plain(x, gamma, beta)], [x, gamma, beta], [gy], enable_double_backprop=True)
        gx, ggamma, gbeta = _code(x).gradients(
            _maps(x), _maps(gy), self.mean, self._inv_std, self._after, self.join.sums)
        return tuple(map(chainer.as_variable, (gx.reshape(x.shape), ggamma, gbeta)))

    def _plain(self, x, gamma, beta):
        h = self.join.batch_normalization(x, gamma, beta, self.eps)
        if self.kept is not None:
            h = h * (self.kept.reshape(h.shape) * self.scale)
        return F.leaky_relu(h, float(self.slope))


def update_running(link, mean, var, count):
    """Move a link's running statistics towards a batch's, the variance without bias, as Chainer does.

    Args:
        link (chainer.Link): Batch normalisation.
        mean, var (array): Statistics of the batch, shape (C,).
        count (int): Values in a channel, over all processes.
    """
    correction = count / max(count - 1, 1)
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


def _code(x):
    """What computes on a map's device."""
    if backends.covers_on_gpu(getattr(x, "array", x)):
        from dcgan_mri.kernels import normalization_cuda

        return normalization_cuda
    from dcgan_mri.kernels import normalization_cpu

    return normalization_cpu


def _maps(x):
    return getattr(x, "array", x).ravel().reshape(*x.shape[:2], -1)


def _affine(mean, var, gamma, beta, eps):
    """1 / standard deviation, and what normalisation does to a channel, as factor and shift."""
    xp = chainer.backend.get_array_module(var)
    inv_std = 1 / xp.sqrt(var + np.float32(eps))
    factor = gamma * inv_std
    return inv_std, factor, beta - mean * factor


def covers(x):
    """Whether `normalize_and_activate` can take a map as things are.

    Args:
        x (array): What comes out of a layer.

    Returns:
        bool: False for other types than float32, and where running statistics are to be differentiated through.
    """
    covered = backends.covers(x) or backends.covers_on_gpu(x)
    return covered and (chainer.config.train or not chainer.config.enable_backprop)
