"""Train the DCGAN of the paper's section II, on one process or on many.

    python -m dcgan_mri.train
    mpiexec -n 4 python -m dcgan_mri.train
"""

from dcgan_mri.distributed.threads import before_numpy

before_numpy()

import sys

from mpi4py import MPI

from dcgan_mri import extensions
from dcgan_mri.chainer_compat import chainer, chainermn
from dcgan_mri.commandline import command, say
from dcgan_mri.distributed import machine
from dcgan_mri.distributed.batches import GlobalBatches
from dcgan_mri.distributed.failure import abort_job_on_error, together
from dcgan_mri.distributed.interruption import Interruption
from dcgan_mri.distributed.watchdog import Watchdog
from dcgan_mri.errors import INTERRUPTED, DataError, DivergedError
from dcgan_mri.extensions.triggers import StopAt
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
    abort_job_on_error(
        PROGRAM,
        "go on by -r with --graph off or --precision fp16, use more GPUs, or begin anew with a smaller --batchsize",
        "go on by -r with --kernels plain --graph off")
    with together(ranks, PROGRAM) as ready:
        # The settings, which are the snapshot's if a run goes on; the communicator
        args = parse(argv, prints=first)
        watch = Watchdog(ranks, args.out, args.timeout)
        watch.start()
        ready.agree()
        watch.stage("settings")
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
        for extension in extensions.on_first_rank(updater.sampled, config, slices, args) if first else []:
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
        watch.stage("reading slices")
        batches.decode_first_epoch()
        ready.agree()
        facts = {**place.facts, "dataset": str(slices.folder.resolve()), "slices": len(slices),
                 "slices_sha256": slices.fingerprint, "from_iteration": updater.iteration}
        claim = resume.open_result_folder(args, config, facts) if first else None

    if first:
        say(beginning(args, config, place, batches, last))
    watch.stage("training", updater)
    run(trainer, args)
    interrupted = updater.iteration < last
    if first:
        if interrupted:
            trainer.get_extension("Snapshot")(trainer)
        say(summary(args, config, updater, last))
        claim.close()
    watch.stage("the end")
    ranks.Barrier()  # a launcher may kill all as soon as one has left
    comm.finalize()
    if interrupted:
        raise SystemExit(INTERRUPTED)


def run(trainer, args):
    """The training loop.

    Args:
        trainer (chainer.training.Trainer): The training.
        args (argparse.Namespace): The options.

    Raises:
        SystemExit: If the losses left the finite numbers, which every rank learns at the same time.
        DataError: If the system refuses a file.
    """
    try:
        trainer.run(show_loop_exception_msg=False)
    except DivergedError as error:
        if MPI.COMM_WORLD.rank == 0:
            print(f"{PROGRAM}: error: {error}", file=sys.stderr, flush=True)
        raise SystemExit(error.status) from None
    except OSError as error:
        if error.filename is None:
            raise
        raise DataError(f"{error.filename}: {error.strerror}; see that {args.out} is still there and can be written, "
                        f"then go on with -r") from None


def beginning(args, config, place, batches, last):
    """What is trained on what, for the log."""
    facts = place.facts
    preparing = "measuring real slices, compiling kernels" if args.measures != "off" else "compiling kernels"
    return "\n".join([
        f"{len(batches.slices)} slices from {args.dataset}: {batches.n_batches} batches of {config.batchsize} an epoch,"
        f" {config.epoch} epochs",
        f"ranks: {facts['ranks']}, communicator: {place.communicator}",
        f"device: {facts['device']}; kernels: {facts['kernels']}",
        f"threads for each rank: {facts['threads_per_rank']}",
        *([] if place.device == "@numpy" else [f"CUDA graph: {facts['graph']}"]),
        *([place.warning] if place.warning else []),
        f"iteration {batches.iteration} of {last} done; results go to {args.out}",
        f"Preparing: {preparing}; silent for up to a minute"])


def resume_command(args):
    """How to go on with this run."""
    return command("dcgan_mri.train", "-i", args.dataset, "-o", args.out, *args.repeated, "-r",
                   ranks=MPI.COMM_WORLD.size)


def summary(args, config, updater, last):
    """What to look at now, and how to go on."""
    out, n = args.out, updater.iteration
    if n < last:
        return (f"Interrupted at iteration {n} of {last}; a snapshot is in {out}.\n"
                f"Go on:           {resume_command(args)}")
    page = f"  review page    {out}/{result_folder.PAGE}\n" if args.page == "on" else ""
    whole = updater.epoch >= config.epoch
    go_on = f"More epochs:     {resume_command(args)} -e {2 * config.epoch}" if whole else \
        f"Go on:           {resume_command(args)}"
    generator = f"{out}/{result_folder.GENERATOR}"
    return (
        f"Done: {n} iteration{'s' * (n != 1)}, {round(updater.epoch_detail, 2):g} of {config.epoch} epochs.\n{page}"
        f"  sample grids   {out}/{sample_grids.FOLDER}/epoch_*.png\n"
        f"  curves         {out}/{result_folder.CURVES}\n"
        f"  log            {out}/{result_folder.LOG}\n"
        f"  generator      {generator}\n"
        f"More images:     {command('dcgan_mri.generate', generator, '-o', 'samples')}\n"
        f"{go_on}")


if __name__ == "__main__":
    main()
