"""Going on with a run: which snapshot, with which settings, in which folder."""

import dataclasses

from mpi4py import MPI

from dcgan_mri import config as settings
from dcgan_mri import results, snapshots
from dcgan_mri.commandline import given_settings
from dcgan_mri.errors import UsageError

# A resumed run must have the networks and the data of the one that it goes on from; only these may change.
MAY_CHANGE = ("epoch", "alpha", "beta1", "weight_decay", "dropout_when_sampling")


def open_snapshot(args):
    """Read the snapshot to go on from: path, settings, arrays."""
    if args.resume == "auto":
        path, config, arrays, passed_over = snapshots.read_newest(args.out)
        if MPI.COMM_WORLD.rank == 0:
            for message in passed_over:
                print(f"passed over {message}", flush=True)
        return path, config, arrays
    return args.resume, *snapshots.read(args.resume)


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


def open_result_folder(args):
    """Make the folder of a new run, or enter that of the run that goes on, and keep others out."""
    if args.resume is None or not snapshots.newest_first(args.out):
        results.open_new(args.out)
    return results.claim(args.out)
