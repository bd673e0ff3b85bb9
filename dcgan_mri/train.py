"""Train the DCGAN of the paper's section II, on one process or on many.

    python -m dcgan_mri.train
    mpiexec -n 4 python -m dcgan_mri.train
"""

from dcgan_mri.distributed.threads import limit_blas_threads

BLAS_THREADS = limit_blas_threads()  # before anything loads NumPy

import dataclasses  # noqa: E402
import os  # noqa: E402
import pathlib  # noqa: E402
import socket  # noqa: E402
import sys  # noqa: E402

from mpi4py import MPI  # noqa: E402

from dcgan_mri import config as settings  # noqa: E402
from dcgan_mri import results, snapshots  # noqa: E402
from dcgan_mri.chainer_compat import chainer, chainermn  # noqa: E402
from dcgan_mri.commandline import Parser, add_settings, given_settings  # noqa: E402
from dcgan_mri.dataset import Slices  # noqa: E402
from dcgan_mri.distributed import communicator, device  # noqa: E402
from dcgan_mri.distributed.batch_normalization import GlobalBatchNormalization  # noqa: E402
from dcgan_mri.distributed.batches import GlobalBatches, batches_per_epoch, share_of_batch  # noqa: E402
from dcgan_mri.distributed.failure import abort_job_on_error, together  # noqa: E402
from dcgan_mri.distributed.interruption import STATUS as INTERRUPTED  # noqa: E402
from dcgan_mri.distributed.interruption import Interruption  # noqa: E402
from dcgan_mri.distributed.watchdog import Watchdog  # noqa: E402
from dcgan_mri.errors import DivergedError, UsageError  # noqa: E402
from dcgan_mri.extensions.finite import StopUnlessFinite  # noqa: E402
from dcgan_mri.extensions.global_mean import GlobalMean  # noqa: E402
from dcgan_mri.extensions.log import Log  # noqa: E402
from dcgan_mri.extensions.loss_plot import LossPlot  # noqa: E402
from dcgan_mri.extensions.progress import ProgressLines, WithoutEscapes  # noqa: E402
from dcgan_mri.extensions.sample_grid import SampleGrid  # noqa: E402
from dcgan_mri.extensions.snapshot import GeneratorFile, Snapshot  # noqa: E402
from dcgan_mri.networks import Discriminator, Generator  # noqa: E402
from dcgan_mri.updater import Updater  # noqa: E402

PROGRAM = "dcgan_mri.train"
# A resumed run must have the networks and the data of the one that it goes on from; only these may change.
MAY_CHANGE = ("epoch", "alpha", "beta1", "weight_decay", "dropout_when_sampling")


def main(argv=None):
    """Train.

    Args:
        argv (list of str): Command line without the program; None takes the process's own.
    """
    ranks = MPI.COMM_WORLD
    abort_job_on_error(PROGRAM)

    # What to do, on which device, with which ranks
    with together(ranks, PROGRAM):
        args = parse(argv, speaks=ranks.rank == 0)
        my_device = device.choose(args.gpu, ranks.Split_type(MPI.COMM_TYPE_SHARED).rank)
    devices = ranks.allgather((socket.gethostname(), my_device.identity))
    with together(ranks, PROGRAM):
        n_gpus = count_gpus(devices)
        comm_name, comm_reason = communicator.choose(
            args.communicator, ranks.size, n_gpus, args.allreduce_dtype)
        snapshot = None if args.resume is None else open_snapshot(args)
        config = choose_config(args, snapshot)
        share_of_batch(config.batchsize, ranks.size)
        slices = Slices(args.dataset, config.image_size)
        batches_per_epoch(len(slices), config.batchsize)
    chainer.get_device(my_device.spec).use()
    comm = communicator.create(comm_name, ranks, args.allreduce_dtype)

    # The networks, the optimizers, the data
    def batch_normalization(size, use_gamma):
        return GlobalBatchNormalization(size, comm, use_gamma)

    gen = Generator(config, batch_normalization)
    dis = Discriminator(config, batch_normalization)
    gen_optimizer = make_optimizer(gen, my_device.spec, config, comm)
    dis_optimizer = make_optimizer(dis, my_device.spec, config, comm)
    batches = GlobalBatches(comm, slices, config.batchsize, config.seed)

    # The training loop and what happens around it
    last_iteration = min(config.epoch * batches.n_batches, args.max_iterations or sys.maxsize)
    updater = Updater(batches, gen_optimizer, dis_optimizer, config)
    interruption = Interruption(ranks)
    trainer = chainer.training.Trainer(updater, StopAt(last_iteration, interruption), out=args.out)
    trainer.extend(interruption)
    trainer.extend(GlobalMean(ranks))
    trainer.extend(StopUnlessFinite())
    if ranks.rank == 0:
        extend_first_rank(trainer, gen, config, args, last_iteration, slices)

    # Where to begin: the same weights everywhere, which also spares ChainerMN's first update its broadcast
    if snapshot is not None:
        path, _, arrays = snapshot
        with together(ranks, PROGRAM):
            snapshots.restore(path, arrays, trainer)
        snapshot = arrays = None  # 426 MB
    for optimizer in (gen_optimizer, dis_optimizer):
        comm.bcast_data(optimizer.target)
        optimizer.is_changed(optimizer.target)
    batches.deal()
    with together(ranks, PROGRAM):
        batches.decode_first_epoch()
        claim = open_result_folder(args) if ranks.rank == 0 else None

    if ranks.rank == 0:
        results.write_text(pathlib.Path(args.out) / "config.yaml", config.to_yaml())
        results.record_start(args.out, {
            "ranks": ranks.size, "hosts": sorted({host for host, _ in devices}), "device": my_device.description,
            "communicator": comm_name, "blas_threads_per_rank": BLAS_THREADS, "dataset": str(args.dataset),
            "slices": len(slices), "from_iteration": updater.iteration})
        print(
            f"{len(slices)} slices from {args.dataset}, {batches.n_batches} batches of {config.batchsize} an epoch, "
            f"{config.epoch} epochs, iteration {updater.iteration} of {last_iteration} done\n"
            f"ranks: {ranks.size}, communicator: {comm_name} ({comm_reason})\n"
            f"device: {my_device.description}; BLAS threads for each rank: {BLAS_THREADS}\n"
            f"results go to {args.out}", flush=True)
    run(trainer, interruption, args)
    if updater.iteration < last_iteration:
        if ranks.rank == 0:
            snapshots.save(pathlib.Path(args.out), trainer, config)
            print(f"Interrupted at iteration {updater.iteration} of {last_iteration}; a snapshot is in {args.out}.\n"
                  f"Go on:           {resume_command(args)}", flush=True)
        raise SystemExit(INTERRUPTED)
    if ranks.rank == 0:
        print(summary(args, updater), flush=True)
        claim.close()


def parse(argv, speaks):
    """Read the command line.

    Args:
        argv (list of str): Without the program; None takes the process's own.
        speaks (bool): Whether this rank prints the help.

    Returns:
        argparse.Namespace: Options; settings of `Config` only where given.

    Raises:
        UsageError: If it is wrong.
    """
    parser = Parser(
        speaks, prog="python -m dcgan_mri.train",
        description="Train a DCGAN on a set of brain slices, as in the paper; alone or under mpiexec.",
        epilog="examples:\n"
               "  mpiexec -n 4 python -m dcgan_mri.train                 the paper's training on four ranks\n"
               "  python -m dcgan_mri.train -o result -r                 go on where that run stopped\n"
               "  python -m dcgan_mri.train -e 2 --max-iterations 20     a look at whether it works\n"
               "Settings come from the preset, then from --config, then from the options below; with -r they come\n"
               "from the snapshot in place of the preset.\n\n"
               "exit status: 0 finished, 1 data or machine, 2 usage, 75 interrupted by a signal with a snapshot to go\n"
               "on from (SIGTERM, SIGUSR1 or Ctrl-C on any rank; Ctrl-C twice stops at once).")
    files = parser.add_argument_group("what to train on, where to put the results")
    files.add_argument("-i", "--dataset", default="data/slices", metavar="DIR",
                       help="slice set made by `python -m preprocess build` (default %(default)s)")
    files.add_argument("-o", "--out", default="result", metavar="DIR", help="result folder (default %(default)s)")
    files.add_argument("-r", "--resume", nargs="?", const="auto", metavar="FILE",
                       help="go on from the newest snapshot in the result folder, or from FILE")
    files.add_argument("--snapshot-interval", type=int, default=1, metavar="N",
                       help="epochs between snapshots (default %(default)s)")
    files.add_argument("--keep-snapshots", type=int, default=2, metavar="N",
                       help="newest snapshots to keep, 426 MB each (default %(default)s)")
    files.add_argument("--max-iterations", type=int, metavar="N", help="stop after N iterations (default: all epochs)")
    looks = parser.add_argument_group("looking at it")
    looks.add_argument("--measures", choices=("auto", "on", "off"), default="auto",
                       help="measure the sample grid after every epoch and keep generator_best.npz; auto leaves epochs "
                            "out where this would take more than 5 %% of the time (default %(default)s)")
    looks.add_argument("--page", choices=("on", "off"), default="on",
                       help="write the review page, index.html, after every epoch, or where epochs are short after so "
                            "many (default %(default)s)")
    which = parser.add_argument_group("which settings")
    which.add_argument("--preset", choices=settings.PRESETS, default="paper",
                       help="what the paper prints, or what its released code does (default %(default)s)")
    which.add_argument("--config", metavar="FILE", help="YAML file with settings, such as a run's config.yaml")
    numbers = parser.add_argument_group("settings of the training")
    add_settings(numbers, {"epoch": ("-e",), "batchsize": ("-b",), "alpha": (), "beta1": (), "weight_decay": (),
                           "loss": (), "update": (), "seed": ()})
    nets = parser.add_argument_group("settings of the networks")
    add_settings(nets, {"n_z": ("-n",), "dropout": (), "noise_sigma": (), "pixel_range": (), "image_size": (),
                        "width": ()})
    machine = parser.add_argument_group("the machine")
    machine.add_argument("-g", "--gpu", choices=("auto", "on", "off"), default="auto",
                         help="use CUDA if there is a GPU, insist on it, or do without (default %(default)s)")
    machine.add_argument("--communicator", choices=communicator.NAMES, default="auto",
                         help="auto takes naive without a GPU, pure_nccl if every rank has its own, and host "
                              "if ranks share one (default %(default)s)")
    machine.add_argument("--allreduce-dtype", choices=("float16", "float32"), default="float32",
                         help="what gradients travel as with pure_nccl (default %(default)s)")
    machine.add_argument("--timeout", type=float, default=600.0, metavar="S",
                         help="seconds without an iteration after which a job of several ranks ends itself and names "
                              "the rank that hangs; 0 waits for ever (default %(default)g)")
    machine.add_argument("--progress", choices=("auto", "bar", "lines"), default="auto",
                         help="Chainer's progress bar, or a line a minute for logs (default: bar on a terminal)")
    args = parser.parse_args(argv)
    for name in ("snapshot_interval", "max_iterations", "keep_snapshots"):
        value = getattr(args, name)
        if value is not None and value < 1:
            raise UsageError(f"--{name.replace('_', '-')} {value}: must be at least 1")
    if not 0 <= args.timeout < float("inf"):
        raise UsageError(f"--timeout {args.timeout:g}: must be a number of seconds, or 0")
    return args


def count_gpus(devices):
    """Number of different GPUs among the ranks.

    Args:
        devices (list of tuple): Host and GPU identity for each rank; the identity is empty on CPU.

    Returns:
        int: 0 if all ranks compute on CPU.

    Raises:
        UsageError: If some have a GPU and others have none.
    """
    without = [rank for rank, (_, identity) in enumerate(devices) if not identity]
    if without and len(without) < len(devices):
        raise UsageError(
            f"rank {without[0]} on {devices[without[0]][0]} finds no GPU while others do; "
            f"use --gpu off, or start ranks only where there is one")
    return len({pair for pair in devices if pair[1]})


def open_snapshot(args):
    """Read the snapshot to go on from: path, settings, arrays."""
    if args.resume == "auto":
        path, config, arrays, passed_over = snapshots.read_newest(args.out)
        if MPI.COMM_WORLD.rank == 0:
            for message in passed_over:
                print(f"passed over {message}", flush=True)
        return path, config, arrays
    return args.resume, *snapshots.read(args.resume)


def open_result_folder(args):
    """Make the folder of a new run, or enter that of the run that goes on, and keep others out."""
    if args.resume is None or not snapshots.newest_first(args.out):
        results.open_new(args.out)
    return results.claim(args.out)


def run(trainer, interruption, args):
    """The training loop, with signals heeded and a watch on ranks that hang."""
    ranks = interruption.mpi_comm
    watched = ranks.size > 1 and args.timeout > 0
    watchdog = Watchdog(ranks, args.out, args.timeout, lambda: trainer.updater.iteration) if watched else None
    interruption.listen()
    if watched:
        watchdog.start()
    try:
        trainer.run(show_loop_exception_msg=False)
    except DivergedError as error:
        if ranks.rank == 0:
            print(f"{PROGRAM}: error: {error}", file=sys.stderr, flush=True)
        raise SystemExit(error.status) from None
    finally:
        if watched:
            watchdog.stop()


def choose_config(args, snapshot):
    """The settings: the preset's or the snapshot's, then the file's, then the options'."""
    if snapshot is None:
        return settings.build(args.preset, args.config, **given_settings(args))
    path, before, _ = snapshot
    base = dataclasses.asdict(before)
    asked = {**base, **(settings.read_yaml(args.config) if args.config else {}), **given_settings(args)}
    config = settings.from_dict(asked)
    changed = [name for name, value in dataclasses.asdict(config).items() if value != base[name]]
    for name in changed:
        difference = f"{name} is {base[name]} in {path}, {getattr(config, name)} was asked for"
        if name not in MAY_CHANGE:
            raise UsageError(f"{difference}; a run goes on with the {name} that it began with")
        if MPI.COMM_WORLD.rank == 0:
            print(f"changed: {difference}", flush=True)
    return config


def make_optimizer(model, device_spec, config, comm):
    """Adam with weight decay (the paper's II-C), its gradients averaged over the ranks."""
    model.to_device(device_spec)
    adam = chainer.optimizers.Adam(alpha=config.alpha, beta1=config.beta1)
    optimizer = chainermn.create_multi_node_optimizer(adam, comm)
    optimizer.setup(model)
    optimizer.add_hook(chainer.optimizer_hooks.WeightDecay(config.weight_decay))
    return optimizer


class StopAt:
    """Trigger that ends the training at an iteration; stateless, so that a resumed run ends where it should.

    Args:
        iteration (int): The last one.
        interruption (dcgan_mri.distributed.interruption.Interruption): Ends it before.
    """

    def __init__(self, iteration, interruption):
        self.iteration = iteration
        self.interruption = interruption

    def __call__(self, trainer):
        return trainer.updater.iteration >= self.iteration or self.interruption.agreed

    def get_training_length(self):
        """Length of the training for Chainer's progress bar."""
        return self.iteration, "iteration"


def extend_first_rank(trainer, gen, config, args, last_iteration, slices):
    """What rank 0 does besides: log, curves, grids, measures, snapshots, progress."""
    extensions = chainer.training.extensions

    def every(epochs):
        def trigger(trainer):
            updater = trainer.updater
            return updater.iteration == last_iteration or updater.is_new_epoch and updater.epoch % epochs == 0
        return trigger

    on_terminal = args.progress == "bar" or args.progress == "auto" and is_on_terminal()
    log_report = Log(every(1))
    trainer.extend(log_report)
    trainer.extend(
        extensions.PrintReport(
            ["epoch", "iteration", "gen/loss", "dis/loss", "dis/y_real", "dis/y_fake", "elapsed_time"],
            out=sys.stdout if on_terminal else WithoutEscapes(sys.stdout)), trigger=every(1))
    trainer.extend(LossPlot(log_report), trigger=every(1))
    # Behind the check for finite losses; before the measures, which look at the grid.
    trainer.extend(SampleGrid(gen, config), trigger=every(1), priority=chainer.training.PRIORITY_EDITOR - 10)
    trainer.extend(GeneratorFile(gen, config), trigger=every(1))
    trainer.extend(Snapshot(config, args.keep_snapshots), trigger=every(args.snapshot_interval))
    if args.measures != "off":
        # Imported here since scikit-image takes a second, which the other ranks need not spend.
        from dcgan_mri.extensions.best_generator import BestGenerator
        from dcgan_mri.extensions.measures import Measures

        trainer.extend(Measures(slices, args.measures == "on"), trigger=every(1))
        trainer.extend(BestGenerator(gen, config), trigger=every(1))
    if args.page == "on":
        from dcgan_mri.extensions.review_page import ReviewPage

        trainer.extend(ReviewPage(slices, last_iteration), trigger=every(1))
    if on_terminal:
        trainer.extend(extensions.ProgressBar(update_interval=1))
    else:
        trainer.extend(ProgressLines(last_iteration))


def is_on_terminal():
    """Whether a person watches: under mpiexec stdout is a pipe, but a job from a terminal can still open it."""
    if sys.stdout.isatty():
        return True
    if MPI.COMM_WORLD.size == 1:
        return False
    try:
        os.close(os.open("/dev/tty", os.O_WRONLY))
    except OSError:
        return False
    return True


def resume_command(args):
    """How to go on with this run."""
    launcher = f"mpiexec -n {MPI.COMM_WORLD.size} " if MPI.COMM_WORLD.size > 1 else ""
    return f"{launcher}python -m dcgan_mri.train -i {args.dataset} -o {args.out} -r"


def summary(args, updater):
    """What to look at now."""
    out = args.out
    page = f"  review page    {out}/index.html\n" if args.page == "on" else ""
    return (
        f"Done: {updater.iteration} iterations, {updater.epoch_detail:g} epochs.\n{page}"
        f"  sample grids   {out}/preview/epoch_*.png\n"
        f"  curves         {out}/loss.png\n"
        f"  log            {out}/log\n"
        f"  generator      {out}/generator.npz\n"
        f"More images:     python -m dcgan_mri.generate {out}/generator.npz -o samples\n"
        f"More epochs:     {resume_command(args)} -e {updater.epoch * 2 or 1}")


if __name__ == "__main__":
    main()
