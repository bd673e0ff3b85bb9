"""What batch normalisation, dropout and (Leaky) ReLU compute on a GPU.

It buys one pass over a map for each of these functions in place of Chainer's five to eight, and sums that keep a GPU
busy: CuPy sums each channel of a map by one block of threads, here each row of a channel has its own.
Maps are float32 of shape (B, C, P); statistics of shape (C,).
"""

import numpy as np

from dcgan_mri.kernels.cuda import elementwise, summing

AFTER = "float32 factor, float32 shift, bool kept, float32 scale, float32 slope"
ACTIVATE = (f"float32 x, {AFTER}", "float32 y",
            "const float v = kept ? (x * factor + shift) * scale : 0.0f; y = v > 0.0f ? v : v * slope", "activate")
BEHIND = (f"float32 x, float32 gy, {AFTER}", "float32 g",
          "g = kept ? (x * factor + shift > 0.0f ? gy : gy * slope) * scale : 0.0f", "behind")
INPUT_GRADIENT = ("float32 x, float32 g, float32 mean, float32 factor, float32 offset, float32 tilt", "float32 gx",
                  "gx = factor * (g - offset - (x - mean) * tilt)", "input_gradient")
SUM = ("float32 x", "x", "sum")
SUM_OF_SQUARES = ("float32 x, float32 mean", "(x - mean) * (x - mean)", "sum_of_squares")
SUM_OF_PRODUCTS = ("float32 x, float32 mean, float32 g", "(x - mean) * g", "sum_of_products")


def moments(maps):
    """Mean and variance of channels, in two passes."""
    count = np.float32(maps.size // maps.shape[1])
    mean = channel_sums(SUM, maps) / count
    return mean, channel_sums(SUM_OF_SQUARES, maps, _column(mean)) / count


def activate(maps, factor, shift, kept, scale, slope):
    """y = leaky(kept · scale · (factor · x + shift)); without dropout `kept` is None."""
    return elementwise(*ACTIVATE)(maps, *_after(maps, factor, shift, kept, scale, slope))


def gradients(maps, grads, mean, inv_std, after, join):
    """Gradients of the input, gamma and beta, from that of the output.

    Args:
        maps, grads (cupy.ndarray): Input, and gradient of the output.
        mean, inv_std (cupy.ndarray): Statistics.
        after (tuple): What `activate` was given behind the maps.
        join (callable): Makes sums of this process means over all.

    Returns:
        tuple: gx as the maps, ggamma, gbeta.
    """
    g = elementwise(*BEHIND)(maps, grads, *_after(maps, *after))
    gbeta, ggamma = join(channel_sums(SUM, g), channel_sums(SUM_OF_PRODUCTS, maps, _column(mean), g) * inv_std)
    count = np.float32(maps.size // maps.shape[1])
    gx = elementwise(*INPUT_GRADIENT)(
        maps, g, *map(_column, (mean, after[0], gbeta / count, ggamma * inv_std / count)))
    return gx, ggamma, gbeta


def channel_sums(kernel, *maps):
    """Sum an expression over each channel: along the rows, then over the samples."""
    return summing(*SUM)(summing(*kernel)(*maps, axis=2), axis=0)


def _after(maps, factor, shift, kept, scale, slope):
    return _column(factor), _column(shift), True if kept is None else kept.reshape(maps.shape), scale, slope


def _column(values):
    return values[:, None]
