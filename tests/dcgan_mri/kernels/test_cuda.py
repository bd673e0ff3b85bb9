"""All CUDA kernels together: training steps on the stand-in for a GPU against the same by Chainer on the CPU."""

import numpy as np
import pytest

from dcgan_mri.chainer_compat import chainer
from dcgan_mri.config import PRESETS, Config
from dcgan_mri.kernels import backends, convolution_cuda
from dcgan_mri.kernels.graph import WARM_UP, GraphUpdater
from dcgan_mri.networks import Discriminator, Generator
from dcgan_mri.optimizers import OPTIMIZERS
from dcgan_mri.updater import Updater
from tests import gpu_stand_in
from tests.helpers import SMALL


class SameBatch(chainer.dataset.Iterator):
    """The same images over and over."""

    samples = range(4)
    epoch, epoch_detail, previous_epoch_detail, is_new_epoch = 0, 0.0, -1.0, False

    def next(self):
        return np.random.default_rng(0).integers(0, 256, (4, 16, 16), dtype=np.uint8)


def train(config, send):
    """What two steps leave behind, and the first step's gradients."""
    networks = [send(network(config)) for network in (Generator, Discriminator)]
    optimizers = [OPTIMIZERS["adam"](config).setup(network) for network in networks]
    updater = Updater(SameBatch(), *optimizers, config)
    updater.update()
    gradients = {name: np.array(param.grad) for network in networks for name, param in network.namedparams()}
    updater.update()
    state = chainer.serializers.DictionarySerializer()
    state.save(updater)
    return gradients, state.target


@pytest.fixture
def cudnn(monkeypatch):
    cupy, module = gpu_stand_in.install(monkeypatch)
    for network in (Generator, Discriminator):
        monkeypatch.setattr(network, "xp", property(lambda self: cupy))
    monkeypatch.setitem(convolution_cuda._state, "precision", "float32")
    return module


# The stand-in runs our kernels and not Chainer's own, of which softplus would be one.
@pytest.mark.parametrize("changes", [
    PRESETS["literal"], {"loss": "wasserstein"}, {**PRESETS["literal"], "update": "alternating"},
    {**PRESETS["improved"], "augment": True, "loss": "wasserstein"}], ids=str)
def test_steps_are_those_of_the_cpu(monkeypatch, cudnn, changes):
    config = Config(**SMALL, weight_decay=0.0, **changes)  # which Chainer would add to the gradients that are compared
    backends.use("plain")
    expected_gradients, expected = train(config, lambda network: network)
    gpu_stand_in.pass_for_cuda(monkeypatch)
    assert backends.use("fast", on_gpu=True) == "fast, convolutions by cuDNN in float32"
    try:
        gradients, state = train(config, gpu_stand_in.to_stand_in)
    finally:
        backends.use("plain")
    for name, gradient in expected_gradients.items():
        assert np.linalg.norm(gradients[name] - gradient) <= 1e-3 * np.linalg.norm(gradient) + 1e-5, name
    assert state.keys() == expected.keys()
    for name, value in expected.items():
        # Adam's first steps have the size of alpha, whatever the gradient: rounding near 0 can turn one.
        np.testing.assert_allclose(state[name], value, rtol=1e-2, atol=7e-4, err_msg=name)
    kinds = {graph.kind for graph in cudnn.graphs}
    assert kinds == {"fprop", "dgrad", "wgrad"}
    assert any(graph.tensors[1].dim[2:] == [1, 1] for graph in cudnn.graphs)  # the linear layers too


@pytest.mark.parametrize("changes", [{}, {**PRESETS["improved"], "augment": True}], ids=["paper", "improved"])
def test_numbers_that_a_graph_would_repeat_are_the_same_in_every_iteration(monkeypatch, cudnn, changes):
    """A captured kernel keeps the numbers that it was given: what changes has to be in the GPU's memory."""
    gpu_stand_in.pass_for_cuda(monkeypatch)
    config = Config(**SMALL, **changes, loss="wasserstein")
    backends.use("fast", on_gpu=True)
    try:
        networks = [gpu_stand_in.to_stand_in(network(config)) for network in (Generator, Discriminator)]
        optimizers = [OPTIMIZERS["adam"](config).setup(network) for network in networks]
        updater = GraphUpdater(SameBatch(), *optimizers, config, print)
        steps = [gpu_stand_in.Replay(updater.update) for _ in range(WARM_UP)]
        for step in steps:
            step.launch()
    finally:
        backends.use("plain")
    assert len(steps[1].numbers) > 100
    assert steps[1].numbers == steps[2].numbers


def test_why_convolutions_are_not_by_cudnn(cudnn):
    cudnn.version = 8000
    try:
        said = backends.use("fast", on_gpu=True)
        assert said.startswith("fast, but convolutions by Chainer, since cuDNN 8000 is older than 9")
        assert backends.cudnn_kernels() is None
    finally:
        backends.use("plain")
