"""Batch normalisation, dropout and (Leaky) ReLU on a GPU: `normalization_cpu` and its `elementwise`, with their maths.

CuPy's own sums over (samples, rows, columns) take one block of threads for each channel, which leaves most of a GPU
idle on the large maps of few channels. Here a channel is cut into parts, each summed by a block of its own.
Maps are float32 of shape (B, C, P), contiguous.
"""

import numpy as np

from dcgan_mri.chainer_compat import chainer
from dcgan_mri.kernels import normalization_cpu
from dcgan_mri.kernels.cuda import THREADS, for_each, kernel

# Values of a channel that a block sums, and how many blocks are made for a map at most.
PART = 4096
MOST_PARTS = 64

SOURCE = r"""
// Indices are of 32 bits, since a division of 64 bits takes longer than to read a value.

// The i-th value of a channel.
__device__ unsigned int place(unsigned int i, unsigned int channel, unsigned int n_channels, unsigned int n_positions) {
    return (i / n_positions * n_channels + channel) * n_positions + i % n_positions;
}

// Where a part begins.
__device__ unsigned int cut(unsigned int count, unsigned int part, unsigned int n_parts) {
    return (unsigned int)((unsigned long long)count * part / n_parts);
}

// What g is in the gradients: behind dropout and activation.
__device__ float behind(
        float x, float gy, float a, float b, const bool* kept, unsigned int k, float scale, float slope) {
    const float g = x * a + b > 0.0f ? gy : gy * slope;
    return kept == 0 ? g : kept[k] ? g * scale : 0.0f;
}

// Mean and sum of squared deviations of each part of each channel: of each thread's values in two passes, then joined
// two by two as in Chan, Golub and LeVeque (1983). Blocks: (channels, parts); threads: a power of 2.
extern "C" __global__ void moments_of_parts(
        const float* x, unsigned int n_channels, unsigned int n_positions, unsigned int count, float* means,
        float* squares) {
    extern __shared__ float shared[];
    float *ns = shared, *ms = shared + blockDim.x, *ss = shared + 2 * blockDim.x;
    const unsigned int channel = blockIdx.x, part = blockIdx.y;
    const unsigned int begin = cut(count, part, gridDim.y), end = cut(count, part + 1, gridDim.y);
    float sum = 0.0f, n = 0.0f, square = 0.0f;
    for (unsigned int i = begin + threadIdx.x; i < end; i += blockDim.x) {
        sum += x[place(i, channel, n_channels, n_positions)];
        n += 1.0f;
    }
    const float mean = n > 0.0f ? sum / n : 0.0f;
    for (unsigned int i = begin + threadIdx.x; i < end; i += blockDim.x) {
        const float d = x[place(i, channel, n_channels, n_positions)] - mean;
        square += d * d;
    }
    ns[threadIdx.x] = n;
    ms[threadIdx.x] = mean;
    ss[threadIdx.x] = square;
    for (unsigned int half = blockDim.x / 2; half > 0; half /= 2) {
        __syncthreads();
        if (threadIdx.x < half && ns[threadIdx.x + half] > 0.0f) {
            const float na = ns[threadIdx.x], nb = ns[threadIdx.x + half];
            const float d = ms[threadIdx.x + half] - ms[threadIdx.x];
            ns[threadIdx.x] = na + nb;
            ms[threadIdx.x] += d * nb / (na + nb);
            ss[threadIdx.x] += ss[threadIdx.x + half] + d * d * na * nb / (na + nb);
        }
    }
    if (threadIdx.x == 0) {
        means[part * n_channels + channel] = ms[0];
        squares[part * n_channels + channel] = ss[0];
    }
}

// Mean and variance of each channel from those of its parts.
extern "C" __global__ void join_moments(
        const float* means, const float* squares, unsigned int n_channels, unsigned int count, unsigned int n_parts,
        float* mean, float* var) {
    const unsigned int channel = blockIdx.x * blockDim.x + threadIdx.x;
    if (channel >= n_channels) return;
    float n = 0.0f, m = 0.0f, s = 0.0f;
    for (unsigned int part = 0; part < n_parts; ++part) {
        const float more = (float)(cut(count, part + 1, n_parts) - cut(count, part, n_parts));
        const float d = means[part * n_channels + channel] - m;
        s += squares[part * n_channels + channel] + d * d * n * more / (n + more);
        n += more;
        m += d * more / n;
    }
    mean[channel] = m;
    var[channel] = s / n;
}

// From a batch's moments: what `activate` needs.
extern "C" __global__ void affine(
        const float* mean, const float* var, const float* gamma, const float* beta, float eps, unsigned int n_channels,
        float* inv_std, float* factor, float* shift) {
    const unsigned int channel = blockIdx.x * blockDim.x + threadIdx.x;
    if (channel >= n_channels) return;
    inv_std[channel] = 1.0f / sqrtf(var[channel] + eps);
    factor[channel] = gamma[channel] * inv_std[channel];
    shift[channel] = beta[channel] - mean[channel] * factor[channel];
}

// Running statistics move towards a batch's.
extern "C" __global__ void move_running(
        float* avg_mean, float* avg_var, const float* mean, const float* var, float decay, float correction,
        unsigned int n_channels) {
    const unsigned int channel = blockIdx.x * blockDim.x + threadIdx.x;
    if (channel >= n_channels) return;
    avg_mean[channel] = avg_mean[channel] * decay + (1.0f - decay) * mean[channel];
    avg_var[channel] = avg_var[channel] * decay + (1.0f - decay) * correction * var[channel];
}

extern "C" __global__ void activate(
        const float* x, const float* factor, const float* shift, const bool* kept, float scale, float slope,
        unsigned int n_channels, unsigned int n_positions, unsigned int n, float* y) {
    const unsigned int stride = gridDim.x * blockDim.x;
    for (unsigned int k = blockIdx.x * blockDim.x + threadIdx.x; k < n; k += stride) {
        const unsigned int channel = k / n_positions % n_channels;
        float v = x[k] * factor[channel] + shift[channel];
        if (kept != 0) v = kept[k] ? v * scale : 0.0f;
        y[k] = v > 0.0f ? v : v * slope;
    }
}

// Sums of g, and of g times the deviation of x, over each part of each channel. Without x: sums of gy alone.
// Blocks: (channels, parts); threads: a power of 2.
extern "C" __global__ void sums_of_parts(
        const float* x, const float* gy, const float* mean, const float* factor, const float* shift, const bool* kept,
        float scale, float slope, unsigned int n_channels, unsigned int n_positions, unsigned int count, float* sums) {
    extern __shared__ float shared[];
    float *gs = shared, *gxs = shared + blockDim.x;
    const unsigned int channel = blockIdx.x, part = blockIdx.y;
    const unsigned int begin = cut(count, part, gridDim.y), end = cut(count, part + 1, gridDim.y);
    float sum = 0.0f, sum_x = 0.0f;
    for (unsigned int i = begin + threadIdx.x; i < end; i += blockDim.x) {
        const unsigned int k = place(i, channel, n_channels, n_positions);
        if (x == 0) {
            sum += gy[k];
        } else {
            const float g = behind(x[k], gy[k], factor[channel], shift[channel], kept, k, scale, slope);
            sum += g;
            sum_x += g * (x[k] - mean[channel]);
        }
    }
    gs[threadIdx.x] = sum;
    gxs[threadIdx.x] = sum_x;
    for (unsigned int half = blockDim.x / 2; half > 0; half /= 2) {
        __syncthreads();
        if (threadIdx.x < half) {
            gs[threadIdx.x] += gs[threadIdx.x + half];
            gxs[threadIdx.x] += gxs[threadIdx.x + half];
        }
    }
    if (threadIdx.x == 0) {
        sums[part * n_channels + channel] = gs[0];
        sums[(gridDim.y + part) * n_channels + channel] = gxs[0];
    }
}

// Both sums of each channel; the second in units of the standard deviation, if that is given.
extern "C" __global__ void join_sums(
        const float* sums, const float* inv_std, unsigned int n_channels, unsigned int n_parts, float* joined) {
    const unsigned int channel = blockIdx.x * blockDim.x + threadIdx.x;
    if (channel >= n_channels) return;
    float sum = 0.0f, sum_x = 0.0f;
    for (unsigned int part = 0; part < n_parts; ++part) {
        sum += sums[part * n_channels + channel];
        sum_x += sums[(n_parts + part) * n_channels + channel];
    }
    joined[channel] = sum;
    if (inv_std != 0) joined[n_channels + channel] = sum_x * inv_std[channel];
}

extern "C" __global__ void input_gradient(
        const float* x, const float* gy, const float* mean, const float* inv_std, const float* factor,
        const float* shift, const bool* kept, float scale, float slope, const float* gbeta, const float* ggamma,
        float count, unsigned int n_channels, unsigned int n_positions, unsigned int n, float* gx) {
    const unsigned int stride = gridDim.x * blockDim.x;
    for (unsigned int k = blockIdx.x * blockDim.x + threadIdx.x; k < n; k += stride) {
        const unsigned int c = k / n_positions % n_channels;
        const float g = behind(x[k], gy[k], factor[c], shift[c], kept, k, scale, slope);
        const float tilt = ggamma[c] / count * inv_std[c];
        gx[k] = factor[c] * (g - gbeta[c] / count - (x[k] - mean[c]) * tilt);
    }
}
"""


class NormalizeAndActivate(normalization_cpu.NormalizeAndActivate):
    """y = leaky(dropout(batch_normalization(x))), in training; arguments and attributes as on a CPU."""

    def forward_gpu(self, inputs):
        x, gamma, beta = inputs
        self.retain_inputs((0, 1, 2))
        maps = as_maps(x)
        self.mean, self.var = self.join.moments(*moments(maps))
        self.inv_std, *self._factor_and_shift = affine(self.mean, self.var, gamma, beta, self.eps)
        return activate(maps, *self._factor_and_shift, *self._rest()).reshape(x.shape),

    def _rest(self):
        """Mask, scale and slope."""
        return self.kept, 1 / (1 - self.ratio), self.slope

    def backward(self, indexes, grad_outputs):
        x, gamma, beta = self.get_retained_inputs()
        gy, = grad_outputs
        if chainer.config.enable_backprop:  # the gradient is to be differentiated: by Chainer's own functions
            return chainer.grad([self._plain(x, gamma, beta)], [x, gamma, beta], [gy], enable_double_backprop=True)
        maps, grads = as_maps(x.array), as_maps(gy.array)
        args = (maps, grads, self.mean, self.inv_std, *self._factor_and_shift, *self._rest())
        gbeta, ggamma = self.join.sums(*gradient_sums(*args))
        gx = input_gradient(*args, gbeta, ggamma).reshape(x.shape)
        return chainer.as_variable(gx), chainer.as_variable(ggamma), chainer.as_variable(gbeta)


def by_fixed_statistics(x, gamma, beta, mean, var, eps, kept, ratio, slope):
    """As `normalization_cpu.by_fixed_statistics`, on arrays of a GPU."""
    _, factor, shift = affine(mean, var, gamma, beta, eps)
    return activate(as_maps(x), factor, shift, kept, 1 / (1 - ratio), slope).reshape(x.shape)


def as_maps(x):
    """What the kernels take.

    Args:
        x (cupy.ndarray): float32 of shape (B, C) or (B, C, H, W).

    Returns:
        cupy.ndarray: Contiguous, of shape (B, C, P).
    """
    import cupy

    return cupy.ascontiguousarray(x).reshape(*x.shape[:2], -1)


def moments(maps):
    """Mean and variance of channels.

    Args:
        maps (cupy.ndarray): Shape (B, C, P).

    Returns:
        tuple: Both float32 of shape (C,).
    """
    import cupy

    n_channels, count, n_parts, threads = _cut(maps)
    parts = cupy.empty((2, n_parts, n_channels), np.float32)
    kernel(SOURCE, "moments_of_parts")((n_channels, n_parts), (threads,), (
        maps, np.uint32(n_channels), np.uint32(maps.shape[2]), np.uint32(count), parts[0], parts[1]),
        shared_mem=3 * 4 * threads)
    mean, var = cupy.empty(n_channels, np.float32), cupy.empty(n_channels, np.float32)
    _each_channel("join_moments", n_channels, parts[0], parts[1], np.uint32(n_channels), np.uint32(count),
                  np.uint32(n_parts), mean, var)
    return mean, var


def affine(mean, var, gamma, beta, eps):
    """What batch normalisation does to a channel, as factor and shift.

    Args:
        mean, var, gamma, beta (cupy.ndarray): Shape (C,).
        eps (float): Added to the variance.

    Returns:
        tuple: 1 / standard deviation, factor, shift, each float32 of shape (C,).
    """
    import cupy

    out = [cupy.empty(len(mean), np.float32) for _ in range(3)]
    _each_channel("affine", len(mean), mean, var, gamma, beta, np.float32(eps), np.uint32(len(mean)), *out)
    return tuple(out)


def move_running(avg_mean, avg_var, mean, var, decay, correction):
    """Move running statistics towards a batch's.

    Args:
        avg_mean, avg_var (cupy.ndarray): Shape (C,); updated.
        mean, var (cupy.ndarray): Shape (C,).
        decay (float): How much of the running statistics stays.
        correction (float): What the variance is multiplied by to be without bias.
    """
    _each_channel("move_running", len(mean), avg_mean, avg_var, mean, var, np.float32(decay), np.float32(correction),
                  np.uint32(len(mean)))


def activate(maps, factor, shift, kept, scale, slope):
    """y = leaky(kept · scale · (factor · x + shift)).

    Args:
        maps (cupy.ndarray): Shape (B, C, P).
        factor, shift (cupy.ndarray): Shape (C,).
        kept (cupy.ndarray or None): What dropout keeps, bool of the maps' size.
        scale (float): Of what is kept.
        slope (float): Of Leaky ReLU below zero: 0 is ReLU, 1 nothing.

    Returns:
        cupy.ndarray: As the maps.
    """
    import cupy

    y = cupy.empty_like(maps)
    for_each(SOURCE, "activate", maps.size, maps, factor, shift, _or_null(kept), np.float32(scale), np.float32(slope),
             *_sizes(maps), y)
    return y


def gradient_sums(maps, grads, mean, inv_std, factor, shift, kept, scale, slope):
    """Sums over channels of the gradient g behind dropout and activation, and of g times the normalised x.

    Args:
        maps, grads (cupy.ndarray): Input, and gradient of the output, shape (B, C, P).
        mean, inv_std, factor, shift (cupy.ndarray): Shape (C,).
        kept, scale, slope: As `activate` was given them.

    Returns:
        cupy.ndarray: Gradients of beta and of gamma, float32 of shape (2, C).
    """
    import cupy

    n_channels, count, n_parts, threads = _cut(maps)
    parts = cupy.empty((2, n_parts, n_channels), np.float32)
    kernel(SOURCE, "sums_of_parts")((n_channels, n_parts), (threads,), (
        maps, grads, mean, factor, shift, _or_null(kept), np.float32(scale), np.float32(slope), np.uint32(n_channels),
        np.uint32(maps.shape[2]), np.uint32(count), parts), shared_mem=2 * 4 * threads)
    joined = cupy.empty((2, n_channels), np.float32)
    _each_channel("join_sums", n_channels, parts, inv_std, np.uint32(n_channels), np.uint32(n_parts), joined)
    return joined


def channel_sums(maps):
    """Sums over channels.

    Args:
        maps (cupy.ndarray): Shape (B, C, P).

    Returns:
        cupy.ndarray: float32 of shape (C,).
    """
    import cupy

    null = np.uintp(0)
    n_channels, count, n_parts, threads = _cut(maps)
    parts = cupy.empty((2, n_parts, n_channels), np.float32)
    kernel(SOURCE, "sums_of_parts")((n_channels, n_parts), (threads,), (
        null, maps, null, null, null, null, np.float32(1), np.float32(1), np.uint32(n_channels),
        np.uint32(maps.shape[2]), np.uint32(count), parts), shared_mem=2 * 4 * threads)
    joined = cupy.empty(n_channels, np.float32)
    _each_channel("join_sums", n_channels, parts, null, np.uint32(n_channels), np.uint32(n_parts), joined)
    return joined


def input_gradient(maps, grads, mean, inv_std, factor, shift, kept, scale, slope, gbeta, ggamma):
    """The gradient of the input of batch normalisation, dropout and activation.

    Args:
        maps, grads, mean, inv_std, factor, shift, kept, scale, slope: As for `gradient_sums`.
        gbeta, ggamma (cupy.ndarray): Its results, as means over all processes, shape (C,).

    Returns:
        cupy.ndarray: As the maps.
    """
    import cupy

    gx = cupy.empty_like(maps)
    for_each(SOURCE, "input_gradient", maps.size, maps, grads, mean, inv_std, factor, shift, _or_null(kept),
             np.float32(scale), np.float32(slope), gbeta, ggamma, np.float32(maps.size // maps.shape[1]),
             *_sizes(maps), gx)
    return gx


def _cut(maps):
    """Channels, values in each, parts that a channel is cut into, and threads for each part (a power of 2)."""
    n_samples, n_channels, n_positions = maps.shape
    count = n_samples * n_positions
    n_parts = max(1, min(MOST_PARTS, -(-count // PART)))
    threads = 32
    while threads < min(THREADS, count // n_parts):
        threads *= 2
    return n_channels, count, n_parts, threads


def _sizes(maps):
    return np.uint32(maps.shape[1]), np.uint32(maps.shape[2]), np.uint32(maps.size)


def _each_channel(name, n_channels, *arguments):
    kernel(SOURCE, name)((-(-n_channels // THREADS),), (THREADS,), arguments)


def _or_null(kept):
    return np.uintp(0) if kept is None else kept
