"""What batch normalisation, dropout and (Leaky) ReLU compute on a CPU: two passes over a map forward and two backward.

Maps are float32 of shape (B, C, P); statistics of shape (C,).
"""

import numpy as np

from dcgan_mri.kernels import elementwise
from dcgan_mri.kernels.workers import each

NOTHING_DROPPED = np.empty((0, 0, 0), np.bool_)


def moments(maps):
    """Mean and variance of channels, in two passes."""
    mean, var = np.empty(maps.shape[1], np.float32), np.empty(maps.shape[1], np.float32)
    _each_channel(maps, lambda begin, end: elementwise.moments(maps, begin, end, mean, var))
    return mean, var


def activate(maps, factor, shift, kept, scale, slope):
    """y = leaky(kept · scale · (factor · x + shift)); without dropout `kept` is None."""
    y = np.empty_like(maps)
    args = (factor, shift, _mask(kept, maps), scale, slope, y)
    _each_channel(maps, lambda begin, end: elementwise.activate(maps, begin, end, *args))
    return y


def gradients(maps, grads, mean, inv_std, after, join):
    """Gradients of the input, gamma and beta, from that of the output.

    Args:
        maps, grads (numpy.ndarray): Input, and gradient of the output.
        mean, inv_std (numpy.ndarray): Statistics.
        after (tuple): What `activate` was given behind the maps.
        join (callable): Makes sums of this process means over all.

    Returns:
        tuple: gx as the maps, ggamma, gbeta.
    """
    factor, shift, kept, scale, slope = after
    args = (mean, inv_std, factor, shift, _mask(kept, maps), scale, slope)
    gbeta, ggamma = np.empty_like(mean), np.empty_like(mean)
    _each_channel(maps, lambda begin, end: elementwise.gradient_sums(maps, grads, begin, end, *args, gbeta, ggamma))
    gbeta, ggamma = join(gbeta, ggamma)
    gx, count = np.empty_like(maps), np.float32(maps.size // maps.shape[1])
    _each_channel(maps, lambda begin, end: elementwise.input_gradient(
        maps, grads, begin, end, *args, gbeta / count, ggamma / count, gx))
    return gx, ggamma, gbeta


def _mask(kept, maps):
    return NOTHING_DROPPED if kept is None else kept.reshape(maps.shape)


def _each_channel(maps, function):
    """Call a function of a range of channels until all are done; small maps at once, since threads cost more."""
    n_channels = maps.shape[1]
    if maps.size < 1 << 15:
        function(0, n_channels)
        return
    step = max(1, n_channels // 16)
    each(lambda begin: function(begin, min(begin + step, n_channels)), range(0, n_channels, step))
