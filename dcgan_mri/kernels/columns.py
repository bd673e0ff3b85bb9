"""Between images and the columns that turn a convolution into a matrix product, compiled.

A column holds what one position of the output sees: (channels, k, k) values. With stride s an image is first parted
into its s × s phases (every s-th pixel), with the padding around them: then every row of columns is a contiguous copy,
which the compiler makes with the processor's vectors.
"""

import numba
import numpy as np

_options = {"nogil": True, "cache": True, "error_model": "numpy"}


@numba.njit("void(f4[:,:,:,::1], i8, i8, i8, i8, i8, f4[:,:,:,:,:,::1])", **_options)
def gather(x, sample, channel, row, stride, pad, columns):
    """Copy what each position of the output sees into its column; beyond the border there are zeros.

    Args:
        x (numpy.ndarray): Images, float32 of shape (B, C, H, W).
        sample, channel (int): The first ones taken; how many is the shape of `columns`.
        row (int): The first row of the output.
        stride, pad (int): Of the convolution, in pixels.
        columns (numpy.ndarray): float32 of shape (channels, k, k, samples, rows, W_out); overwritten.
    """
    height, width = x.shape[2:]
    n_channels, kernel, _, n_samples, n_rows, n_out = columns.shape
    reach = (kernel - 1) // stride
    phases = np.empty((stride, stride, n_rows + reach, n_out + reach), np.float32)
    for c in range(n_channels):
        for n in range(n_samples):
            for a in range(stride):
                for q in range(n_rows + reach):
                    y = (row + q) * stride + a - pad
                    for b in range(stride):
                        target = phases[a, b, q]
                        if y < 0 or y >= height:
                            target[:] = 0
                            continue
                        begin = min(target.size, max(0, -((b - pad) // stride)))
                        end = max(begin, min(target.size, (width - 1 + pad - b) // stride + 1))
                        target[:begin] = 0
                        target[end:] = 0
                        if begin == end:
                            continue
                        source = x[sample + n, channel + c, y, begin * stride + b - pad:]
                        inside = target[begin:end]
                        if stride == 1:
                            for j in range(inside.size):
                                inside[j] = source[j]
                        elif stride == 2:
                            for j in range(inside.size):
                                inside[j] = source[2 * j]
                        else:
                            for j in range(inside.size):
                                inside[j] = source[stride * j]
            for ky in range(kernel):
                for kx in range(kernel):
                    source_2d = phases[ky % stride, kx % stride, ky // stride:, kx // stride:]
                    target_2d = columns[c, ky, kx, n]
                    for r in range(n_rows):
                        for j in range(n_out):
                            target_2d[r, j] = source_2d[r, j]


@numba.njit("void(f4[:,:,:,:,:,::1], i8, i8, i8, i8, f4[::1], f4[:,:,:,::1])", **_options)
def spread(columns, sample, channel, stride, pad, bias, x):
    """Sum over all columns what each image pixel contributed to them: the transpose of `gather`, plus a bias.

    Args:
        columns (numpy.ndarray): float32 of shape (channels, k, k, samples, H_out, W_out).
        sample, channel (int): The first ones written; how many is the shape of `columns`.
        stride, pad (int): Of the convolution, in pixels.
        bias (numpy.ndarray): float32 of shape (C,), added to every pixel of a channel.
        x (numpy.ndarray): Images, float32 of shape (B, C, H, W); those samples and channels are overwritten.
    """
    height, width = x.shape[2:]
    n_channels, kernel, _, n_samples, n_rows, n_out = columns.shape
    # As large as the columns reach, or as the image does, if that is more.
    phases = np.empty((stride, stride, max(n_rows + (kernel - 1) // stride, (height - 1 + pad) // stride + 1),
                       max(n_out + (kernel - 1) // stride, (width - 1 + pad) // stride + 1)), np.float32)
    for c in range(n_channels):
        for n in range(n_samples):
            phases[:] = bias[channel + c]
            for ky in range(kernel):
                for kx in range(kernel):
                    target_2d = phases[ky % stride, kx % stride, ky // stride:, kx // stride:]
                    source_2d = columns[c, ky, kx, n]
                    for r in range(n_rows):
                        for j in range(n_out):
                            target_2d[r, j] += source_2d[r, j]
            for y in range(height):
                rows = phases[(y + pad) % stride, :, (y + pad) // stride]
                out = x[sample + n, channel + c, y]
                if stride == 1:
                    inside = rows[0, pad:]
                    for j in range(width):
                        out[j] = inside[j]
                elif stride == 2:
                    even = rows[pad % 2, pad // 2:]
                    odd = rows[(1 + pad) % 2, (1 + pad) // 2:]
                    for j in range(width // 2):
                        out[2 * j] = even[j]
                        out[2 * j + 1] = odd[j]
                    if width % 2:
                        out[width - 1] = even[width // 2]
                else:
                    for j in range(width):
                        out[j] = rows[(j + pad) % stride, (j + pad) // stride]
