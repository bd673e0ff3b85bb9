"""Kernels in CUDA C: compiled by CuPy for the GPU at hand when first used."""

import functools

THREADS = 256
# More blocks than this find no room on a GPU at once: a kernel's threads then go on to further values.
MOST_BLOCKS = 4096


@functools.cache
def kernel(source, name):
    """A kernel, compiled when it is first launched.

    Args:
        source (str): CUDA C; the kernel is declared ``extern "C"``.
        name (str): Its name.

    Returns:
        cupy.RawKernel: To be called with blocks, threads, arguments, and bytes of shared memory.
    """
    import cupy

    return cupy.RawKernel(source, name)


def for_each(source, name, n, *arguments):
    """Launch a kernel whose threads stride over n values.

    Args:
        source, name (str): As for `kernel`.
        n (int): Number of values, at least 1.
        *arguments: CuPy arrays, and NumPy scalars of the types that the kernel declares.
    """
    blocks = min(MOST_BLOCKS, -(-n // THREADS))
    kernel(source, name)((blocks,), (THREADS,), arguments)
