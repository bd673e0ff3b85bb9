"""Going on with a run: which snapshot, with which settings and slices, in which folder."""

import dataclasses
import pathlib

from mpi4py import MPI

from dcgan_mri import config as settings
from dcgan_mri.run import result_folder, snapshots
from dcgan_mri.commandline import given_settings
from dcgan_mri.errors import UsageError
from dcgan_mri.files import write_text

# A resumed run must have the networks, the losses, the kind of optimizer and the data of the one that it goes on from;
# only these may change.
MAY_CHANGE = ("epoch", "alpha", "beta1", "learning_rate", "weight_decay", "dropout_when_sampling")
DATASET = "data/slices"


def find_snapshot(args, ranks, ready):
    """Choose and read the snapshot to go on from; a collective.

    Rank 0 alone looks for it, since others may see a shared folder as it was before.

    Args:
        args (argparse.Namespace): The options.
        ranks (mpi4py.MPI.Comm): The ranks.
        ready (dcgan_mri.distributed.failure.together): Lets them agree that none has failed.

    Returns:
        tuple: Its path (str), settings and arrays; None if a new run is to begin, also where the old one never came to
        its first snapshot.

    Raises:
        DataError: If there is none, or the one named is not whole.
        UsageError: If the result folder holds later ones than the one named.
    """
    snapshot = _find(args) if ranks.rank == 0 else None
    path = ready.agree(snapshot and snapshot[0])[0]
    return snapshot or (path and (path, *snapshots.read(path)))


def restore(snapshot, trainer):
    """Put a snapshot into the run that goes on from it.

    Args:
        snapshot (tuple): From `find_snapshot`.
        trainer (chainer.training.Trainer): The run.

    Raises:
        DataError: If it does not fit.
    """
    path, _, arrays = snapshot
    snapshots.restore(path, arrays, trainer)


def _find(args):
    if args.resume is None:
        return None
    if args.resume == "auto" and never_saved(args.out):
        print(f"{args.out}: the run ended before its first snapshot; beginning anew", flush=True)
        return None
    if args.resume == "auto":
        path, config, arrays, passed_over = snapshots.read_newest(args.out)
        for message in passed_over:
            print(f"passed over {message}", flush=True)
        return str(path), config, arrays
    config, arrays = snapshots.read(args.resume)
    iteration = int(arrays.get("updater/iteration", 0))
    later = [path for path in snapshots.newest_first(args.out) if snapshots.iteration_of(path) > iteration]
    if later:
        raise UsageError(
            f"{args.out}: holds {later[0].name}, from behind iteration {iteration} of {args.resume}; "
            f"move the later snapshots away, or give another folder by -o")
    return args.resume, config, arrays


def never_saved(out):
    """Whether a folder is that of a run which ended before its first snapshot."""
    return bool(result_folder.last_start(out)) and not snapshots.newest_first(out)


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


def choose_dataset(args):
    """The slices: those named, else those that the run to go on with was started on, else the usual place."""
    if args.dataset is not None:
        return args.dataset
    before = result_folder.last_start(args.out).get("dataset") if args.resume else None
    return before or DATASET


def open_result_folder(args, config, facts):
    """Make the folder of a new run, or enter that of the run that goes on; keep others out, and note what starts.

    Args:
        args (argparse.Namespace): The options.
        config (dcgan_mri.config.Config): The settings.
        facts (dict): For ``environment.json``.

    Returns:
        file: The claim on the folder; keep it open.

    Raises:
        UsageError: If it holds something else already.
        DataError: If another run is writing there, or nothing can be written.
    """
    if args.resume is None or not result_folder.last_start(args.out):
        result_folder.open_new(args.out, "go on with that run by -r, or ")
    claim = result_folder.claim(args.out)
    write_text(pathlib.Path(args.out) / result_folder.CONFIG, config.to_yaml())
    result_folder.record_start(args.out, facts)
    return claim
