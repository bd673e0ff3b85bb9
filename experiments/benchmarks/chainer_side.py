"""Chainer's side of the benchmark: our training step, and that of Chainer's own DCGAN example with the same networks.

Chainer's example draws noise and masks from NumPy's global generator, back-propagates D's loss through G as well, and
then G's loss through D's weights again. It runs on Chainer's own functions; ours on the fast kernels, or on Chainer's
too (`plain`), which shows what the kernels bring.
"""

import sys

from dcgan_mri.distributed.threads import before_numpy

if "--untuned" not in sys.argv:
    before_numpy()

import collections
import contextlib
import dataclasses
import time

import numpy as np
from mpi4py import MPI
from roofline import least_seconds, products
from sides import peak_memory, seconds, serve

from dcgan_mri import config as settings
from dcgan_mri.chainer_compat import chainer
from dcgan_mri.pixels import to_network
from dcgan_mri.distributed import communicator
from dcgan_mri.distributed.batch_normalization import GlobalBatchNormalization
from dcgan_mri.randomness import Draws
from dcgan_mri.kernels import backends
from dcgan_mri.kernels.graph import GraphUpdater
from dcgan_mri.losses import LOSSES
from dcgan_mri.networks import Discriminator, Generator, discriminator_rows, generator_rows
from dcgan_mri.optimizers import make_optimizer
from dcgan_mri.sampling import sample
from dcgan_mri.updater import Updater

# What a function counts as in the shares of a step.
PARTS = {
    "convolution": ("Convolution2DFunction", "Deconvolution2DFunction", "Convolution2DGradW"),
    "noise": ("_AddNoise",),
    # One function in the fast kernels.
    "normalisation, dropout, activation": (
        "NormalizeAndActivate", "BatchNormalization", "BatchNormalizationGrad", "Dropout", "DropoutGrad", "ReLU",
        "ReLUGrad2", "LeakyReLU", "Sigmoid", "SigmoidGrad", "Tanh", "TanhGrad"),
}
PART_OF = {function: part for part, functions in PARTS.items() for function in functions}


class ExampleDraws:
    """Noise and dropout masks as the example takes them."""

    def __init__(self, batchsize, xp):
        self.batchsize, self.xp = batchsize, xp

    def named(self, part):
        """The same: this generator knows no names."""
        return self

    def noisy(self, name, x, sigma):
        """x with Gaussian noise, float32."""
        return x + sigma * self.xp.random.randn(*x.shape).astype(np.float32)

    def kept(self, name, shape, ratio):
        """What dropout keeps."""
        return self.xp.random.rand(self.batchsize, *shape) >= ratio


class SameBatch(chainer.dataset.Iterator):
    """One batch over and over, so that the step is timed and not the reading."""

    def __init__(self, images):
        self.images = images
        self.samples = range(len(images))

    def next(self):
        """The batch."""
        return self.images


class Clock(chainer.FunctionHook):
    """Seconds spent in each function itself, without what it calls."""

    name = "Clock"

    def __init__(self):
        self.seconds = collections.Counter()
        self._open = []

    def _begin(self, function, in_data):
        self._open.append([time.perf_counter(), 0.0])

    def _end(self, function, in_data):
        begin, inner = self._open.pop()
        total = time.perf_counter() - begin
        self.seconds[PART_OF.get(type(function).__name__, "other functions")] += total - inner
        if self._open:
            self._open[-1][1] += total

    forward_preprocess = _begin
    forward_postprocess = _end

    def backward_preprocess(self, function, in_data, out_grad):
        """Begin."""
        self._begin(function, in_data)

    def backward_postprocess(self, function, in_data, out_grad):
        """End."""
        self._end(function, in_data)


class Training:
    """Both networks with their optimizers, and a step on one batch.

    Args:
        kind (str): ``fast`` or ``plain`` for our step, ``graph`` for the fast one captured as a CUDA graph, ``example``
            for that of Chainer's example.
        batchsize (int): Images in the batch.
        device (str): Chainer's name of the device.
        **changes: Settings other than the paper's.
    """

    def __init__(self, kind, batchsize, device="@numpy", **changes):
        on_gpu = device != "@numpy"
        chainer.get_device(device).use()
        self.kernels = backends.use({"example": "plain", "graph": "fast"}.get(kind, kind), on_gpu)
        self.config = settings.build("paper", batchsize=batchsize, **changes)
        comm = communicator.create("alone" if on_gpu else "naive", MPI.COMM_SELF)

        def batch_normalization(size, use_gamma):
            return GlobalBatchNormalization(size, comm, use_gamma)

        self.gen, self.dis = (network(self.config, batch_normalization) for network in (Generator, Discriminator))
        for model in (self.gen, self.dis):
            model.to_device(device)
        self.gen_optimizer, self.dis_optimizer = optimizers = [
            make_optimizer(model, self.config, comm) for model in (self.gen, self.dis)]
        for optimizer in optimizers:
            optimizer.is_changed(optimizer.target)
        self.images = np.random.default_rng(0).integers(0, 256, (batchsize, 256, 256), dtype=np.uint8)
        self.said = []
        parts = (SameBatch(self.images), *optimizers, self.config)
        self.updater = GraphUpdater(*parts, self.said.append) if kind == "graph" else Updater(*parts)
        self.step = self.example if kind == "example" else self.updater.update

    def example(self):
        """One step as Chainer's example makes it."""
        xp = self.gen.xp
        draws = ExampleDraws(len(self.images), xp)
        loss = LOSSES[self.config.loss]
        y_real = self.dis(chainer.Variable(to_network(self.images, self.config.pixel_low, xp)), draws)
        z = xp.random.uniform(-1, 1, (len(self.images), self.config.n_z, 1, 1)).astype(np.float32)
        y_fake = self.dis(self.gen(z, draws), draws)
        for optimizer, model, value in ((self.dis_optimizer, self.dis, loss.dis(y_real, y_fake)),
                                        (self.gen_optimizer, self.gen, loss.gen(y_fake))):
            model.cleargrads()
            value.backward()
            optimizer.update()

    def built(self):
        """Parameter counts, and what the other side needs to build the same."""
        config = self.config
        bn = next(link for link in self.gen.links() if isinstance(link, GlobalBatchNormalization))
        return {
            "gen": self.gen.count_params(), "dis": self.dis.count_params(),
            "for_pytorch": {
                "gen": [dataclasses.asdict(row) for row in generator_rows(config)],
                "dis": [dataclasses.asdict(row) for row in discriminator_rows(config)],
                "n_z": config.n_z, "image_size": config.image_size, "bn_eps": bn.eps, "bn_decay": bn.decay,
                "init_scale": config.init_scale, "alpha": config.alpha, "beta1": config.beta1,
                "weight_decay": config.weight_decay, "batchsize": config.batchsize}}

    def outputs(self, file):
        """What both networks compute in training mode without noise and dropout; weights and inputs go to a file."""
        config = dataclasses.replace(self.config, noise_sigma=0.0, dropout=0.0)
        arrays, results = {}, {}
        rng = np.random.default_rng(1)
        shapes = {"gen": (config.batchsize, config.n_z, 1, 1), "dis": (config.batchsize, 3, 256, 256)}
        for name, network in (("gen", Generator), ("dis", Discriminator)):
            model = network(config)
            arrays[f"{name}/input"] = rng.random(shapes[name], dtype=np.float32)
            for i, param in enumerate(in_order(model)):
                if param.name in ("W", "beta"):  # away from where they start, or the test would see little
                    param.array += rng.normal(0, 0.02, param.shape).astype(np.float32)
                arrays[f"{name}/{i}"] = param.array
            with chainer.no_backprop_mode(), chainer.using_config("train", True):
                results[name] = model(arrays[f"{name}/input"]).array
        np.savez(file, **arrays, **{f"{name}/output": array for name, array in results.items()})

    def shares(self, steps):
        """Seconds of a step by part; Python is what no part accounts for."""
        clock = Clock()
        dropping, stepping = [], []
        optimizer = type(self.gen_optimizer.actual_optimizer)
        with clock, timed(Draws, "kept", dropping), timed(optimizer, "update", stepping):
            total = sum(seconds(self.step) for _ in range(steps))
        parts = dict(clock.seconds)
        parts["dropout masks"] = sum(dropping)
        parts["optimizer"] = sum(stepping)
        parts["Python and the rest"] = total - sum(parts.values())
        return {name: value / steps for name, value in parts.items()} | {"step": total / steps}

    def flops(self):
        """Floating-point operations of the matrix products of a step, a multiplication and an addition counting 2.

        D sees two batches; both its passes and G's have a product forward, one for the input's gradient (which
        neither the real images nor z need) and one for the weights'.
        """
        gen = products(generator_rows(self.config), (self.config.n_z, 1, 1), self.config.batchsize)
        dis = products(discriminator_rows(self.config), (3, 256, 256), self.config.batchsize)
        return least_seconds(gen, dis, 0, 1, 1)["operations"]

    def sampling(self, number):
        """Seconds for so many images."""
        return seconds(lambda: collections.deque(sample(self.gen, range(number), self.config), maxlen=0))


def in_order(model):
    """A network's parameters, layer by layer as PyTorch lists them: weight, bias, then gamma and beta."""
    for i, name in enumerate(model.names):
        yield model[name].W
        yield model[name].b
        if model.rows[i].bn:
            bn = model[f"bn{i}"]
            if getattr(bn, "gamma", None) is not None:
                yield bn.gamma
            yield bn.beta


@contextlib.contextmanager
def timed(owner, name, times):
    """Note the seconds of each call of a method."""
    original = getattr(owner, name)

    def wrapper(*args, **kwargs):
        begin = time.perf_counter()
        result = original(*args, **kwargs)
        times.append(time.perf_counter() - begin)
        return result

    setattr(owner, name, wrapper)
    try:
        yield
    finally:
        setattr(owner, name, original)


def sgemm_rate():
    """Floating-point operations a second of NumPy's matrix product, the best of 5, on matrices of 2048 × 2048."""
    n = 2048
    a, b = (np.random.default_rng(seed).random((n, n), dtype=np.float32) for seed in (0, 1))
    out = np.empty_like(a)
    return 2 * n ** 3 / min(seconds(lambda: np.matmul(a, b, out=out)) for _ in range(5))


def main():
    """Serve."""
    state = {}

    def build(kind, batchsize):
        state["training"] = Training(kind, batchsize)
        return state["training"].built()

    serve({
        "build": build,
        "outputs": lambda file: state["training"].outputs(file),
        "step": lambda: seconds(state["training"].step),
        "shares": lambda steps: state["training"].shares(steps),
        "flops": lambda: state["training"].flops(),
        "sampling": lambda number: state["training"].sampling(number),
        "sgemm_rate": sgemm_rate,
        "memory": peak_memory,
        "version": lambda: f"Chainer {chainer.__version__}, NumPy {np.__version__}",
    })


if __name__ == "__main__":
    main()
