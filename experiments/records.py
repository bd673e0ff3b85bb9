"""What was measured, as it is kept: beside each run, and all together in one file that the report is made from."""

import dataclasses
import json
import math
import pathlib

from dcgan_mri.errors import DataError
from dcgan_mri.files import write_text

MEASURED = "measured.json"
COLLECTED = "results.json"
REAL = "real.json"
DIGITS = 6
NUMBER = (int, float)
NOTHING = type(None)
FIELDS = {
    "run": str, "seed": int, "scale": str, "data": dict, "settings": dict, "device": str, "date": str,
    "revision": (str, NOTHING), "iterations": int, "seconds": NUMBER, "diverged": (str, NOTHING), "values": dict,
    "scores": list, "along": dict, "successes": list, "failures": list}
DATA_FIELDS = {"name": str, "fingerprint": str, "subjects": int, "reference": str, "reference_slices": int}
# Those that every record must have; what else there is tells `fits`.
SETTINGS_FIELDS = {"batchsize": int, "epoch": int}
REFERENCES = ("held-out", "train")
# What to do about a file that is not what it should be: a run can be made again, the collection holds what is left of
# runs whose folders are gone.
AGAIN = "delete it and run the experiments again"
RESTORE = ("restore it from the repository or a backup; if there is none, delete it, and what was measured in folders "
           "that are gone is lost")


def write(folder, record):
    """Keep what was measured of a run beside it.

    Args:
        folder (Path): Result folder of the run.
        record (dict): See `collect`.
    """
    write_text(folder / MEASURED, json.dumps(_for_json(record)) + "\n")


def read(folder):
    """What was measured of a run.

    Args:
        folder (Path): Result folder of the run.

    Returns:
        dict: The record; None if it has not been measured.

    Raises:
        DataError: If it cannot be read.
    """
    path = pathlib.Path(folder) / MEASURED
    return _from_json(_load(path, AGAIN), path, AGAIN) if path.exists() else None


def collect(out):
    """Every record: those beside runs, and those of runs whose folders are gone.

    Args:
        out (str or Path): Results folder.

    Returns:
        list of dict: Records with the keys ``run``, ``seed``, ``scale``, ``data``, ``settings``, ``device``, ``date``,
        ``revision``, ``iterations``, ``seconds``, ``diverged`` (None or a message) and those of
        `measuring.measure_run`; in the order of scale, slice set, run and seed.

    Raises:
        DataError: If a file cannot be read.
    """
    out = pathlib.Path(out)
    found = {}
    collected = out / COLLECTED
    if collected.exists():
        entries = _load(collected, RESTORE)
        if not isinstance(entries, list):
            raise DataError(f"{collected}: not a list of records; {RESTORE}")
        for entry in entries:
            record = _from_json(entry, collected, RESTORE)
            found[key(record)] = record
    for path in sorted(out.glob(f"runs/*/*/*/{MEASURED}")):
        record = read(path.parent)
        found[key(record)] = record
    return [found[name] for name in sorted(found)]


def write_collected(out, records):
    """Write all records into one file, a line each.

    Args:
        out (str or Path): Results folder.
        records (list of dict): From `collect`.
    """
    lines = ",\n".join(json.dumps(_for_json(record)) for record in records)
    write_text(pathlib.Path(out) / COLLECTED, f"[\n{lines}\n]\n")


def place(scale, data):
    """What tells the campaign of a record from the others.

    Args:
        scale (str): Name of the scale.
        data (dict): Facts of the slice set.

    Returns:
        str: Scale, name and fingerprint of the slice set.
    """
    return f"{scale} {data['name']} {data['fingerprint']}"


def read_real(out):
    """What was measured of real slices.

    Args:
        out (str or Path): Results folder.

    Returns:
        dict: Campaign, as `place` names it, to dict from quantity to float; empty if there is nothing yet.

    Raises:
        DataError: If it cannot be read.
    """
    path = pathlib.Path(out) / REAL
    if not path.exists():
        return {}
    try:
        return {str(name): _with_nan(values) for name, values in _load(path, AGAIN).items()}
    except (TypeError, AttributeError) as error:
        raise DataError(f"{path}: not what was measured of real slices ({error}); {AGAIN}") from None


def write_real(out, found):
    """Keep what was measured of real slices.

    Args:
        out (str or Path): Results folder.
        found (dict): From `read_real`, with more.
    """
    write_text(pathlib.Path(out) / REAL, json.dumps(_for_json(found), indent=1, sort_keys=True) + "\n")


def key(record):
    """What tells a record from the others.

    Args:
        record (dict): The record.

    Returns:
        tuple of str and int: Scale, name and fingerprint of the slice set, run, seed.
    """
    return record["scale"], record["data"]["name"], record["data"]["fingerprint"], record["run"], record["seed"]


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
        if entry["data"]["reference"] not in REFERENCES:
            raise ValueError(f"reference {entry['data']['reference']!r}")
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
        if not isinstance(entry[name], kind) or isinstance(entry[name], bool):
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
