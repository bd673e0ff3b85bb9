"""Train the DCGAN of the paper's section II, on one process or on many.

    python -m dcgan_mri.train
    mpiexec -n 4 python -m dcgan_mri.train
"""

from dcgan_mri.distributed.threads import limit_blas_threads

THREADS = limit_blas_threads()  # before anything loads NumPy

import pathlib
import shlex
import socket
import sys

from mpi4py import MPI

from dcgan_mri.kernels import graph
from dcgan_mri.run import result_folder, snapshots
from dcgan_mri.chainer_compat import chainer, chainermn
from dcgan_mri.slice_set import Slices
from dcgan_mri.distributed import communicator, device
from dcgan_mri.distributed.batch_normalization import GlobalBatchNormalization
from dcgan_mri.distributed.batches import GlobalBatches, batches_per_epoch, share_of_batch
from dcgan_mri.distributed.failure import abort_job_on_error, together
from dcgan_mri.distributed.interruption import STATUS as INTERRUPTED
from dcgan_mri.distributed.interruption import Interruption
from dcgan_mri.distributed.watchdog import Watchdog
from dcgan_mri.errors import DivergedError, UsageError
from dcgan_mri.extensions.finite import StopUnlessFinite
from dcgan_mri.extensions.global_mean import GlobalMean
from dcgan_mri.extensions.log import Log
from dcgan_mri.extensions.loss_plot import LossPlot
from dcgan_mri.extensions.progress import ProgressLines, WithoutEscapes, is_on_terminal
from dcgan_mri.extensions.sample_grid import SampleGrid
from dcgan_mri.extensions.snapshot import GeneratorFile, Snapshot
from dcgan_mri.kernels import backends, convolution_cuda
from dcgan_mri.networks import Discriminator, Generator
from dcgan_mri.optimizers import OPTIMIZERS, WeightClip
from dcgan_mri.run.resume import choose_config, choose_dataset, find_snapshot, open_result_folder
from dcgan_mri.train_options import parse
from dcgan_mri.extensions.triggers import EpochsAndEnd, StopAt, each_iteration
from dcgan_mri.updater import Updater

PROGRAM = "dcgan_mri.train"


def main(argv=None):
    """Train.

    Args:
        argv (list of str): Command line without the program; None takes the process's own.
    """
    ranks = MPI.COMM_WORLD
    abort_job_on_error(PROGRAM)

    # What to do, on which device, with which ranks
    local_rank = ranks.Split_type(MPI.COMM_TYPE_SHARED).rank
    with together(ranks, PROGRAM):
        args = parse(argv, speaks=ranks.rank == 0)
        my_device = device.choose(args.gpu, local_rank)
        args.dataset = choose_dataset(args)
        snapshot = find_snapshot(args) if ranks.rank == 0 else None
    interruption = Interruption(ranks)
    interruption.listen()
    path = ranks.bcast(snapshot and snapshot[0])
    devices = ranks.allgather((socket.gethostname(), my_device.identity))
    with together(ranks, PROGRAM):
        comm_name, comm_reason = communicator.choose(
            args.communicator, ranks.size, device.count_gpus(devices), args.allreduce_dtype,
            communicator.nccl_is_there())
        if path is not None and snapshot is None:
            snapshot = (path, *snapshots.read(path))
        config = choose_config(args, snapshot)
        share_of_batch(config.batchsize, ranks.size)
        slices = Slices(args.dataset, config.image_size, n_subjects=config.n_subjects)
        batches_per_epoch(len(slices), config.batchsize)
    chainer.get_device(my_device.spec).use()
    on_gpu = my_device.spec != "@numpy"
    with together(ranks, PROGRAM):
        kernels = choose_kernels(args, on_gpu)
        captures, graph_reason = graph.choose(args.graph, config, on_gpu, ranks.size)
    comm = communicator.create(comm_name, ranks, args.allreduce_dtype)

    # The networks, the optimizers, the data
    def batch_normalization(size, use_gamma):
        return GlobalBatchNormalization(size, comm, use_gamma)

    gen = Generator(config, batch_normalization)
    dis = Discriminator(config, batch_normalization)
    gen_optimizer = make_optimizer(gen, my_device.spec, config, comm)
    dis_optimizer = make_optimizer(dis, my_device.spec, config, comm)
    if config.weight_clip:
        dis_optimizer.add_hook(WeightClip(config.weight_clip))
    batches = GlobalBatches(comm, slices, config.batchsize, config.seed)

    # The training loop and what happens around it
    last_iteration = min(config.epoch * batches.n_batches, args.max_iterations or sys.maxsize)
    parts = (batches, gen_optimizer, dis_optimizer, config)
    updater = graph.GraphUpdater(*parts, say) if captures else Updater(*parts)
    trainer = chainer.training.Trainer(updater, StopAt(last_iteration, interruption), out=args.out)
    for extension in (interruption, GlobalMean(ranks), StopUnlessFinite()):
        trainer.extend(extension, trigger=each_iteration)
    if ranks.rank == 0:
        extend_first_rank(trainer, gen, config, args, last_iteration, slices)

    # Where to begin: the same weights everywhere, which also spares ChainerMN's first update its broadcast
    if snapshot is not None:
        with together(ranks, PROGRAM):
            snapshots.restore(path, snapshot[2], trainer)
        snapshot = None  # 426 MB
    for optimizer in (gen_optimizer, dis_optimizer):
        comm.bcast_data(optimizer.target)
        optimizer.is_changed(optimizer.target)
    batches.deal()
    with together(ranks, PROGRAM):
        batches.decode_first_epoch()
        claim = open_result_folder(args) if ranks.rank == 0 else None

    if ranks.rank == 0:
        result_folder.write_text(pathlib.Path(args.out) / "config.yaml", config.to_yaml())
        result_folder.record_start(args.out, {
            "ranks": ranks.size, "hosts": sorted({host for host, _ in devices}), "device": my_device.description,
            "communicator": comm_name, "kernels": kernels, "graph": graph_reason, "threads_per_rank": THREADS,
            "dataset": str(args.dataset), "slices": len(slices), "from_iteration": updater.iteration})
        graph_line = f"CUDA graph: {graph_reason}\n" if on_gpu else ""
        print(
            f"{len(slices)} slices from {args.dataset}, {batches.n_batches} batches of {config.batchsize} an epoch, "
            f"{config.epoch} epochs, iteration {updater.iteration} of {last_iteration} done\n"
            f"ranks: {ranks.size}, communicator: {comm_name} ({comm_reason})\n"
            f"device: {my_device.description}; kernels: {kernels}; threads for each rank: {THREADS}\n"
            f"{graph_line}results go to {args.out}", flush=True)
    run(trainer, interruption, args)
    if updater.iteration < last_iteration:
        if ranks.rank == 0:
            trainer.get_extension("Snapshot")(trainer)
            print(f"Interrupted at iteration {updater.iteration} of {last_iteration}; a snapshot is in {args.out}.\n"
                  f"Go on:           {resume_command(args)}", flush=True)
        ranks.Barrier()  # a launcher may kill all as soon as one has left
        raise SystemExit(INTERRUPTED)
    if ranks.rank == 0:
        print(summary(args, updater), flush=True)
        claim.close()


def run(trainer, interruption, args):
    """The training loop, with signals heeded and a watch on ranks that hang."""
    ranks = interruption.mpi_comm
    watched = ranks.size > 1 and args.timeout > 0
    watchdog = Watchdog(ranks, args.out, args.timeout, lambda: trainer.updater.iteration) if watched else None
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


def say(line):
    """Print a line at once."""
    print(line, flush=True)


def choose_kernels(args, on_gpu):
    """Choose what computes and in which precision; the text for the log."""
    convolution_cuda.use_precision(args.precision)
    kernels = backends.use(args.kernels, on_gpu)
    if args.precision in ("bf16", "fp16") and not backends.has_cudnn():
        raise UsageError(f"--precision {args.precision} is for convolutions by cuDNN on a GPU; this run is on "
                         f"{'a GPU' if on_gpu else 'a CPU'} with kernels {kernels}; leave it out")
    return kernels


def make_optimizer(model, device_spec, config, comm):
    """An optimizer (the paper's II-C: Adam) with weight decay, its gradients averaged over the ranks."""
    model.to_device(device_spec)
    optimizer = chainermn.create_multi_node_optimizer(OPTIMIZERS[config.optimizer](config), comm)
    optimizer.setup(model)
    if config.optimizer != "adam":
        optimizer.add_hook(chainer.optimizer_hooks.WeightDecay(config.weight_decay))
    for param in model.params():
        # Chainer would wait for the first step, and a snapshot may come before it: G's is in iteration `critic_steps`.
        param.update_rule._init_states(param)
    return optimizer


def extend_first_rank(trainer, gen, config, args, last_iteration, slices):
    """What rank 0 does besides: log, curves, grids, measures, snapshots, progress."""
    extensions = chainer.training.extensions

    each_epoch = EpochsAndEnd(1, last_iteration)
    on_terminal = args.progress == "bar" or args.progress == "auto" and is_on_terminal()
    log_report = Log(each_epoch)
    trainer.extend(log_report, trigger=each_iteration)
    trainer.extend(
        extensions.PrintReport(
            ["epoch", "iteration", "gen/loss", "dis/loss", "dis/y_real", "dis/y_fake", "elapsed_time"],
            out=sys.stdout if on_terminal else WithoutEscapes(sys.stdout)), trigger=each_epoch)
    trainer.extend(LossPlot(log_report), trigger=each_epoch)
    # Behind the check for finite losses; before the measures, which look at the grid.
    trainer.extend(SampleGrid(gen, config, args.grid == "bare", args.grey), trigger=each_epoch,
                   priority=chainer.training.PRIORITY_EDITOR - 10)
    trainer.extend(GeneratorFile(gen, config), trigger=each_epoch)
    trainer.extend(Snapshot(config, args.keep_snapshots), trigger=EpochsAndEnd(args.snapshot_interval, last_iteration))
    if args.measures != "off":
        # Imported here since scikit-image takes a second, which the other ranks need not spend.
        from dcgan_mri.extensions.best_generator import BestGenerator
        from dcgan_mri.extensions.measures import Measures

        trainer.extend(Measures(slices, args.measures == "on"), trigger=each_epoch)
        trainer.extend(BestGenerator(gen, config), trigger=each_epoch)
    if args.page == "on":
        from dcgan_mri.extensions.review_page import ReviewPage

        trainer.extend(ReviewPage(slices, last_iteration), trigger=each_epoch)
    if on_terminal:
        trainer.extend(extensions.ProgressBar(update_interval=1), trigger=each_iteration)
    else:
        trainer.extend(ProgressLines(last_iteration), trigger=each_iteration)


def resume_command(args):
    """How to go on with this run."""
    launcher = f"mpiexec -n {MPI.COMM_WORLD.size} " if MPI.COMM_WORLD.size > 1 else ""
    return f"{launcher}python -m dcgan_mri.train -i {shlex.quote(args.dataset)} -o {shlex.quote(args.out)} -r"


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
