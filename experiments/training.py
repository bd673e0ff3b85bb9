"""The training of a run as `dcgan_mri.train` makes it, alone in its process, with its last samples kept as arrays."""

import dataclasses
import math
import pathlib
import platform
import time

import numpy as np
from mpi4py import MPI

from dcgan_mri.chainer_compat import chainer, chainermn
from dcgan_mri.distributed import machine
from dcgan_mri.distributed.batches import GlobalBatches
from dcgan_mri.distributed.failure import together
from dcgan_mri.distributed.interruption import Interruption
from dcgan_mri.errors import DivergedError
from dcgan_mri.extensions import on_every_rank
from dcgan_mri.extensions.snapshot import Snapshot
from dcgan_mri.extensions.triggers import EACH_EPOCH, EACH_ITERATION, StopAt, last_iteration
from dcgan_mri.kernels.graph import GraphUpdater
from dcgan_mri.networks import Discriminator, Generator
from dcgan_mri.optimizers import make_optimizer
from dcgan_mri.run import snapshots
from dcgan_mri.sampling import sample_stack
from dcgan_mri.slice_set import Slices
from dcgan_mri.train_options import parse
from dcgan_mri.updater import Updater
from experiments.plan import IMAGES

SNAPSHOTS = 5
# One unit in the last place of a float32 just above a power of two.
LAST_DIGIT = np.float32(1 + 2**-23)


class Samples(chainer.training.Extension):
    """Keeps the images of fixed z after chosen epochs; a snapshot holds them, so that a run that goes on has them all.

    Args:
        gen (dcgan_mri.networks.Generator): What images are made with, G or its average over time.
        config (dcgan_mri.config.Config): The settings.
        epochs (list of int): After which epochs, counted from 1.
    """

    trigger = EACH_EPOCH
    # Behind the check for finite losses.
    priority = chainer.training.PRIORITY_EDITOR - 10

    def __init__(self, gen, config, epochs):
        self.gen = gen
        self.config = config
        self.epochs = epochs
        self.pictures = np.zeros((len(epochs), IMAGES, config.image_size, config.image_size, 3), np.uint8)

    def __call__(self, trainer):
        """Make the images of the epoch that just ended, if it is one of those.

        Raises:
            DivergedError: If the generator is no longer finite, which its loss may not show.
        """
        epoch = math.ceil(trainer.updater.epoch_detail)
        if epoch in self.epochs:
            serializer = chainer.serializers.DictionarySerializer()
            serializer.save(self.gen)
            if not all(np.isfinite(array).all() for array in serializer.target.values()):
                raise DivergedError(f"the generator is no longer finite at iteration {trainer.updater.iteration}")
            self.pictures[self.epochs.index(epoch)] = sample_stack(self.gen, range(IMAGES), self.config)

    def serialize(self, serializer):
        """Save or load the images."""
        self.pictures = serializer("pictures", self.pictures)


@dataclasses.dataclass(frozen=True)
class Trained:
    """What a training leaves to be measured.

    Attributes:
        epochs (list of int): Epochs whose images were kept, the last ones at the end.
        pictures (numpy.ndarray): uint8 of shape (epochs, 100, H, W, 3).
        scores (list): Epoch, mean score of real and of generated images, each epoch.
        diverged (str): How it left the finite numbers, after which there is nothing to measure; None if it did not.
        iterations (int): Iterations made.
        seconds (float): Time taken.
        device (str): The processor.
    """

    epochs: list
    pictures: np.ndarray
    scores: list
    diverged: str | None
    iterations: int
    seconds: float
    device: str


def train(run, folder, gpu="auto", out=None, interruption=None):
    """Train a run to its end, or until a signal.

    Args:
        run (experiments.plan.Run): The run.
        folder (str or Path): Slice set.
        gpu (str): ``auto``, ``on`` or ``off``.
        out (str or Path): Folder for snapshots, in which a run that was cut goes on; None keeps none.
        interruption (Interruption): Notices signals; None for none.

    Returns:
        Trained: What came of it; None if a signal came first, with a snapshot in `out`.
    """
    start = time.monotonic()
    args = parse(["--gpu", gpu], prints=False)
    place = machine.choose(args, run.config, MPI.COMM_SELF, together(MPI.COMM_SELF, "experiments"))
    trainer, samples, log = _trainer(run, folder, place, out, interruption or Interruption(MPI.COMM_SELF))
    before = log.log[-1]["elapsed_time"] if log.log else 0.0
    diverged = None
    try:
        trainer.run(show_loop_exception_msg=False)
    except DivergedError as error:
        diverged = str(error).partition(";")[0]
    updater = trainer.updater
    if diverged is None and updater.iteration < last_iteration(trainer):
        trainer.get_extension("Snapshot")(trainer)
        return None
    scores = [[entry["epoch"], entry["dis/y_real"], entry["dis/y_fake"]] for entry in log.log]
    return Trained(samples.epochs, samples.pictures, scores, diverged, updater.iteration,
                   before + time.monotonic() - start, processor(place))


def _trainer(run, folder, place, out, interruption):
    """A trainer as `dcgan_mri.train` makes it, with the extensions that an experiment needs."""
    config, comm = run.config, place.comm
    slices = Slices(folder, config.image_size, n_subjects=config.n_subjects)
    batches = GlobalBatches(comm, slices, config.batchsize, config.seed, scatter=chainermn.scatter_dataset)
    gen = Generator(config, place.batch_normalization)
    dis = Discriminator(config, place.batch_normalization)
    if run.twin:
        nudge(gen)
        nudge(dis)
    gen.to_device(place.device)
    dis.to_device(place.device)
    gen_optimizer = make_optimizer(gen, config, comm)
    dis_optimizer = make_optimizer(dis, config, comm, config.weight_clip)

    parts = (batches, gen_optimizer, dis_optimizer, config)
    updater = GraphUpdater(*parts, print) if place.captures else Updater(*parts)
    stop = StopAt(config.epoch * batches.n_batches, interruption)
    trainer = chainer.training.Trainer(updater, stop, out=out or ".")
    for extension in on_every_rank(interruption.mpi_comm, interruption):
        trainer.extend(extension)
    samples = Samples(updater.sampled, config, run.kept_epochs)
    trainer.extend(samples)
    # Chainer takes `filename=None` for its default, and would write a file.
    log = chainer.training.extensions.LogReport(trigger=EACH_EPOCH, log_name=None)
    trainer.extend(log, trigger=EACH_ITERATION)
    if out is not None:
        trainer.extend(Snapshot(config, max(1, config.epoch // SNAPSHOTS), 1))
        if snapshots.newest_first(out):
            path, _, arrays, _ = snapshots.read_newest(out)
            snapshots.restore(path, arrays, trainer)
    for optimizer in (gen_optimizer, dis_optimizer):
        # Spares ChainerMN's first update its broadcast, in place of which no step would be made.
        comm.bcast_data(optimizer.target)
        optimizer.is_changed(optimizer.target)
    batches.deal()
    batches.decode_first_epoch()
    return trainer, samples, log


def nudge(network):
    """Change all initial weights in their last digit: what another processor's rounding does to a training, no more.

    Args:
        network (chainer.Chain): The network; weights that are 0 stay.
    """
    for param in network.params():
        param.array *= LAST_DIGIT


def processor(place):
    """What computes.

    Args:
        place (dcgan_mri.distributed.machine.Machine): The choice.

    Returns:
        str: Name of the GPU or of the CPU.
    """
    if place.device != "@numpy":
        return place.facts["device"].partition(", ")[2]
    try:
        lines = pathlib.Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = []
    fields = dict(reversed([tuple(map(str.strip, line.split(":", 1))) for line in lines if ":" in line]))
    if "model name" not in fields:
        return platform.processor() or platform.machine()
    return f"{fields['model name']} (family {fields.get('cpu family')}, model {fields.get('model')})"
