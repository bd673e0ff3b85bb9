"""Counter-based random numbers on CUDA: Philox4x32-10 (Salmon et al., "Parallel random numbers", SC 2011).

It buys draws that depend on nothing but (seed, iteration, name, sample), which CuPy's own generators do not offer.

The core is plain C, so that the tests can check it against the published test vectors without a GPU.
"""

import hashlib

import numpy as np

from dcgan_mri.kernels.cuda import raw

THREADS = 256
# More blocks than this find no room on a GPU at once: a kernel's threads then go on to further values.
MOST_BLOCKS = 4096

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
// One thread fills four neighbouring values of one sample. The iteration is read from memory, so that a captured CUDA
// graph draws anew each time.
extern "C" __global__ void philox_NAME(
        TYPE* out, const float* x, float number, const long long* samples, long long n_samples, long long n_values,
        const unsigned int* iteration, unsigned int k0, unsigned int k1) {
    const long long n_blocks = (n_values + 3) / 4;
    const long long stride = (long long)gridDim.x * blockDim.x;
    for (long long i = (long long)blockIdx.x * blockDim.x + threadIdx.x; i < n_samples * n_blocks; i += stride) {
        const long long row = i / n_blocks, block = i % n_blocks;
        const unsigned long long sample = (unsigned long long)samples[row];
        unsigned int c[4] = {(unsigned int)block, iteration[0], (unsigned int)sample, (unsigned int)(sample >> 32)};
        philox4x32(c, k0, k1);
        float v[4];
        CONVERSION
        for (int j = 0; j < 4 && 4 * block + j < n_values; ++j) {
            const long long k = row * n_values + 4 * block + j;
            out[k] = RESULT;
        }
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


# Name of what is drawn: the type of a value, the distribution, and what becomes of a draw v[j].
OUTPUTS = {
    "uniform": ("float", "uniform", "v[j]"),
    "normal": ("float", "normal", "v[j]"),
    "noisy": ("float", "normal", "x[k] + number * v[j]"),
    "kept": ("bool", "uniform", "v[j] >= number"),
}


def source(name):
    """The CUDA source of one kernel.

    Args:
        name (str): ``uniform`` on [0, 1), ``normal`` with mean 0 and deviation 1, ``noisy`` (an array and `number`
            times such normal draws), or ``kept`` (whether a uniform draw is at least `number`).

    Returns:
        str: CUDA C.
    """
    value_type, distribution, result = OUTPUTS[name]
    kernel = KERNELS.replace("CONVERSION", CONVERSIONS[distribution])
    return (PHILOX.replace("PREFIX", "__device__")
            + kernel.replace("NAME", name).replace("TYPE", value_type).replace("RESULT", result))


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


def draw(name, seed, stream, iteration, samples, shape, x=None, number=0.0):
    """Draw on the current CUDA device.

    Args:
        name (str): As for `source`.
        seed (int): Seed of the run.
        stream (int): Number that stands for what is drawn.
        iteration (cupy.ndarray): uint32 of shape (), read when the kernel runs.
        samples (cupy.ndarray): Index of each sample in the global batch, int64 of shape (B,).
        shape (tuple of int): Shape of one sample's numbers.
        x (cupy.ndarray): What ``noisy`` adds to, float32 of shape (B, *shape).
        number (float): The factor of ``noisy``, the bound of ``kept``.

    Returns:
        cupy.ndarray: float32, for ``kept`` bool, of shape (B, *shape).
    """
    import cupy

    out = cupy.empty((len(samples), *shape), dtype=np.bool_ if name == "kept" else np.float32)
    n_values = out.size // len(samples)
    where = np.uintp(0) if x is None else cupy.ascontiguousarray(x)
    blocks = min(MOST_BLOCKS, -(-len(samples) * ((n_values + 3) // 4) // THREADS))
    raw(source(name), f"philox_{name}")((blocks,), (THREADS,), (
        out, where, np.float32(number), samples, np.int64(len(samples)), np.int64(n_values), iteration,
        *map(np.uint32, key(seed, stream))))
    return out
