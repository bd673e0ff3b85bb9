"""Switches in front of what computes Chainer's convolutions, linear layers and bias gradients.

Chainer's three convolution functions (convolution, its transpose, its weight gradient) are made of each other's
gradients, so that replacing what computes each of them serves forward, backward and double backward alike. Whatever the
fast code does not cover (other types than float32, dilation, groups) goes to Chainer's.
"""

import importlib

import numpy as np

from dcgan_mri.chainer_compat import chainer
from dcgan_mri.kernels import backends


def _kernels(function, device, *arrays):
    """The fast code for a function node on these arrays, or None."""
    simple = function.sy == function.sx and function.ph == function.pw and function.dy == function.dx == 1
    same = all(array.dtype == np.float32 and array.size for array in arrays if array is not None)
    whole = not function.cover_all and function.groups == 1
    kernels = backends.cpu_kernels() if device == "cpu" else backends.cudnn_kernels()
    return kernels if simple and same and whole else None


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
        kernels = backends.cudnn_kernels()
        result = None
        if kernels is not None and backends.covers_on_gpu(*inputs):
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
    """The gradient of a bias, a sum over samples and positions: in two steps, which keep a GPU busy."""
    plain = function_class.forward

    def forward(self, inputs):
        x, = inputs
        if x.ndim != 4 or self.axis != (0, 2, 3) or self.keepdims or not backends.covers_on_gpu(x):
            return plain(self, inputs)
        return (x.reshape(*x.shape[:2], -1).sum(axis=2).sum(axis=0),)

    function_class.forward = forward


_install()
