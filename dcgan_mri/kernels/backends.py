"""Which code computes: Chainer's own functions (`plain`), or faster ones behind the same links (`fast`).

Chainer's three convolution functions (convolution, its transpose, its weight gradient) are made of each other's
gradients, so that replacing what computes each of them serves forward, backward and double backward alike. Whatever the
fast code does not cover (other types than float32, dilation, groups) goes to Chainer's.
"""

import contextlib
import importlib

import numpy as np

from dcgan_mri.chainer_compat import chainer
from dcgan_mri.kernels.memory import keep_freed

NAMES = ("plain", "fast")

_state = {"name": "plain", "on_gpu": False, "cpu": None, "gpu": None}


def use(name, on_gpu=False):
    """Choose for this process.

    Args:
        name (str): ``plain`` or ``fast``.
        on_gpu (bool): Whether the current device is a GPU: then cuDNN is looked for.

    Returns:
        str: What is used, and why it is not the fast code if that was asked for; for the log.
    """
    _state.update(name=name, on_gpu=on_gpu, cpu=None, gpu=None)
    if name == "plain":
        return "plain"
    try:
        from dcgan_mri.kernels import convolution_cpu, elementwise  # noqa: F401  (compiled when first imported)
    except (ImportError, RuntimeError) as error:  # RuntimeError: Numba finds no folder for what it compiled
        _state["name"] = "plain"
        return f"plain, since the fast ones cannot be compiled ({error})"
    keep_freed()
    _state["cpu"] = convolution_cpu
    return _with_cudnn() if on_gpu else "fast"


def _with_cudnn():
    from dcgan_mri.kernels import convolution_cuda

    reason = convolution_cuda.why_not()
    if reason:
        return f"fast, but convolutions by Chainer, since {reason}"
    _state["gpu"] = convolution_cuda
    return f"fast, convolutions by cuDNN in {convolution_cuda.precision()}"


def has_cudnn():
    """bool: Whether convolutions on the GPU are cuDNN's."""
    return _state["gpu"] is not None


def is_fast():
    """bool: Whether the fast code is chosen."""
    return _state["name"] == "fast"


@contextlib.contextmanager
def using(name):
    """Choose within a block.

    Args:
        name (str): ``plain`` or ``fast``.
    """
    before, on_gpu = _state["name"], _state["on_gpu"]
    use(name, on_gpu)
    try:
        yield
    finally:
        use(before, on_gpu)


def covers(*arrays):
    """Whether compiled kernels can take these arrays.

    Args:
        *arrays (array): What a function is given; None is left out.

    Returns:
        bool: True for float32 arrays on CPU with at least one value each, if the fast code is chosen.
    """
    return is_fast() and all(type(array) is np.ndarray and array.dtype == np.float32 and array.size
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


def _kernels(function, device, *arrays):
    """The fast code for a function node on these arrays, or None."""
    simple = function.sy == function.sx and function.ph == function.pw and function.dy == function.dx == 1
    same = all(array.dtype == np.float32 and array.size for array in arrays if array is not None)
    whole = not function.cover_all and function.groups == 1
    return _state[device] if simple and same and whole else None


def _install():
    """Put a switch in front of what computes each of Chainer's functions."""
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

    linear = importlib.import_module("chainer.functions.connection.linear")
    _switch_product(linear.LinearFunction, "fprop", (0, 1))
    _switch_product(linear.LinearGradData, "dgrad", (1, 0))
    _switch_product(linear.LinearGradWeight, "wgrad", (0, 1))
    _switch_sum(importlib.import_module("chainer.functions.math.sum").Sum)


def _switch(function_class, device, compute):
    name = f"_forward_{device}_core"
    plain = getattr(function_class, name)

    def core(self, *arrays):
        kernels = _kernels(self, device, *arrays)
        result = None if kernels is None else compute(self, kernels, *arrays)
        return plain(self, *arrays) if result is None else (result,)

    setattr(function_class, name, core)


def _switch_product(function_class, kind, order):
    """A linear layer's products by cuDNN where there is one: CuPy does not let cuBLAS into a captured CUDA graph."""
    plain = function_class.forward

    def forward(self, inputs):
        kernels = _state["gpu"]
        result = None
        if kernels is not None and covers_on_gpu(*inputs):
            result = kernels.product(*(inputs[i] for i in order), kind)
        if result is None:
            return plain(self, inputs)
        self._config_use_ideep = chainer.config.use_ideep
        self.retain_inputs((0, 1))
        if len(inputs) == 3:
            result += inputs[2]
        return (result,)

    function_class.forward = forward


def _switch_sum(function_class):
    """The gradient of a bias, a sum over samples and positions, by a kernel that keeps a GPU busy."""
    plain = function_class.forward

    def forward(self, inputs):
        x, = inputs
        if x.ndim != 4 or self.axis != (0, 2, 3) or self.keepdims or not covers_on_gpu(x):
            return plain(self, inputs)
        from dcgan_mri.kernels import normalization_cuda

        return (normalization_cuda.channel_sums(normalization_cuda.as_maps(x)),)

    function_class.forward = forward


_install()
