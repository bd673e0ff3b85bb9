"""Which code computes: Chainer's own functions (`plain`), or faster ones behind the same links (`fast`)."""

import contextlib

import numpy as np

from dcgan_mri.chainer_compat import chainer
from dcgan_mri.kernels.memory import keep_freed

NAMES = ("plain", "fast")

_state = {"name": "plain", "on_gpu": False, "cpu": None, "cudnn": None}


def use(name, on_gpu=False):
    """Choose for this process.

    Args:
        name (str): ``plain`` or ``fast``.
        on_gpu (bool): Whether the current device is a GPU: then cuDNN is looked for, and the CPU's kernels, which Numba
            compiles, are left alone.

    Returns:
        str: What is used, and why it is not the fast code if that was asked for; for the log.
    """
    _state.update(name=name, on_gpu=on_gpu, cpu=None, cudnn=None)
    if name == "plain":
        return "plain"
    # Puts switches in front of Chainer's functions.
    from dcgan_mri.kernels import convolution  # noqa: F401

    if on_gpu:
        return _with_cudnn()
    try:
        from dcgan_mri.kernels import convolution_cpu, elementwise  # noqa: F401  (compiled when first imported)
    except (ImportError, RuntimeError) as error:  # RuntimeError: Numba finds no folder for what it compiled
        _state["name"] = "plain"
        return f"plain, since the fast ones cannot be compiled ({error})"
    keep_freed()
    _state["cpu"] = convolution_cpu
    return "fast"


def _with_cudnn():
    from dcgan_mri.kernels import convolution_cuda

    reason = convolution_cuda.why_not()
    if reason:
        return f"fast, but convolutions by Chainer, since {reason}"
    _state["cudnn"] = convolution_cuda
    return f"fast, convolutions by cuDNN in {convolution_cuda.computed_in()}"


def without_cudnn():
    """Leave convolutions to Chainer from now on."""
    _state["cudnn"] = None


def cpu_kernels():
    """module: `convolution_cpu` where the fast code is chosen on a CPU, else None."""
    return _state["cpu"]


def cudnn_kernels():
    """module: `convolution_cuda` where convolutions on the GPU are cuDNN's, else None."""
    return _state["cudnn"]


def is_fast():
    """bool: Whether the fast code is chosen."""
    return _state["name"] == "fast"


@contextlib.contextmanager
def using(name):
    """Choose within a block.

    Args:
        name (str): ``plain`` or ``fast``.
    """
    before = dict(_state)
    use(name, before["on_gpu"])
    try:
        yield
    finally:
        _state.update(before)


def covers(*arrays):
    """Whether compiled kernels can take these arrays.

    Args:
        *arrays (array): What a function is given; None is left out.

    Returns:
        bool: True for float32 arrays on CPU with at least one value each, if the fast code is chosen.
    """
    return _state["cpu"] is not None and all(type(array) is np.ndarray and array.dtype == np.float32 and array.size
                                             for array in arrays if array is not None)


def covers_on_gpu(*arrays):
    """Whether CUDA kernels can take these arrays.

    Args:
        *arrays (array): What a function is given; None is left out.

    Returns:
        bool: True for float32 arrays on a GPU with 1 to 2**31 - 1 values each, if the fast code is chosen.
    """
    return is_fast() and all(isinstance(array, chainer.backends.cuda.ndarray) and array.dtype == np.float32
                             and 0 < array.size < 2**31 for array in arrays if array is not None)
