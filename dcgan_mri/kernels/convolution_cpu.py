"""Convolution, its transpose and its weight gradient on a CPU: columns in the cache, times weights, block by block.

Large maps are taken sample by sample, in blocks whose columns fit the cache; small ones several samples at a time, so
that the matrix products stay large. Nothing is transposed, and columns are made anew where they are needed again, which
is cheaper than keeping them. All arrays are float32.
"""

import math
import threading

import numpy as np

from dcgan_mri.kernels.columns import gather, spread
from dcgan_mri.kernels.workers import each

# Columns of a block, in values: 1 MB.
BLOCK = 1 << 18
# Positions of the output below which samples are joined, and how many positions are wanted together.
SMALL_MAP = 256
JOINED = 512
# Pieces that the work is cut into at least, so that threads end together; fixed, so that results do not depend on them.
PARTS = 8

_local = threading.local()


def convolution(x, weights, bias, stride, pad, out_size):
    """Convolve.

    Args:
        x (numpy.ndarray): Shape (B, C, H, W).
        weights (numpy.ndarray): Shape (C_out, C, k, k).
        bias (numpy.ndarray or None): Shape (C_out,).
        stride, pad (int): In pixels.
        out_size (tuple of int): (H_out, W_out).

    Returns:
        numpy.ndarray: Shape (B, C_out, H_out, W_out).
    """
    n_out, n_in, kernel, _ = weights.shape
    height, width = out_size
    x, matrix = np.ascontiguousarray(x), np.ascontiguousarray(weights).reshape(n_out, -1)
    bias = np.zeros((n_out, 1), np.float32) if bias is None else bias[:, None]
    y = np.empty((len(x), n_out, height, width), np.float32)

    def rows_of_a_sample(task):
        n, row = task
        rows = min(n_rows, height - row)
        columns = _scratch((n_in, kernel, kernel, 1, rows, width))
        gather(x, n, 0, row, stride, pad, columns)
        out = y[n].reshape(n_out, -1)[:, row * width:(row + rows) * width]
        np.matmul(matrix, columns.reshape(matrix.shape[1], -1), out=out)
        out += bias

    if height * width >= SMALL_MAP:
        n_rows = _at_most(height, BLOCK // (matrix.shape[1] * width))
        each(rows_of_a_sample, [(n, row) for n in range(len(x)) for row in range(0, height, n_rows)])
        return y

    def joined_samples(joined):
        n_samples = joined.stop - joined.start
        columns = np.empty((n_in, kernel, kernel, n_samples, height, width), np.float32)

        def channels_of_columns(part):
            gather(x, joined.start, part.start, 0, stride, pad, columns[part])

        def channels_of_output(part):
            out = matrix[part] @ columns.reshape(matrix.shape[1], -1)
            out += bias[part]
            y[joined, part] = out.reshape(-1, n_samples, height, width).swapaxes(0, 1)

        each(channels_of_columns, _parts(n_in, PARTS))
        each(channels_of_output, _parts(n_out, PARTS // 2))

    for joined in _joined(len(x), height * width):
        joined_samples(joined)
    return y


def transposed_convolution(x, weights, bias, stride, pad, out_size):
    """Convolve the other way round, as `chainer.functions.deconvolution_2d` does.

    Args:
        x (numpy.ndarray): Shape (B, C, H, W).
        weights (numpy.ndarray): Shape (C, C_out, k, k).
        bias (numpy.ndarray or None): Shape (C_out,).
        stride, pad (int): In pixels, of the convolution that this is the transpose of.
        out_size (tuple of int): (H_out, W_out).

    Returns:
        numpy.ndarray: Shape (B, C_out, H_out, W_out).
    """
    n_in, n_out, kernel, _ = weights.shape
    height, width = x.shape[2:]
    area = kernel * kernel
    x, matrix = np.ascontiguousarray(x), np.ascontiguousarray(weights).reshape(n_in, -1).T
    bias = np.zeros(n_out, np.float32) if bias is None else np.ascontiguousarray(bias)
    y = np.empty((len(x), n_out, *out_size), np.float32)

    def channels_of_output(task):
        positions, joined, part = task
        columns = _scratch(((part.stop - part.start) * area, positions.shape[1]))
        np.matmul(matrix[part.start * area:part.stop * area], positions, out=columns)
        shape = (-1, kernel, kernel, joined.stop - joined.start, height, width)
        spread(columns.reshape(shape), joined.start, part.start, stride, pad, bias, y)

    groups = _groups(len(x), height * width)
    positions = [_positions(x[joined]) for joined in groups]
    parts = _parts(n_out, max(_n_blocks(n_out, area * positions[0].shape[1]), -(-PARTS // len(groups))))
    each(channels_of_output, [(*group, part) for group in zip(positions, groups, strict=True) for part in parts])
    return y


def weight_gradient(x, gy, shape, stride, pad):
    """The gradient of a convolution's weights.

    Args:
        x (numpy.ndarray): Input of the convolution, shape (B, C, H, W).
        gy (numpy.ndarray): Gradient of its output, shape (B, C_out, H_out, W_out).
        shape (tuple of int): Of the weights, (C_out, C, k, k).
        stride, pad (int): In pixels.

    Returns:
        numpy.ndarray: Of that shape.
    """
    n_out, n_in, kernel, _ = shape
    height, width = gy.shape[2:]
    area = kernel * kernel
    x = np.ascontiguousarray(x)
    groups = _groups(len(x), height * width)
    positions = [_positions(gy[joined]) for joined in groups]
    parts = _parts(n_in, max(PARTS, _n_blocks(n_in, area * positions[0].shape[1])))

    def product(i, part):
        """What one group of samples gives for some of the input channels."""
        joined = groups[i]
        columns = _scratch((part.stop - part.start, kernel, kernel, joined.stop - joined.start, height, width))
        gather(x, joined.start, part.start, 0, stride, pad, columns)
        return positions[i] @ columns.reshape((part.stop - part.start) * area, -1).T

    def of_a_group(task):
        i, part = task
        products[i, :, part.start * area:part.stop * area] = product(i, part)

    def of_all_groups(part):
        target = gradient[:, part.start * area:part.stop * area]
        target[...] = product(0, part)
        for i in range(1, len(groups)):
            target += product(i, part)

    if len(parts) < PARTS:  # few channels would keep few threads busy, and their products are small
        products = np.empty((len(groups), n_out, n_in * area), np.float32)
        each(of_a_group, [(i, part) for i in range(len(groups)) for part in parts])
        return products.sum(axis=0).reshape(shape)
    gradient = np.empty((n_out, n_in * area), np.float32)
    each(of_all_groups, parts)
    return gradient.reshape(shape)


def _at_most(largest, wanted):
    return min(largest, max(1, wanted))


def _n_blocks(n_channels, size):
    """How many blocks the columns of so many channels take, at `size` values a channel."""
    return -(-n_channels // _at_most(n_channels, BLOCK // size))


def _positions(maps):
    """Maps (n, C, H, W) as a matrix (C, n·H·W); that of one sample is no copy."""
    return np.ascontiguousarray(maps.swapaxes(0, 1)).reshape(maps.shape[1], -1)


def _groups(n_samples, positions):
    """Slices of samples that are taken together: one by one, or several with small maps."""
    if positions >= SMALL_MAP:
        return [slice(n, n + 1) for n in range(n_samples)]
    return _joined(n_samples, positions)


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
    size = math.prod(shape)
    if getattr(_local, "buffer", np.empty(0)).size < size:
        _local.buffer = np.empty(size, np.float32)
    return _local.buffer[:size].reshape(shape)
