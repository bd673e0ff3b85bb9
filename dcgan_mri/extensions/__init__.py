"""Trainer extensions, one a file, each with its own trigger and priority; here they stand in the order they run in."""

from dcgan_mri.extensions.finite import StopUnlessFinite
from dcgan_mri.extensions.global_mean import GlobalMean
from dcgan_mri.extensions.log import Log
from dcgan_mri.extensions.loss_plot import LossPlot
from dcgan_mri.extensions.progress import progress
from dcgan_mri.extensions.sample_grid import SampleGrid
from dcgan_mri.extensions.snapshot import GeneratorFile, Snapshot


def on_every_rank(ranks, interruption):
    """What every rank does after an iteration; each is a collective or a decision that all take alike.

    Args:
        ranks (mpi4py.MPI.Comm): The ranks.
        interruption (dcgan_mri.distributed.interruption.Interruption): Listens for signals.

    Returns:
        list of chainer.training.Extension: In order.
    """
    return [interruption, GlobalMean(ranks), StopUnlessFinite()]


def on_first_rank(gen, config, slices, args):
    """What rank 0 does besides: grids, measures, log, curves, progress, weights, page.

    Args:
        gen (dcgan_mri.networks.Generator): The generator.
        config (dcgan_mri.config.Config): The settings.
        slices (dcgan_mri.slice_set.Slices): The training slices.
        args (argparse.Namespace): The options of `dcgan_mri.train`.

    Returns:
        list of chainer.training.Extension: In order.
    """
    # Imported here since scikit-image takes a second, which the other ranks need not spend.
    from dcgan_mri.extensions.best_generator import BestGenerator
    from dcgan_mri.extensions.measures import Measures
    from dcgan_mri.extensions.review_page import ReviewPage

    measures = [Measures(slices, args.measures == "on"), BestGenerator(gen, config)]
    return [
        SampleGrid(gen, config, args.grid == "bare", args.grey),
        *(measures if args.measures != "off" else []),
        Log(),
        *progress(args.progress),
        LossPlot(),
        GeneratorFile(gen, config),
        Snapshot(config, args.snapshot_interval, args.keep_snapshots),
        *([ReviewPage(slices)] if args.page == "on" else []),
    ]
