"""Between float32 and 16-bit types on a GPU. CuPy has no bfloat16 of its own: its bits are kept in uint16 arrays."""

import numpy as np

from dcgan_mri.kernels.cuda import for_each

SOURCE = r"""
// To the nearest, ties to even: a bfloat16 is the upper half of a float32.
extern "C" __global__ void to_bfloat16(const float* x, unsigned short* y, long long n) {
    const long long stride = (long long)gridDim.x * blockDim.x;
    for (long long i = (long long)blockIdx.x * blockDim.x + threadIdx.x; i < n; i += stride) {
        const unsigned int bits = __float_as_uint(x[i]);
        const bool is_nan = (bits & 0x7FFFFFFFU) > 0x7F800000U;
        y[i] = is_nan ? 0x7FC0 : (unsigned short)((bits + 0x7FFFU + ((bits >> 16) & 1U)) >> 16);
    }
}

extern "C" __global__ void from_bfloat16(const unsigned short* x, float* y, long long n) {
    const long long stride = (long long)gridDim.x * blockDim.x;
    for (long long i = (long long)blockIdx.x * blockDim.x + threadIdx.x; i < n; i += stride)
        y[i] = __uint_as_float((unsigned int)x[i] << 16);
}
"""

# What an array of each precision is stored as.
STORAGE = {"bf16": np.uint16, "fp16": np.float16}


def narrow(x, precision):
    """Round to 16 bits.

    Args:
        x (cupy.ndarray): float32, contiguous, at least one value.
        precision (str): ``bf16`` or ``fp16``; beyond 65504 fp16 is infinite.

    Returns:
        cupy.ndarray: Of x's shape; float16, or uint16 with the bits of bfloat16.
    """
    if precision == "fp16":
        return x.astype(np.float16)
    import cupy

    y = cupy.empty(x.shape, np.uint16)
    for_each(SOURCE, "to_bfloat16", x.size, x, y, np.int64(x.size))
    return y


def widen(x, precision):
    """What `narrow` rounded, as float32.

    Args:
        x (cupy.ndarray): As `narrow` returns it.
        precision (str): ``bf16`` or ``fp16``.

    Returns:
        cupy.ndarray: float32 of x's shape.
    """
    if precision == "fp16":
        return x.astype(np.float32)
    import cupy

    y = cupy.empty(x.shape, np.float32)
    for_each(SOURCE, "from_bfloat16", x.size, x, y, np.int64(x.size))
    return y
