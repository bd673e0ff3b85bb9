"""Which code computes: Chainer's own functions (`plain`), or faster ones behind the same links (`fast`).

Chainer's three convolution functions (convolution, its transpose, its weight gradient) are made of each other's
gradients, so that replacing what computes each of them serves forward, backward and double backward alike. Whatever the
fast code does not cover (other types than float32, dilation, groups) goes to Chainer's.
"""

import contextlib
import importlib

import numpy as np

from dcgan_mri import chainer_compat  # noqa: F401  (before anything of Chainer's is imported)
from dcgan_mri.functions.memory import keep_freed

NAMES = ("plain", "fast")

_state = {"name": "plain", "cpu": None, "gpu": None}


def use(name):
    """Choose for this process, on CPU and on GPU.

    Args:
        name (str): ``plain`` or ``fast``.

    Returns:
        str: What is used, and why it is not the fast code if that was asked for; for the log.
    """
    _state.update(name=name, cpu=None, gpu=None)
    if name == "plain":
        return "plain"
    try:
        from dcgan_mri.functions import convolution, elementwise  # noqa: F401  (compiled when first imported)
    except (ImportError, RuntimeError) as error:  # RuntimeError: Numba finds no folder for what it compiled
        _state["name"] = "plain"
        return f"plain, since the fast ones cannot be compiled ({error})"
    keep_freed()
    _state["cpu"] = convolution
    return "fast"


def is_fast():
    """bool: Whether the fast code is chosen."""
    return _state["name"] == "fast"


@contextlib.contextmanager
def using(name):
    """Choose within a block.

    Args:
        name (str): ``plain`` or ``fast``.
    """
    before = _state["name"]
    use(name)
    try:
        yield
    finally:
        use(before)


def covers(*arrays):
    """Whether compiled kernels can take these arrays.

    Args:
        *arrays (array): What a function is given; None is left out.

    Returns:
        bool: True for float32 arrays on CPU with at least one value each, if the fast code is chosen.
    """
    return is_fast() and all(type(array) is np.ndarray and array.dtype == np.float32 and array.size
                             for array in arrays if array is not None)


def _kernels(function, device, *arrays):
    """The fast code for a function node on these arrays, or None."""
    simple = function.sy == function.sx and function.ph == function.pw and function.dy == function.dx == 1
    same = all(array.dtype == np.float32 and array.size for array in arrays if array is not None)
    whole = not function.cover_all and function.groups == 1
    return _state[device] if simple and same and whole else None


def _install():
    """Put a switch in front of what computes each of Chainer's three functions."""
    convolution = importlib.import_module("chainer.functions.connection.convolution_2d")
    deconvolution = importlib.import_module("chainer.functions.connection.deconvolution_2d")

    def convolve(self, kernels, x, weights, bias):
        out_size = self._get_out_size(x.shape, weights.shape)
        return kernels.convolution(x, weights, bias, self.sy, self.ph, out_size)

    def transpose(self, kernels, x, weights, bias):
        return kernels.transposed_convolution(x, weights, bias, self.sy, self.ph, (self.outh, self.outw))

    def gradient(self, kernels, x, gy):
        if self.W_dtype != np.float32:
            return None
        return kernels.weight_gradient(x, gy, self.W_shape, self.sy, self.ph)

    for device in ("cpu", "gpu"):
        _switch(convolution.Convolution2DFunction, device, convolve)
        _switch(deconvolution.Deconvolution2DFunction, device, transpose)
        _switch(convolution.Convolution2DGradW, device, gradient)


def _switch(function_class, device, compute):
    name = f"_forward_{device}_core"
    plain = getattr(function_class, name)

    def core(self, *arrays):
        kernels = _kernels(self, device, *arrays)
        result = None if kernels is None else compute(self, kernels, *arrays)
        return plain(self, *arrays) if result is None else (result,)

    setattr(function_class, name, core)


_install()
