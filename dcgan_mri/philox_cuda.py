"""Counter-based random numbers on CUDA: Philox4x32-10 (Salmon et al., "Parallel random numbers", SC 2011).

The core is plain C, so that the tests can check it against the published test vectors without a GPU.
"""

import functools
import hashlib

PHILOX = r"""
PREFIX void philox4x32(unsigned int c[4], unsigned int k0, unsigned int k1) {
    for (int round = 0; round < 10; ++round) {
        unsigned long long p0 = 0xD2511F53ULL * c[0];
        unsigned long long p1 = 0xCD9E8D57ULL * c[2];
        unsigned int y0 = (unsigned int)(p1 >> 32) ^ c[1] ^ k0;
        unsigned int y2 = (unsigned int)(p0 >> 32) ^ c[3] ^ k1;
        c[0] = y0;
        c[1] = (unsigned int)p1;
        c[2] = y2;
        c[3] = (unsigned int)p0;
        k0 += 0x9E3779B9U;
        k1 += 0xBB67AE85U;
    }
}
"""

KERNELS = r"""
// One thread fills four neighbouring values of one sample.
extern "C" __global__ void philox_DISTRIBUTION(
        float* out, const long long* samples, long long n_samples, long long n_values,
        unsigned int iteration, unsigned int k0, unsigned int k1) {
    const long long n_blocks = (n_values + 3) / 4;
    const long long stride = (long long)gridDim.x * blockDim.x;
    for (long long i = (long long)blockIdx.x * blockDim.x + threadIdx.x; i < n_samples * n_blocks; i += stride) {
        const long long row = i / n_blocks, block = i % n_blocks;
        const unsigned long long sample = (unsigned long long)samples[row];
        unsigned int c[4] = {(unsigned int)block, iteration, (unsigned int)sample, (unsigned int)(sample >> 32)};
        philox4x32(c, k0, k1);
        float v[4];
        CONVERSION
        for (int j = 0; j < 4 && 4 * block + j < n_values; ++j) out[row * n_values + 4 * block + j] = v[j];
    }
}
"""

CONVERSIONS = {
    # 24 bits, the precision of float32, so that 1 is never reached.
    "uniform": "for (int j = 0; j < 4; ++j) v[j] = (float)(c[j] >> 8) * 5.9604644775390625e-8f;",
    # Box and Muller; the half step keeps the logarithm finite.
    "normal": """for (int j = 0; j < 4; j += 2) {
            const float r = sqrtf(-2.0f * logf(((float)c[j] + 0.5f) * 2.3283064365386963e-10f));
            float s, t;
            sincospif(2.0f * ((float)c[j + 1] * 2.3283064365386963e-10f), &s, &t);
            v[j] = r * t;
            v[j + 1] = r * s;
        }""",
}


def source(distribution):
    """The CUDA source of one kernel.

    Args:
        distribution (str): ``uniform`` on [0, 1) or ``normal`` with mean 0 and deviation 1.

    Returns:
        str: CUDA C.
    """
    kernel = KERNELS.replace("DISTRIBUTION", distribution).replace("CONVERSION", CONVERSIONS[distribution])
    return PHILOX.replace("PREFIX", "__device__") + kernel


def key(seed, stream):
    """Philox4x32 takes a key of 64 bits: a hash of the seed and the stream's number.

    Args:
        seed (int): Seed of the run, below 2**64.
        stream (int): Number that stands for what is drawn, below 2**64.

    Returns:
        tuple: Two ints below 2**32.
    """
    digest = hashlib.blake2b(seed.to_bytes(8, "little") + stream.to_bytes(8, "little"), digest_size=8).digest()
    return int.from_bytes(digest[:4], "little"), int.from_bytes(digest[4:], "little")


def draw(distribution, seed, stream, iteration, samples, shape):
    """Draw on the current CUDA device.

    Args:
        distribution (str): ``uniform`` or ``normal``.
        seed (int): Seed of the run.
        stream (int): Number that stands for what is drawn.
        iteration (int): Below 2**32.
        samples (list of int): Index of each sample in the global batch.
        shape (tuple of int): Shape of one sample's numbers.

    Returns:
        cupy.ndarray: float32 of shape (len(samples), *shape).
    """
    import cupy
    import numpy as np

    out = cupy.empty((len(samples), *shape), dtype=np.float32)
    n_values = out.size // len(samples)
    n_blocks = len(samples) * ((n_values + 3) // 4)
    k0, k1 = key(seed, stream)
    arguments = (
        out, cupy.asarray(samples, dtype=np.int64), np.int64(len(samples)), np.int64(n_values),
        np.uint32(iteration), np.uint32(k0), np.uint32(k1))
    _kernel(distribution)((min(4096, (n_blocks + 255) // 256),), (256,), arguments)
    return out


@functools.cache
def _kernel(distribution):
    import cupy

    return cupy.RawKernel(source(distribution), f"philox_{distribution}")
