"""The self-test before a training on a GPU, with a stand-in for the GPU: what is right passes, each fault is found."""

import importlib

import numpy as np
import pytest

from dcgan_mri.chainer_compat import chainer
from dcgan_mri.kernels import backends, graph, normalization_cuda, self_test
from dcgan_mri.networks import Discriminator, Generator
from tests import gpu_stand_in
from tests.helpers import SMALL

convolution_2d = importlib.import_module("chainer.functions.connection.convolution_2d")
deconvolution_2d = importlib.import_module("chainer.functions.connection.deconvolution_2d")
IMAGES = np.random.default_rng(0).integers(0, 256, (4, 16, 16), dtype=np.uint8)


class Replay:
    """A graph that makes the step anew; Python's counts do not matter for SGD."""

    def __init__(self, compute):
        self.compute = compute

    def launch(self, stream):
        self.compute()


def capture(compute, stream):
    observed = {"gen": {}, "dis": {}}
    return Replay(compute), observed, None


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
    assert self_test.why_not("float32") == {}


def test_a_kernel_that_computes_something_else(monkeypatch):
    inputs, outputs, operation, name = normalization_cuda.ACTIVATE
    monkeypatch.setattr(normalization_cuda, "ACTIVATE", (inputs, outputs, operation.replace("+ shift", ""), name))
    found = self_test.why_not("float32")
    assert list(found) == ["kernels"]
    assert "off Chainer's own" in found["kernels"]


def test_images_that_are_made_otherwise_than_in_training(monkeypatch):
    def brighter(maps, factor, shift, kept, scale, slope, activate=normalization_cuda.activate):
        return activate(maps, factor, shift, kept, scale if chainer.config.train else np.float32(1.25), slope)

    monkeypatch.setattr(normalization_cuda, "activate", brighter)
    found = self_test.why_not("float32")
    assert list(found) == ["kernels"]
    assert found["kernels"].startswith("its images are")


def test_a_kernel_that_cannot_be_compiled(monkeypatch):
    def fail(self, *arguments):
        raise RuntimeError("NVRTC: no kernel image")

    monkeypatch.setattr(gpu_stand_in.ElementwiseKernel, "__init__", fail)
    assert self_test.why_not("float32") == {"kernels": "it fails (NVRTC: no kernel image)"}


def test_convolutions_that_compute_something_else(monkeypatch, cudnn):
    convolve = gpu_stand_in._convolve
    monkeypatch.setattr(gpu_stand_in, "_convolve", lambda *args: 1.5 * convolve(*args))
    assert list(self_test.why_not("float32")) == ["cudnn"]


def test_a_capture_that_fails_and_one_that_repeats_a_stale_step(monkeypatch):
    def fail(compute, stream):
        raise RuntimeError("not while capturing")

    monkeypatch.setattr(graph, "capture", fail)
    found = self_test.why_not("float32")
    assert list(found) == ["graph"]
    assert "not while capturing" in found["graph"]

    def do_nothing(compute, stream):
        return Replay(lambda: None), {"gen": {}, "dis": {}}, None

    monkeypatch.setattr(graph, "capture", do_nothing)
    assert list(self_test.why_not("float32")) == ["graph"]
