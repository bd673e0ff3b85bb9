"""Kernels for a GPU in CUDA C: CuPy compiles each for the GPU at hand when it is first used."""

_made = {}


def elementwise(inputs, outputs, operation, name):
    """A kernel that computes each value of its output from those of its inputs at the same place.

    Args:
        inputs, outputs, operation, name (str): As `cupy.ElementwiseKernel` takes them.

    Returns:
        cupy.ElementwiseKernel: To be called with arrays of shapes that broadcast, and numbers.
    """
    return _once("ElementwiseKernel", inputs, outputs, operation, f"dcgan_mri_{name}")


def summing(inputs, operation, name):
    """A kernel that sums an expression along an axis.

    Args:
        inputs, operation, name (str): As `cupy.ReductionKernel` takes them.

    Returns:
        cupy.ReductionKernel: To be called with arrays of shapes that broadcast, and ``axis``; its results are float32.
    """
    return _once("ReductionKernel", inputs, "float32 y", operation, "a + b", "y = a", "0", f"dcgan_mri_{name}")


def raw(source, name):
    """A kernel written as a whole.

    Args:
        source (str): CUDA C; the kernel is declared ``extern "C"``.
        name (str): Its name.

    Returns:
        cupy.RawKernel: To be called with blocks, threads and arguments.
    """
    return _once("RawKernel", source, name)


def _once(kind, *arguments):
    import cupy

    if (kind, arguments) not in _made:
        _made[kind, arguments] = getattr(cupy, kind)(*arguments)
    return _made[kind, arguments]
