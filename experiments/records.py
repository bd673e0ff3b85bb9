"""What was measured, as it is kept: a file for each run, and all together in one that the report is made from."""

import dataclasses
import datetime
import json
import math
import pathlib

import numpy as np

from dcgan_mri.errors import DataError
from dcgan_mri.pixels import grid, save_png
from dcgan_mri.run.result_folder import write_text

COLLECTED = "results.json"
REAL = "real.json"
DIGITS = 6
# Of the picture of a run's images.
COLUMNS = 10
NUMBER = (int, float)
NOTHING = type(None)
FIELDS = {
    "run": str, "seed": int, "twin": bool, "scale": str, "data": dict, "settings": dict, "device": str, "date": str,
    "revision": (str, NOTHING), "iterations": int, "seconds": NUMBER, "diverged": (str, NOTHING), "values": dict,
    "scores": list, "along": dict, "successes": list, "failures": list}
DATA_FIELDS = {"name": str, "fingerprint": str, "subjects": int, "slices": int, "held_out": int}
# Those that every record must have; what else there is tells `fits`.
SETTINGS_FIELDS = {"batchsize": int, "epoch": int}
# What to do about a file that is not what it should be: a run can be made again, the collection holds what is left of
# runs whose files are gone.
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
        dict: The record, see `collected`.
    """
    measured = {"values": {}, "along": {}, "successes": [], "failures": []}
    if trained.diverged is None:
        measured = reference.measure_run(trained)
        if run.config.seed == 0 and not run.twin:
            grey = trained.pictures[-1].mean(axis=3, keepdims=True).round().astype(np.uint8)
            save_png(folder / f"{run.key}.png", grid(grey, COLUMNS)[:, :, 0])
    record = {
        "run": run.name, "seed": run.config.seed, "twin": run.twin, "scale": scale, "data": data.facts(),
        "settings": dataclasses.asdict(run.config), "device": trained.device,
        "date": datetime.date.today().isoformat(), "revision": revision, "iterations": trained.iterations,
        "seconds": trained.seconds, "diverged": trained.diverged, "scores": trained.scores, **measured}
    write(folder / f"{run.key}.json", record)
    return record


def write(path, record):
    """Keep what was measured of a run.

    Args:
        path (Path): The file.
        record (dict): See `collected`.
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
    return _from_json(_load(path, AGAIN), path, AGAIN)


def of_runs(out):
    """The records of runs in a folder.

    Args:
        out (str or Path): Folder for runs.

    Returns:
        list of dict: The records, in the order of `key`.

    Raises:
        DataError: If a file cannot be read.
    """
    return sorted((read(path) for path in pathlib.Path(out).glob("*/*.seed*.json")), key=key)


def collected(folder):
    """The records that were published.

    Args:
        folder (str or Path): Where ``results.json`` is.

    Returns:
        list of dict: Records with the keys ``run``, ``seed``, ``twin``, ``scale``, ``data``, ``settings``, ``device``,
        ``date``, ``revision``, ``iterations``, ``seconds``, ``diverged`` (None or a message), ``scores`` (epoch, mean
        score of real and of generated images, each epoch) and those of `measuring.Reference.measure_run`; empty if
        there is no such file.

    Raises:
        DataError: If it cannot be read.
    """
    path = pathlib.Path(folder) / COLLECTED
    entries = _load(path, RESTORE) if path.exists() else []
    if not isinstance(entries, list):
        raise DataError(f"{path}: not a list of records; {RESTORE}")
    return [_from_json(entry, path, RESTORE) for entry in entries]


def joined(*several):
    """Records of several places.

    Args:
        *several (list of dict): A record takes the place of one with the same key before it.

    Returns:
        list of dict: In the order of `key`.
    """
    found = {key(record): record for records in several for record in records}
    return [found[name] for name in sorted(found)]


def write_collected(folder, records):
    """Write all records into one file, a line each.

    Args:
        folder (str or Path): Where ``results.json`` goes.
        records (list of dict): From `joined`.
    """
    lines = ",\n".join(json.dumps(_for_json(record)) for record in records)
    write_text(pathlib.Path(folder) / COLLECTED, f"[\n{lines}\n]\n")


def place(scale, data):
    """What real slices are measured once for.

    Args:
        scale (str): Name of the scale.
        data (dict): Facts of the slice set.

    Returns:
        str: Scale, name and fingerprint of the slice set.
    """
    return f"{scale} {data['name']} {data['fingerprint']}"


def read_real(folder):
    """What was measured of real slices.

    Args:
        folder (str or Path): Where ``real.json`` is.

    Returns:
        dict: Scale and slice set, as `place` names them, to dict from quantity to float; empty if there is nothing yet.

    Raises:
        DataError: If it cannot be read.
    """
    path = pathlib.Path(folder) / REAL
    if not path.exists():
        return {}
    try:
        return {str(name): _with_nan(values) for name, values in _load(path, AGAIN).items()}
    except (TypeError, AttributeError) as error:
        raise DataError(f"{path}: not what was measured of real slices ({error}); {AGAIN}") from None


def write_real(folder, found):
    """Keep what was measured of real slices.

    Args:
        folder (str or Path): Where ``real.json`` goes.
        found (dict): From `read_real`, with more.
    """
    write_text(pathlib.Path(folder) / REAL, json.dumps(_for_json(found), indent=1, sort_keys=True) + "\n")


def key(record):
    """What tells a record from the others.

    Args:
        record (dict): The record.

    Returns:
        tuple: Campaign, as `campaign` has it, run, seed and whether it is a twin.
    """
    return *campaign(record), record["run"], record["seed"], record["twin"]


def campaign(record):
    """What must be the same for two runs to be held against each other.

    Args:
        record (dict): The record.

    Returns:
        tuple of str: Scale, name and fingerprint of the slice set, processor.
    """
    return record["scale"], record["data"]["name"], record["data"]["fingerprint"], record["device"]


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


def _load(path, remedy):
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise DataError(f"{path}: cannot read what was measured ({error}); {remedy}") from None


def _from_json(entry, path, remedy):
    try:
        _check_fields(entry, FIELDS)
        _check_fields(entry["data"], DATA_FIELDS)
        _check_fields(entry["settings"], SETTINGS_FIELDS)
        _check_all(entry["scores"], lambda score: isinstance(score, list) and len(score) == 3)
        _check_all(sum(entry["scores"], []), lambda number: isinstance(number, (*NUMBER, NOTHING)))
        _check_all(entry["successes"] + entry["failures"], lambda place: type(place) is int and place >= 0)
        return {**entry, "values": _with_nan(entry["values"]),
                "along": {int(epoch): _with_nan(values) for epoch, values in entry["along"].items()}}
    except (TypeError, ValueError, AttributeError) as error:
        raise DataError(f"{path}: not a record of an experiment ({error}); {remedy}") from None


def _check_fields(entry, fields):
    if not isinstance(entry, dict):
        raise TypeError(f"{entry!r:.40} in place of a mapping")
    for name, kind in fields.items():
        if name not in entry:
            raise ValueError(f"{name} is missing")
        if not isinstance(entry[name], kind) or isinstance(entry[name], bool) != (kind is bool):
            raise TypeError(f"{name} is {entry[name]!r:.40}")


def _check_all(entries, right):
    for entry in entries:
        if not right(entry):
            raise TypeError(f"it holds {entry!r:.40}")


def _with_nan(values):
    for name, value in values.items():
        if not isinstance(value, (*NUMBER, NOTHING)) or isinstance(value, bool):
            raise TypeError(f"{name} is {value!r:.40}")
    return {name: math.nan if value is None else float(value) for name, value in values.items()}


def _for_json(value):
    """The same with what was measured rounded, and NaN as null; settings stay exact."""
    if isinstance(value, dict):
        return {name: inside if name == "settings" else _for_json(inside) for name, inside in value.items()}
    if isinstance(value, list | tuple):
        return [_for_json(inside) for inside in value]
    if isinstance(value, float):
        return float(f"{value:.{DIGITS}g}") if math.isfinite(value) else None
    return value
