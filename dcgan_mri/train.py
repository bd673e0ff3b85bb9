"""Train the DCGAN of the paper's section II, on one process or on many.

    python -m dcgan_mri.train
    mpiexec -n 4 python -m dcgan_mri.train
"""

from dcgan_mri.distributed.threads import limit_blas_threads

THREADS = limit_blas_threads()  # before anything loads NumPy

import shlex
import sys

from mpi4py import MPI

from dcgan_mri import extensions
from dcgan_mri.chainer_compat import chainer, chainermn
from dcgan_mri.commandline import say
from dcgan_mri.distributed import machine
from dcgan_mri.distributed.batches import GlobalBatches
from dcgan_mri.distributed.failure import abort_job_on_error, together
from dcgan_mri.distributed.interruption import Interruption
from dcgan_mri.distributed.watchdog import Watchdog
from dcgan_mri.errors import INTERRUPTED, DivergedError
from dcgan_mri.extensions.triggers import StopAt, last_iteration
from dcgan_mri.kernels.graph import GraphUpdater
from dcgan_mri.networks import Discriminator, Generator
from dcgan_mri.optimizers import make_optimizer
from dcgan_mri.run import result_folder, resume, sample_grids
from dcgan_mri.slice_set import Slices
from dcgan_mri.train_options import parse
from dcgan_mri.updater import Updater

PROGRAM = "dcgan_mri.train"


def main(argv=None):
    """Train.

    Args:
        argv (list of str): Command line without the program; None takes the process's own.
    """
    ranks = MPI.COMM_WORLD
    first = ranks.rank == 0
    abort_job_on_error(PROGRAM)
    with together(ranks, PROGRAM) as ready:
        # The settings, which are the snapshot's if a run goes on; the communicator
        args = parse(argv, speaks=first)
        args.dataset = resume.choose_dataset(args)
        interruption = Interruption(ranks)
        interruption.listen()
        snapshot = resume.find_snapshot(args, ranks, ready)
        config = resume.choose_config(args, snapshot, first)
        place = machine.choose(args, config, ranks, ready)
        comm = place.comm

        # The data: an epoch's order is dealt to the ranks when it begins
        slices = Slices(args.dataset, config.image_size, n_subjects=config.n_subjects)
        batches = GlobalBatches(comm, slices, config.batchsize, config.seed, scatter=chainermn.scatter_dataset)

        # The networks and their optimizers
        gen = Generator(config, place.batch_normalization)
        dis = Discriminator(config, place.batch_normalization)
        gen.to_device(place.device)
        dis.to_device(place.device)
        gen_optimizer = make_optimizer(gen, config, comm)
        dis_optimizer = make_optimizer(dis, config, comm, config.weight_clip)

        # The training loop and what happens around it
        parts = (batches, gen_optimizer, dis_optimizer, config)
        updater = GraphUpdater(*parts, say) if place.captures else Updater(*parts)
        last = min(config.epoch * batches.n_batches, args.max_iterations or sys.maxsize)
        trainer = chainer.training.Trainer(updater, StopAt(last, interruption), out=args.out)
        for extension in extensions.on_every_rank(ranks, interruption):
            trainer.extend(extension)
        for extension in extensions.on_first_rank(gen, config, slices, args) if first else []:
            trainer.extend(extension)

        # Where to begin: the same weights everywhere, which also spares ChainerMN's first update its broadcast
        if snapshot is not None:
            resume.restore(snapshot, trainer, slices)
            del snapshot  # 426 MB
        ready.agree()
        for optimizer in (gen_optimizer, dis_optimizer):
            comm.bcast_data(optimizer.target)
            optimizer.is_changed(optimizer.target)
        batches.deal()
        batches.decode_first_epoch()
        ready.agree()
        facts = {**place.facts, "threads_per_rank": THREADS, "dataset": str(args.dataset), "slices": len(slices),
                 "from_iteration": updater.iteration}
        claim = resume.open_result_folder(args, config, facts) if first else None

    if first:
        say(beginning(args, config, place, batches, last))
    run(trainer, interruption, args)
    if first:
        say(summary(args, updater))
        claim.close()


def run(trainer, interruption, args):
    """The training loop, with signals heeded and a watch on ranks that hang.

    Args:
        trainer (chainer.training.Trainer): The training.
        interruption (Interruption): Ends it before its time.
        args (argparse.Namespace): The options.

    Raises:
        SystemExit: If it has diverged, or was interrupted; then there is a snapshot.
    """
    ranks, updater = interruption.mpi_comm, trainer.updater
    watched = ranks.size > 1 and args.timeout > 0
    watchdog = Watchdog(ranks, args.out, args.timeout, lambda: updater.iteration) if watched else None
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
    last = last_iteration(trainer)
    if updater.iteration < last:
        if ranks.rank == 0:
            trainer.get_extension("Snapshot")(trainer)
            say(f"Interrupted at iteration {updater.iteration} of {last}; a snapshot is in {args.out}.\n"
                f"Go on:           {resume_command(args)}")
        ranks.Barrier()  # a launcher may kill all as soon as one has left
        raise SystemExit(INTERRUPTED)


def beginning(args, config, place, batches, last):
    """What is trained on what, for the log."""
    facts = place.facts
    graph = "" if place.device == "@numpy" else f"CUDA graph: {facts['graph']}\n"
    return (
        f"{len(batches.slices)} slices from {args.dataset}, {batches.n_batches} batches of {config.batchsize} an "
        f"epoch, {config.epoch} epochs, iteration {batches.iteration} of {last} done\n"
        f"ranks: {facts['ranks']}, communicator: {place.communicator}\n"
        f"device: {facts['device']}; kernels: {facts['kernels']}; threads for each rank: {THREADS}\n"
        f"{graph}results go to {args.out}")


def resume_command(args):
    """How to go on with this run."""
    launcher = f"mpiexec -n {MPI.COMM_WORLD.size} " if MPI.COMM_WORLD.size > 1 else ""
    return f"{launcher}python -m dcgan_mri.train -i {shlex.quote(args.dataset)} -o {shlex.quote(args.out)} -r"


def summary(args, updater):
    """What to look at now."""
    out = args.out
    page = f"  review page    {out}/{result_folder.PAGE}\n" if args.page == "on" else ""
    return (
        f"Done: {updater.iteration} iterations, {updater.epoch_detail:g} epochs.\n{page}"
        f"  sample grids   {out}/{sample_grids.FOLDER}/epoch_*.png\n"
        f"  curves         {out}/{result_folder.CURVES}\n"
        f"  log            {out}/{result_folder.LOG}\n"
        f"  generator      {out}/{result_folder.GENERATOR}\n"
        f"More images:     python -m dcgan_mri.generate {out}/{result_folder.GENERATOR} -o samples\n"
        f"More epochs:     {resume_command(args)} -e {updater.epoch * 2 or 1}")


if __name__ == "__main__":
    main()
