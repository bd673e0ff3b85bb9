"""The captured step: who may have it, and that every iteration is computed once, with its own numbers."""

import numpy as np
import pytest

from dcgan_mri.kernels import graph
from dcgan_mri.chainer_compat import chainer
from dcgan_mri.config import PRESETS, Config
from dcgan_mri.errors import UsageError
from dcgan_mri.kernels import backends
from dcgan_mri.kernels.graph import WARM_UP, GraphUpdater
from dcgan_mri.networks import Discriminator, Generator
from dcgan_mri.optimizers import OPTIMIZERS
from dcgan_mri.updater import Updater
from tests import gpu_stand_in
from tests.helpers import SMALL

ITERATIONS = WARM_UP + 4
IMPROVED = {**PRESETS["improved"], "augment": True}


class Batches(chainer.dataset.Iterator):
    """Another batch each time."""

    samples = range(4)
    epoch, epoch_detail, previous_epoch_detail, is_new_epoch = 0, 0.0, -1.0, False

    def __init__(self):
        self.rng = np.random.default_rng(0)

    def next(self):
        return self.rng.integers(0, 256, (4, 16, 16), dtype=np.uint8)


def make(kind, device="@numpy", say=None, **settings):
    config = Config(**SMALL, **settings)
    optimizers = []
    for network in (Generator(config), Discriminator(config)):
        network.to_device(device)
        optimizers.append(OPTIMIZERS[config.optimizer](config).setup(network))
    return kind(Batches(), *optimizers, config, *([] if say is None else [say]))


def train(updater, iterations=ITERATIONS):
    """What is observed in each iteration, and weights, statistics and counts at the end."""
    observed = []
    for _ in range(iterations):
        reporter = chainer.Reporter()
        reporter.add_observer("gen", updater.gen)
        reporter.add_observer("dis", updater.dis)
        with reporter:
            updater.update()
        observed.append({name: float(value.array) for name, value in reporter.observation.items()})
    state = chainer.serializers.DictionarySerializer()
    state.save(updater)
    return observed, state.target


class ReplayedOnCpu:
    """What a captured graph does, by computing the step again; Python's counts stay, and so do a kernel's numbers."""

    def __init__(self, updater, compute):
        self.updater, self.replay = updater, gpu_stand_in.Replay(compute)
        self.observed = {"gen": ["loss"], "dis": ["loss", "y_real", "y_fake"]}
        self.observed = {network: {name: chainer.Variable(np.zeros((), np.float32)) for name in names}
                         for network, names in self.observed.items()}
        self.count(1)

    def count(self, by):
        for optimizer in self.updater.optimizers:
            optimizer.t += by
            for param in optimizer.target.params():
                param.update_rule.t += by

    def launch(self, stream):
        self.count(-1)
        for network, values in self.replay.launch().items():
            for name, value in values.items():
                self.observed[network][name].array[...] = value.array


@pytest.fixture
def _on_stand_in(monkeypatch):
    cupy, _ = gpu_stand_in.install(monkeypatch)
    for network in (Generator, Discriminator):
        monkeypatch.setattr(network, "xp", property(lambda self: cupy))


@pytest.mark.usefixtures("_on_stand_in")
def test_a_replay_on_the_stand_in_sees_no_fresh_numbers():
    scale = gpu_stand_in.ElementwiseKernel("float32 x, float32 a", "float32 y", "y = a * x", "scale")
    x, factors = gpu_stand_in.on_device(np.float32([1, 2])), iter([np.float32(3), np.float32(5)])
    replay = gpu_stand_in.Replay(lambda: scale(x, next(factors)).tolist())
    assert replay.launch() == [3, 6]
    x[:] = 7
    assert replay.launch() == [21, 21]


@pytest.mark.usefixtures("_on_stand_in")
@pytest.mark.parametrize("settings", [{}, {"optimizer": "rmsprop"}, IMPROVED], ids=["adam", "rmsprop", "improved"])
def test_replays_compute_every_iteration_once(monkeypatch, settings):
    expected_seen, expected_state = train(make(Updater, **settings))
    said = []
    updater = make(GraphUpdater, say=said.append, **settings)
    captures = []

    def capture(compute, stream):
        captures.append(updater.iteration)
        replayed = ReplayedOnCpu(updater, compute)
        return replayed, replayed.observed, None

    monkeypatch.setattr(graph, "capture", capture)
    seen, state = train(updater)
    assert captures == [WARM_UP]
    assert updater.is_captured
    assert not said
    assert seen == expected_seen
    assert state.keys() == expected_state.keys()
    for name, value in expected_state.items():
        np.testing.assert_array_equal(state[name], value, err_msg=name)
    if not settings:
        rate = updater.optimizers[0].hyperparam.step_size
        t = ITERATIONS
        assert float(rate[0]) == pytest.approx(2e-4 * (1 - 0.999 ** t) ** 0.5 / (1 - 0.5 ** t), rel=1e-6)


@pytest.mark.usefixtures("_on_stand_in")
def test_where_the_capture_fails_the_run_goes_on_and_says_why(monkeypatch):
    expected_seen, expected_state = train(make(Updater))

    def capture(compute, stream):
        updater.optimizers[0].t += 1  # as far as the step came
        raise RuntimeError("operation not permitted\nwhen stream is capturing")

    monkeypatch.setattr(graph, "capture", capture)
    said = []
    updater = make(GraphUpdater, say=said.append)
    seen, state = train(updater)
    assert said == ["CUDA graph: the capture failed (operation not permitted when stream is capturing); "
                    "going on without"]
    assert seen == expected_seen
    for name, value in expected_state.items():
        np.testing.assert_array_equal(state[name], value, err_msg=name)


@pytest.mark.parametrize(("case", "reason"), [
    ({"on_gpu": False}, "there is no GPU"), ({"communicator": "host"}, "what a communicator sends"),
    ({"cudnn": None}, "no cuBLAS"),
    ({"settings": {"critic_steps": 5}}, "critic_steps"),
    ({"settings": {"gradient_penalty": 10.0, "dis_bn": False}}, "differentiates twice"),
    ({"settings": {"r1": 10.0, "dis_bn": False}}, "differentiates twice")])
def test_who_may_not_have_it(monkeypatch, case, reason):
    monkeypatch.setattr(backends, "cudnn_kernels", lambda: case.get("cudnn", "cuDNN"))
    run = Config(**case.get("settings", {})), case.get("on_gpu", True), case.get("communicator", "alone")
    captures, text = graph.choose("auto", *run)
    assert not captures
    assert text.startswith("off, since ")
    assert reason in text
    with pytest.raises(UsageError, match=f"--graph on: .*{reason}.*; use --graph auto"):
        graph.choose("on", *run)


def test_who_may(monkeypatch):
    monkeypatch.setattr(backends, "cudnn_kernels", lambda: "cuDNN")
    assert graph.choose("auto", Config(), True, "alone") == (True, "captured after 3 iterations")
    assert graph.choose("on", Config(weight_clip=0.01, optimizer="rmsprop"), True, "alone")[0]
    assert graph.choose("on", Config(**IMPROVED), True, "alone")[0]
    assert graph.choose("off", Config(), True, "alone") == (False, "off (asked for)")


@pytest.mark.gpu
@pytest.mark.parametrize("settings", [{}, IMPROVED], ids=["paper", "improved"])
def test_on_the_gpu_replays_do_what_steps_do(settings):
    from dcgan_mri.kernels import convolution_cuda

    if convolution_cuda.why_not():
        pytest.skip(convolution_cuda.why_not())
    chainer.get_device("@cupy:0").use()
    convolution_cuda.use_precision("float32")
    try:
        backends.use("fast", on_gpu=True)
        with chainer.using_config("cudnn_deterministic", True):
            expected_seen, expected_state = train(make(Updater, "@cupy:0", **settings))
            said = []
            updater = make(GraphUpdater, "@cupy:0", said.append, **settings)
            seen, state = train(updater)
    finally:
        backends.use("plain")
        convolution_cuda.use_precision("tf32")
    assert updater.is_captured, said
    for one, other in zip(seen, expected_seen, strict=True):
        assert one == pytest.approx(other, rel=1e-4, abs=1e-5)
    for name, value in expected_state.items():
        np.testing.assert_allclose(state[name], value, rtol=1e-3, atol=2e-5, err_msg=name)
