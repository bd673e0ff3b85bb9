"""Convolution, its transpose and its weight gradient on a CPU: columns in the cache, times weights, block by block.

Large maps are taken sample by sample, in blocks whose columns fit the cache; small ones several samples at a time, so
that the matrix products stay large. Nothing is transposed, and columns are made anew where they are needed again, which
is cheaper than keeping them. All arrays are float32.
"""

import threading

import numpy as np

from dcgan_mri.functions.columns import gather, spread
from dcgan_mri.functions.workers import each

# Columns of a block, in values: 2 MB.
BLOCK = 1 << 19
# Positions of the output below which samples are joined, and how many positions are wanted together.
SMALL_MAP = 256
JOINED = 512

_local = threading.local()


def convolution(x, W, b, stride, pad, out_size):
    """Convolve.

    Args:
        x (numpy.ndarray): Shape (B, C, H, W).
        W (numpy.ndarray): Weights of shape (C_out, C, k, k).
        b (numpy.ndarray or None): Bias of shape (C_out,).
        stride, pad (int): In pixels.
        out_size (tuple of int): (H_out, W_out).

    Returns:
        numpy.ndarray: Shape (B, C_out, H_out, W_out).
    """
    (n_out, n_in, kernel, _), (height, width) = W.shape, out_size
    x, weights = np.ascontiguousarray(x), np.ascontiguousarray(W).reshape(n_out, -1)
    bias = 0 if b is None else b[:, None]
    y = np.empty((len(x), n_out, height, width), np.float32)

    if height * width >= SMALL_MAP:
        n_rows = _at_most(height, BLOCK // (weights.shape[1] * width))

        def block(task):
            n, row = task
            rows = min(n_rows, height - row)
            columns = _scratch((n_in, kernel, kernel, 1, rows, width))
            gather(x, n, 0, row, stride, pad, columns)
            out = y[n].reshape(n_out, -1)[:, row * width:(row + rows) * width]
            np.matmul(weights, columns.reshape(weights.shape[1], -1), out=out)
            out += bias

        each(block, [(n, row) for n in range(len(x)) for row in range(0, height, n_rows)])
        return y

    for joined in _joined(len(x), height * width):
        n_samples = joined.stop - joined.start
        columns = np.empty((n_in, kernel, kernel, n_samples, height, width), np.float32)
        each(lambda part: gather(x, joined.start, part.start, 0, stride, pad, columns[part]), _parts(n_in, 8))

        def rows_of(part):
            out = weights[part] @ columns.reshape(weights.shape[1], -1)
            out += bias if b is None else bias[part]
            y[joined, part] = out.reshape(-1, n_samples, height, width).swapaxes(0, 1)

        each(rows_of, _parts(n_out, 4))
    return y


def transposed_convolution(x, W, b, stride, pad, out_size):
    """Convolve the other way round, as `chainer.functions.deconvolution_2d` does.

    Args:
        x (numpy.ndarray): Shape (B, C, H, W).
        W (numpy.ndarray): Weights of shape (C, C_out, k, k).
        b (numpy.ndarray or None): Bias of shape (C_out,).
        stride, pad (int): In pixels, of the convolution that this is the transpose of.
        out_size (tuple of int): (H_out, W_out).

    Returns:
        numpy.ndarray: Shape (B, C_out, H_out, W_out).
    """
    n_in, n_out, kernel, _ = W.shape
    height, width = x.shape[2:]
    weights = np.ascontiguousarray(W).reshape(n_in, -1).T
    bias = np.zeros(n_out, np.float32) if b is None else np.ascontiguousarray(b)
    y = np.empty((len(x), n_out, *out_size), np.float32)
    area = kernel * kernel

    def block(positions, joined, part):
        """Columns of some output channels for joined samples, from their positions (C, n·H·W)."""
        columns = _scratch(((part.stop - part.start) * area, positions.shape[1]))
        np.matmul(weights[part.start * area:part.stop * area], positions, out=columns)
        shape = (-1, kernel, kernel, joined.stop - joined.start, height, width)
        spread(columns.reshape(shape), joined.start, part.start, stride, pad, bias, y)

    if height * width >= SMALL_MAP:
        x = np.ascontiguousarray(x)
        parts = _parts(n_out, -(-n_out // _at_most(n_out, BLOCK // (area * height * width))))
        each(lambda task: block(x[task[0]].reshape(n_in, -1), slice(task[0], task[0] + 1), task[1]),
             [(n, part) for n in range(len(x)) for part in parts])
        return y
    for joined in _joined(len(x), height * width):
        positions = np.ascontiguousarray(x[joined].swapaxes(0, 1)).reshape(n_in, -1)
        each(lambda part: block(positions, joined, part), _parts(n_out, 8))
    return y


def weight_gradient(x, gy, W_shape, stride, pad):
    """The gradient of a convolution's weights.

    Args:
        x (numpy.ndarray): Input of the convolution, shape (B, C, H, W).
        gy (numpy.ndarray): Gradient of its output, shape (B, C_out, H_out, W_out).
        W_shape (tuple of int): (C_out, C, k, k).
        stride, pad (int): In pixels.

    Returns:
        numpy.ndarray: Shape `W_shape`.
    """
    n_out, n_in, kernel, _ = W_shape
    height, width = gy.shape[2:]
    area = kernel * kernel
    x = np.ascontiguousarray(x)
    large = height * width >= SMALL_MAP
    groups = [slice(n, n + 1) for n in range(len(x))] if large else _joined(len(x), height * width)
    positions = [np.ascontiguousarray(gy[joined].swapaxes(0, 1)).reshape(n_out, -1) for joined in groups]
    parts = _parts(n_in, -(-n_in // _at_most(n_in, BLOCK // (area * positions[0].shape[1]))) if large else 8)

    def product(i, part):
        """What the joined samples i give for some of the input channels."""
        joined = groups[i]
        columns = _scratch((part.stop - part.start, kernel, kernel, joined.stop - joined.start, height, width))
        gather(x, joined.start, part.start, 0, stride, pad, columns)
        return positions[i] @ columns.reshape((part.stop - part.start) * area, -1).T

    if len(parts) * len(groups) > 8 > len(parts):  # few channels: too few parts to keep the threads busy
        products = np.empty((len(groups), n_out, n_in * area), np.float32)

        def one(task):
            i, part = task
            products[i, :, part.start * area:part.stop * area] = product(i, part)

        each(one, [(i, part) for i in range(len(groups)) for part in parts])
        return products.sum(axis=0).reshape(W_shape)

    gW = np.empty((n_out, n_in * area), np.float32)

    def block(part):
        target = gW[:, part.start * area:part.stop * area]
        target[...] = product(0, part)
        for i in range(1, len(groups)):
            target += product(i, part)

    each(block, parts)
    return gW.reshape(W_shape)


def _at_most(largest, wished):
    return min(largest, max(1, wished))


def _joined(n_samples, positions):
    """Slices of samples with enough positions together."""
    step = max(1, JOINED // positions)
    return [slice(n, min(n + step, n_samples)) for n in range(0, n_samples, step)]


def _parts(n, n_parts):
    """Slices that cover n in about equal parts."""
    step = -(-n // n_parts)
    return [slice(begin, min(begin + step, n)) for begin in range(0, n, step)]


def _scratch(shape):
    """Memory of this thread, reused: fresh memory costs more in page faults than the work on it."""
    size = int(np.prod(shape))
    if getattr(_local, "buffer", np.empty(0)).size < size:
        _local.buffer = np.empty(size, np.float32)
    return _local.buffer[:size].reshape(shape)
