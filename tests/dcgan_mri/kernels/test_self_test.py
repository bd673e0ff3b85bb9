"""The self-test before a training on a GPU, with a stand-in for the GPU: what is right passes, each fault is found."""

import importlib
import re

import numpy as np
import pytest

from dcgan_mri.chainer_compat import chainer
from dcgan_mri.kernels import backends, graph, normalization_cuda, self_test
from dcgan_mri.networks import Discriminator, Generator
from tests import gpu_stand_in
from tests.helpers import SMALL

convolution_2d = importlib.import_module("chainer.functions.connection.convolution_2d")
deconvolution_2d = importlib.import_module("chainer.functions.connection.deconvolution_2d")
SETTINGS, NEXT = self_test.SETTINGS, self_test.Batches.next
IMAGES = np.random.default_rng(0).integers(0, 256, (4, 16, 16), dtype=np.uint8)


def capture(compute, stream):
    observed = {"gen": {}, "dis": {}}
    return gpu_stand_in.Replay(compute), observed, None  # Python's counts do not matter for SGD


def by_cudnn_or_on_the_cpu(function):
    """What computes a convolution: Chainer's own code for a GPU takes more of CuPy than the stand-in has."""
    switch = function._forward_gpu_core

    def core(self, *arrays):
        if backends.cudnn_kernels():
            return switch(self, *arrays)
        return tuple(one.view(gpu_stand_in.Array) for one in self._forward_cpu_core(*arrays))

    return core


@pytest.fixture(autouse=True)
def cudnn(monkeypatch):
    """The stand-in for cuDNN."""
    cupy, module = gpu_stand_in.install(monkeypatch)
    gpu_stand_in.pass_for_cuda(monkeypatch)
    for network in (Generator, Discriminator):
        monkeypatch.setattr(network, "xp", property(lambda self: cupy))
    monkeypatch.setattr(self_test, "_to_gpu", gpu_stand_in.to_stand_in)
    monkeypatch.setattr(chainer.backends.cuda, "to_cpu", np.array)
    # The stand-in runs our kernels and not Chainer's own, of which softplus would be one.
    monkeypatch.setattr(self_test, "SETTINGS", {**SMALL, "optimizer": "sgd", "loss": "wasserstein"})
    monkeypatch.setattr(self_test.Batches, "next", lambda self: IMAGES)
    monkeypatch.setattr(graph, "capture", capture)
    backends.use("fast", on_gpu=True)
    for function in (convolution_2d.Convolution2DFunction, convolution_2d.Convolution2DGradW,
                     deconvolution_2d.Deconvolution2DFunction):
        monkeypatch.setattr(function, "_forward_gpu_core", by_cudnn_or_on_the_cpu(function))
    yield module
    backends.use("plain")


def test_what_is_right_passes():
    assert self_test.why_not() == {}


def test_a_kernel_that_computes_something_else(monkeypatch):
    inputs, outputs, operation, name = normalization_cuda.ACTIVATE
    monkeypatch.setattr(normalization_cuda, "ACTIVATE", (inputs, outputs, operation.replace("+ shift", ""), name))
    found = self_test.why_not()
    assert list(found) == ["kernels"]
    assert re.fullmatch(r"its steps of [GD] are \d+% off", found["kernels"])


def test_a_gradient_that_goes_missing_in_g_alone(monkeypatch):
    """D's steps are longer by far: beside them an error of G would be lost."""
    def without_dropouts(maps, grads, mean, inv_std, after, join, gradients=normalization_cuda.gradients):
        gx, *rest = gradients(maps, grads, mean, inv_std, after, join)
        return gx if after[2] is None else 0.95 * gx, *rest

    monkeypatch.setattr(normalization_cuda, "gradients", without_dropouts)
    assert list(self_test.why_not()) == ["kernels"]


def test_products_of_ten_bits_are_not_taken_for_a_fault(monkeypatch):
    """The rounding of TF32 and of 16 bits: one bit before the point, ten behind it."""
    def rounded(array):
        mantissa, exponent = np.frexp(array)
        return np.ldexp(np.rint(mantissa * 2**11) / 2**11, exponent).astype(np.float32)

    def convolve(kind, a, b, *rest, exactly=gpu_stand_in._convolve):
        return exactly(kind, rounded(a), rounded(b), *rest)

    monkeypatch.setattr(gpu_stand_in, "_convolve", convolve)
    monkeypatch.setattr(self_test, "SETTINGS", {**SETTINGS, "loss": "wasserstein"})
    monkeypatch.setattr(self_test.Batches, "next", NEXT)
    assert self_test.why_not() == {}


def test_images_that_are_made_otherwise_than_in_training(monkeypatch):
    def brighter(maps, factor, shift, kept, scale, slope, activate=normalization_cuda.activate):
        return activate(maps, factor, shift, kept, scale if chainer.config.train else np.float32(1.25), slope)

    monkeypatch.setattr(normalization_cuda, "activate", brighter)
    found = self_test.why_not()
    assert list(found) == ["kernels"]
    assert found["kernels"].startswith("its images are")


def test_a_kernel_that_cannot_be_compiled(monkeypatch):
    def fail(self, *arguments):
        raise RuntimeError("NVRTC: no kernel image")

    monkeypatch.setattr(gpu_stand_in.ElementwiseKernel, "__init__", fail)
    assert self_test.why_not() == {"kernels": "it fails (NVRTC: no kernel image)"}


def test_convolutions_that_compute_something_else(monkeypatch, cudnn):
    convolve = gpu_stand_in._convolve
    monkeypatch.setattr(gpu_stand_in, "_convolve", lambda *args: 1.5 * convolve(*args))
    assert list(self_test.why_not()) == ["cudnn"]


def test_a_capture_that_fails_and_one_that_repeats_a_stale_step(monkeypatch):
    def fail(compute, stream):
        raise RuntimeError("not while capturing")

    monkeypatch.setattr(graph, "capture", fail)
    found = self_test.why_not()
    assert list(found) == ["graph"]
    assert "not while capturing" in found["graph"]
    assert self_test.why_not(captures=False) == {}

    def do_nothing(compute, stream):
        return gpu_stand_in.Replay(lambda: None), {"gen": {}, "dis": {}}, None

    monkeypatch.setattr(graph, "capture", do_nothing)
    found = self_test.why_not()
    assert list(found) == ["graph"]
    assert found["graph"].endswith("% off")
