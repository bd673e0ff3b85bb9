"""Going on with a run: which snapshot, with which settings and slices, in which folder."""

import dataclasses
import pathlib

from dcgan_mri import config as settings
from dcgan_mri.commandline import given_settings, say
from dcgan_mri.errors import DataError, UsageError
from dcgan_mri.files import write_text
from dcgan_mri.run import result_folder, snapshots

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


def _find(args):
    if args.resume is None:
        return None
    if args.resume == "auto" and result_folder.is_begun(args.out) and not snapshots.newest_first(args.out):
        say(f"{args.out}: the run ended before its first snapshot; beginning anew with its settings")
        return None
    if args.resume == "auto":
        path, config, arrays, passed_over = snapshots.read_newest(args.out, lambda config: _foreign(args.out, config))
        for message in passed_over:
            say(f"passed over {message}")
        return str(path), config, arrays
    config, arrays = snapshots.read_run(args.resume)
    iteration = int(arrays["updater/iteration"])
    later = [path for path in snapshots.newest_first(args.out) if snapshots.iteration_of(path) > iteration]
    if later:
        raise UsageError(
            f"{args.out}: holds {later[0].name}, from behind iteration {iteration} of {args.resume}; "
            f"move the later snapshots away, or give another folder by -o")
    return args.resume, config, arrays


def _foreign(out, config):
    """Why settings cannot be those of the run in a folder, by its config.yaml; empty if they can."""
    file = pathlib.Path(out) / result_folder.CONFIG
    if not file.exists():
        return ""
    for name, value in settings.read_yaml(file).items():
        if name not in MAY_CHANGE and value != getattr(config, name):
            return f"{name} is {getattr(config, name)} in it, {value} in {file}; undo that if you changed it"
    return ""


def choose_config(args, snapshot, first=True):
    """The settings of a new run, or those that a run goes on with: its own, and what may change.

    Args:
        args (argparse.Namespace): The options.
        snapshot (tuple): From `find_snapshot`.
        first (bool): Whether to say what changes.

    Returns:
        Config: The preset's, then the file's, then the options'. For a run that goes on, the snapshot's in place of the
        preset's, then those of its config.yaml, which may have been edited or be of a later start.

    Raises:
        UsageError: If another setting than those in `MAY_CHANGE` is to change, or a value is wrong.
        DataError: If a file cannot be read.
    """
    own = pathlib.Path(args.out) / result_folder.CONFIG
    goes_on = args.resume is not None and own.exists()
    if snapshot is None and not goes_on:
        return settings.build(args.preset or "paper", args.config, **given_settings(args))
    path, before = (str(own), settings.build(file=own)) if snapshot is None else snapshot[:2]
    base = dataclasses.asdict(before)
    sources = {str(own): settings.read_yaml(own) if goes_on else {}, "--preset": _preset(args.preset),
               str(args.config): settings.read_yaml(args.config) if args.config else {},
               "the options": given_settings(args)}
    asked, by = dict(base), {}
    for source, values in sources.items():
        by.update({name: source for name, value in values.items() if value != asked[name]})
        asked.update(values)
    config = settings.from_dict(asked)
    changed = [name for name, value in dataclasses.asdict(config).items() if value != base[name]]
    for name in changed:
        difference = f"{name} is {base[name]} in {path}, {getattr(config, name)} was asked for by {by[name]}"
        if name not in MAY_CHANGE:
            raise UsageError(f"{difference}; a run goes on with the {name} that it began with")
        if first:
            say(f"changed: {difference}")
    return config


def _preset(name):
    """The settings in which presets differ, as one of them has them."""
    if name is None:
        return {}
    config = settings.build(name)
    return {key: getattr(config, key) for preset in settings.PRESETS.values() for key in preset}


def choose_dataset(args):
    """The slices: those named, else those that the run to go on with was started on, else the usual place."""
    if args.dataset is not None:
        return args.dataset
    before = result_folder.last_start(args.out).get("dataset") if args.resume else None
    return before if isinstance(before, str) else DATASET


def restore(snapshot, trainer, slices):
    """Put a snapshot into the run that goes on from it.

    Args:
        snapshot (tuple): From `find_snapshot`.
        trainer (chainer.training.Trainer): The run.
        slices (dcgan_mri.slice_set.Slices): The slices it is to go on with.

    Raises:
        DataError: If it does not fit, or the run began with other slices.
    """
    path, _, arrays = snapshot
    if str(arrays["updater/iterator:main/slices"]) != slices.fingerprint:
        before = result_folder.last_start(trainer.out).get("dataset")
        theirs = f"{before}, " if isinstance(before, str) and before != str(slices.folder.resolve()) else ""
        raise DataError(f"{slices.folder}: not the slices that this run began with, which were {theirs}those with "
                        f"manifest {str(arrays['updater/iterator:main/slices'])[:12]}…; name them with -i")
    snapshots.restore(path, arrays, trainer)


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
    if args.resume is None or not result_folder.is_begun(args.out):
        result_folder.open_new(args.out, "go on with that run by -r, or ")
    claim = result_folder.claim(args.out)
    write_text(pathlib.Path(args.out) / result_folder.CONFIG, config.to_yaml())
    result_folder.record_start(args.out, facts)
    return claim
