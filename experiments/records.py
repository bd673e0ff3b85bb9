"""What was measured, as it is kept: a file for each run, and one for all that are published of a scale on a slice set
and a processor, which the report is made from."""

import dataclasses
import datetime
import json
import math
import pathlib
import re

import numpy as np

from dcgan_mri import grid
from dcgan_mri.errors import UsageError
from dcgan_mri.files import write_text
from dcgan_mri.pixels import grey, save_png
from dcgan_mri.run.result_folder import making
from experiments import schema

COLLECTED = "results.json"
REAL = "real.json"
MADE_OF = "made_of.json"
# Ten training slices in a row.
TEN_SLICES = "slices.png"
DIGITS = 6
# What to do about a file that is not what it should be: a run can be made again, what was published cannot.
AGAIN = "delete it and run the experiments again"
RESTORE = "restore it from the repository"


def campaign_folder(out, scale, data_name):
    """Where the runs of a scale on a slice set are.

    Args:
        out (str or Path): Folder for runs.
        scale (str): Name of the scale.
        data_name (str): Name of the slice set.

    Returns:
        Path: The folder.
    """
    return pathlib.Path(out) / f"{scale}-{data_name}"


def published_folder(out, record):
    """Where the numbers and figures of a scale on a slice set and a processor are published.

    Args:
        out (str or Path): Folder for results.
        record (dict): Of one of the runs.

    Returns:
        Path: The folder.
    """
    device = re.sub(r"[^a-z0-9]+", "-", record["device"].lower()).strip("-")
    return campaign_folder(out, record["scale"], record["data"]["name"]) / device


def complete(folder, run, scale, data, trained, reference, revision):
    """Measure a training and write its record, last; of seed 0 the images too, for the figures.

    Args:
        folder (Path): Where the record goes, see `campaign_folder`.
        run (experiments.plan.Run): The run.
        scale (str): Name of the scale.
        data (experiments.data.Data): The slices.
        trained (experiments.training.Trained): What came of it.
        reference (experiments.measuring.Reference): Real slices.
        revision (str): Commit of the source; None outside a checkout.

    Returns:
        dict: The record, see `schema.RunRecord`.
    """
    measured = {"values": {}, "along": {}, "successes": [], "failures": []}
    if trained.diverged is None:
        measured = reference.measure_run(trained)
        if run.config.seed == 0 and not run.twin:
            save_png(folder / f"{run.key}.png", grid.draw(grey(trained.pictures[-1]), "", bare=True))
    record = {
        "run": run.name, "seed": run.config.seed, "twin": run.twin, "scale": scale, "data": data.facts(),
        "settings": dataclasses.asdict(run.config), "device": trained.device,
        "date": datetime.date.today().isoformat(), "revision": revision, "iterations": trained.iterations,
        "seconds": trained.seconds, "diverged": trained.diverged, "scores": trained.scores, **measured}
    write(folder / f"{run.key}.json", record)
    return record


def complete_real(folder, scale, data, reference):
    """Measure real slices in place of generated ones, and write that and ten of them, for the figures, beside the runs.

    Args:
        folder (Path): See `campaign_folder`.
        scale (str): Name of the scale.
        data (experiments.data.Data): The slices.
        reference (experiments.measuring.Reference): The same, described.
    """
    save_png(folder / TEN_SLICES, np.concatenate(list(reference.some(10)), axis=1))
    write(folder / REAL, {"scale": scale, "data": data.facts(), "values": reference.measure_real()})


def write(path, record):
    """Keep what was measured of a run, or of real slices.

    Args:
        path (Path): The file.
        record (dict): See `schema.RunRecord` and `schema.RealRecord`.
    """
    write_text(path, json.dumps(_for_json(record)) + "\n")


def read(path):
    """What was measured of a run.

    Args:
        path (Path): The file.

    Returns:
        dict: The record.

    Raises:
        DataError: If it cannot be read.
    """
    return schema.read(path, schema.RunRecord, AGAIN)


def of_runs(out):
    """What was measured in a folder.

    Args:
        out (str or Path): Folder for runs.

    Returns:
        tuple of list of dict: Records of runs (keys: see `schema.RunRecord`) in the order of `key`, and of real slices
        (see `schema.RealRecord`).

    Raises:
        DataError: If a file cannot be read.
    """
    out = pathlib.Path(out)
    real = [schema.read(path, schema.RealRecord, AGAIN) for path in sorted(out.glob(f"*/{REAL}"))]
    return sorted((read(path) for path in out.glob("*/*.seed*.json")), key=key), real


def collected(out):
    """What was published.

    Args:
        out (str or Path): Folder for results.

    Returns:
        tuple of list of dict: As of `of_runs`; empty if there is nothing.

    Raises:
        DataError: If a file cannot be read.
    """
    runs, real = [], []
    for path in sorted(pathlib.Path(out).glob(f"*/*/{COLLECTED}")):
        content = schema.read(path, schema.PublishedRecords, RESTORE)
        real += content["real"]
        runs += content["runs"]
    return sorted(runs, key=key), real


def publish(out, runs, real):
    """Add records to those that are published; one takes the place of another with the same key.

    Args:
        out (str or Path): Folder for results.
        runs (list of dict): From `of_runs`.
        real (list of dict): From `of_runs`.

    Raises:
        DataError: If what is there cannot be read, or not be written to.
    """
    runs_before, real_before = collected(out)
    joined = {key(record): record for record in runs_before + runs}
    by_folder = {}
    for name in sorted(joined):
        by_folder.setdefault(published_folder(out, joined[name]), []).append(joined[name])
    real_values = {place(entry): entry for entry in real_before + real}
    for folder, its_runs in by_folder.items():
        places = sorted({place(record) for record in its_runs} & set(real_values))
        with making(folder):
            folder.mkdir(parents=True, exist_ok=True)
        write_text(folder / COLLECTED, '{"real": [\n' + _lines(real_values[one] for one in places)
                   + '\n],\n"runs": [\n' + _lines(its_runs) + "\n]}\n")


def place(record):
    """What real slices are measured once for.

    Args:
        record (dict): Of a run or of real slices.

    Returns:
        tuple of str: Scale, name and fingerprint of the slice set.
    """
    return record["scale"], record["data"]["name"], record["data"]["fingerprint"]


def campaign(record):
    """What must be the same for two runs to be held against each other.

    Args:
        record (dict): The record.

    Returns:
        tuple of str: Scale, name and fingerprint of the slice set, processor, revision.
    """
    return *place(record), record["device"], record["revision"] or ""


def key(record):
    """What tells a record from the others.

    Args:
        record (dict): The record.

    Returns:
        tuple: Campaign, as `campaign` has it, run, seed and whether it is a twin.
    """
    return *campaign(record), record["run"], record["seed"], record["twin"]


def check_planned(folder, runs, data, revision):
    """See that the runs that are complete are those of the plan, so that going on mixes nothing.

    Args:
        folder (Path): See `campaign_folder`.
        runs (list of experiments.plan.Run): The plan.
        data (experiments.data.Data): Its slices.
        revision (str): Commit of the source.

    Returns:
        list of experiments.plan.Run: Those that are yet to be made.

    Raises:
        UsageError: If a run was made with other settings, slices or source.
    """
    waiting = []
    for run in runs:
        path = folder / f"{run.key}.json"
        if not path.exists():
            waiting.append(run)
            continue
        _check_made_of(read(path), run, data, revision, path, folder)
    return waiting


def note_made_of(unfinished, run, data, revision):
    """Write down what a run begins with; one that goes on must have the same.

    Args:
        unfinished (Path): The run's folder.
        run (experiments.plan.Run): The run.
        data (experiments.data.Data): The slices.
        revision (str): Commit of the source.

    Raises:
        DataError: If what was written down is damaged.
        UsageError: If it was begun with other settings, slices or source.
    """
    path = unfinished / MADE_OF
    if path.exists():
        found = schema.read(path, schema.MadeOf, f"delete {unfinished}")
        _check_made_of(found, run, data, revision, unfinished, unfinished)
    write_text(path, json.dumps({"settings": dataclasses.asdict(run.config), "data": data.facts(),
                                 "revision": revision}))


def _check_made_of(found, run, data, revision, where, folder):
    for what, is_same in (("settings", fits(found, run.config)), ("slices", found["data"] == data.facts()),
                          ("source (another commit)", found["revision"] == revision)):
        if not is_same:
            raise UsageError(f"{where}: made with other {what}; delete {folder}, or give another folder by -o")


def fits(record, config):
    """Whether a record is of these settings; those that a later version added count as their defaults.

    Args:
        record (dict): The record.
        config (dcgan_mri.config.Config): The settings.

    Returns:
        bool: False if it was made by another definition of the scale or the experiment.
    """
    planned = dataclasses.asdict(config)
    return {**dataclasses.asdict(type(config)()), **record["settings"]} == planned


def _lines(records):
    return ",\n".join(json.dumps(_for_json(record)) for record in records)


def _for_json(value):
    """The same with what was measured rounded, and NaN as null; settings stay exact."""
    if isinstance(value, dict):
        return {name: inside if name == "settings" else _for_json(inside) for name, inside in value.items()}
    if isinstance(value, list | tuple):
        return [_for_json(inside) for inside in value]
    if isinstance(value, float):
        return float(f"{value:.{DIGITS}g}") if math.isfinite(value) else None
    return value
