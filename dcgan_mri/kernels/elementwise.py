"""Batch normalisation with dropout and (Leaky) ReLU behind it, and Adam, each in as few passes as can be, compiled.

Arrays are float32; maps are of shape (B, C, P) with P positions. Sums run over at most `CHUNK` values in float32 and
are collected in float64.
"""

import numba
import numpy as np

CHUNK = 2048

_options = {"nogil": True, "cache": True, "error_model": "numpy", "fastmath": {"reassoc", "contract", "nsz"}}


@numba.njit("void(f4[:,:,::1], i8, i8, f4[::1], f4[::1])", **_options)
def moments(x, begin, end, mean, var):
    """Mean and variance of channels, in two passes.

    Args:
        x (numpy.ndarray): Shape (B, C, P).
        begin, end (int): Channels.
        mean, var (numpy.ndarray): Shape (C,); those channels are overwritten.
    """
    n_samples, _, n_positions = x.shape
    count = n_samples * n_positions
    for c in range(begin, end):
        total = 0.0
        for n in range(n_samples):
            row = x[n, c]
            for i in range(0, n_positions, CHUNK):
                part = row[i:i + CHUNK]
                chunk = np.float32(0)
                for j in range(part.size):
                    chunk += part[j]
                total += chunk
        centre = np.float32(total / count)
        total = 0.0
        for n in range(n_samples):
            row = x[n, c]
            for i in range(0, n_positions, CHUNK):
                part = row[i:i + CHUNK]
                chunk = np.float32(0)
                for j in range(part.size):
                    chunk += (part[j] - centre) * (part[j] - centre)
                total += chunk
        mean[c] = centre
        var[c] = np.float32(total / count)


@numba.njit("void(f4[:,:,::1], i8, i8, f4[::1], f4[::1], b1[:,:,::1], f4, f4, f4[:,:,::1])", **_options)
def activate(x, begin, end, factor, shift, kept, scale, slope, y):
    """y = leaky(kept · scale · (factor · x + shift)).

    Args:
        x (numpy.ndarray): Shape (B, C, P).
        begin, end (int): Channels.
        factor, shift (numpy.ndarray): Shape (C,).
        kept (numpy.ndarray): What dropout keeps, bool of shape (B, C, P); of shape (0, 0, 0) without dropout.
        scale (float): Of what is kept.
        slope (float): Of Leaky ReLU below zero: 0 is ReLU, 1 nothing.
        y (numpy.ndarray): Shape (B, C, P); those channels are overwritten.
    """
    for n in range(len(x)):
        for c in range(begin, end):
            source, target, a, b = x[n, c], y[n, c], factor[c], shift[c]
            if kept.size:
                mask = kept[n, c]
                for j in range(source.size):
                    v = (source[j] * a + b) * (scale if mask[j] else np.float32(0))
                    target[j] = v if v > 0 else v * slope
            else:
                for j in range(source.size):
                    v = source[j] * a + b
                    target[j] = v if v > 0 else v * slope


@numba.njit("void(f4[:,:,::1], f4[:,:,::1], i8, i8, f4[::1], f4[::1], f4[::1], f4[::1], b1[:,:,::1], f4, f4, "
            "f4[::1], f4[::1])", **_options)
def gradient_sums(x, gy, begin, end, mean, inv_std, factor, shift, kept, scale, slope, gbeta, ggamma):
    """Sums that the gradient of batch normalisation needs: of g, and of g times the normalised x.

    g is the gradient behind dropout and activation, as `activate` applies them.

    Args:
        x, gy (numpy.ndarray): Input, and gradient of the output, shape (B, C, P).
        begin, end (int): Channels.
        mean, inv_std (numpy.ndarray): Statistics, shape (C,).
        factor, shift, kept, scale, slope: As `activate` was given them.
        gbeta, ggamma (numpy.ndarray): Shape (C,); those channels are overwritten.
    """
    n_samples, _, n_positions = x.shape
    for c in range(begin, end):
        a, b, centre = factor[c], shift[c], mean[c]
        total, total_x = 0.0, 0.0
        for n in range(n_samples):
            for i in range(0, n_positions, CHUNK):
                source, gradient = x[n, c, i:i + CHUNK], gy[n, c, i:i + CHUNK]
                chunk, chunk_x = np.float32(0), np.float32(0)
                if kept.size:
                    mask = kept[n, c, i:i + CHUNK]
                    for j in range(source.size):
                        g = gradient[j] if source[j] * a + b > 0 else gradient[j] * slope
                        g *= scale if mask[j] else np.float32(0)
                        chunk += g
                        chunk_x += g * (source[j] - centre)
                else:
                    for j in range(source.size):
                        g = gradient[j] if source[j] * a + b > 0 else gradient[j] * slope
                        chunk += g
                        chunk_x += g * (source[j] - centre)
                total += chunk
                total_x += chunk_x
        gbeta[c] = np.float32(total)
        ggamma[c] = np.float32(total_x * inv_std[c])


@numba.njit("void(f4[:,:,::1], f4[:,:,::1], i8, i8, f4[::1], f4[::1], f4[::1], f4[::1], b1[:,:,::1], f4, f4, "
            "f4[::1], f4[::1], f4[:,:,::1])", **_options)
def input_gradient(x, gy, begin, end, mean, inv_std, factor, shift, kept, scale, slope, gbeta, ggamma, gx):
    """The gradient of the input of batch normalisation, dropout and activation.

    Args:
        x, gy, begin, end, mean, inv_std, factor, shift, kept, scale, slope: As for `gradient_sums`.
        gbeta, ggamma (numpy.ndarray): Its results divided by the number of values in a channel, shape (C,).
        gx (numpy.ndarray): Shape (B, C, P); those channels are overwritten.
    """
    for n in range(len(x)):
        for c in range(begin, end):
            source, gradient, target = x[n, c], gy[n, c], gx[n, c]
            a, b, centre = factor[c], shift[c], mean[c]
            offset, tilt = gbeta[c], ggamma[c] * inv_std[c]
            if kept.size:
                mask = kept[n, c]
                for j in range(source.size):
                    g = gradient[j] if source[j] * a + b > 0 else gradient[j] * slope
                    g *= scale if mask[j] else np.float32(0)
                    target[j] = a * (g - offset - (source[j] - centre) * tilt)
            else:
                for j in range(source.size):
                    g = gradient[j] if source[j] * a + b > 0 else gradient[j] * slope
                    target[j] = a * (g - offset - (source[j] - centre) * tilt)


@numba.njit("void(f4[::1], f4[::1], f4[::1], f4[::1], f4, f4, f4, f4, f4)", **_options)
def adam(param, grad, m, v, step_size, rest1, rest2, eps, decay):
    """One step of Adam (Kingma and Ba 2015) with weight decay in the gradient.

    Args:
        param, m, v (numpy.ndarray): Parameters and both moments, shape (N,); updated.
        grad (numpy.ndarray): Gradient, shape (N,).
        step_size (float): Corrected for the moments' bias.
        rest1, rest2 (float): 1 - β1 and 1 - β2.
        eps (float): Added to the root.
        decay (float): Factor of the weight decay.
    """
    for j in range(param.size):
        g = grad[j] + decay * param[j]
        m[j] += rest1 * (g - m[j])
        v[j] += rest2 * (g * g - v[j])
        param[j] -= step_size * m[j] / (np.sqrt(v[j]) + eps)
