"""A run read back from its result folder."""

import dataclasses
import json
import math
import pathlib

from dcgan_mri import config as settings
from dcgan_mri.errors import DataError
from dcgan_mri.run import result_folder, sample_grids, snapshots

# Not curves: where an entry stands, and when.
PLACE = ("epoch", "iteration", "elapsed_time")


@dataclasses.dataclass(frozen=True)
class Run:
    """A training run.

    Args:
        folder (Path): Its result folder.
        config (Config): Its settings.
        starts (list of dict): From ``environment.json``.
        entries (list of dict): ``epoch`` (that of the grid), ``iteration``, ``elapsed_time`` (None if it is no finite
            number) and ``values`` (name to finite float), one for each epoch, in order.
        scale (dict): From ``measures.json``; empty without one.
        grids (dict): Epoch to file.
    """

    folder: pathlib.Path
    config: settings.Config
    starts: list
    entries: list
    scale: dict
    grids: dict


def read(folder):
    """Read a result folder.

    Args:
        folder (str or Path): The folder.

    Returns:
        Run: The run; also of a training that is under way.

    Raises:
        DataError: If it is no result folder, or a file in it cannot be read.
    """
    folder = pathlib.Path(folder)
    if not (folder / result_folder.CONFIG).exists():
        raise DataError(f"{folder}: not a result folder, config.yaml is missing; name the -o folder of a training")
    starts = _json(folder / result_folder.ENVIRONMENT, dict).get("starts")
    return Run(
        folder=folder, config=settings.build(file=folder / result_folder.CONFIG),
        starts=[start for start in starts if isinstance(start, dict)] if isinstance(starts, list) else [],
        entries=by_grid(_json(folder / result_folder.LOG, list)), scale=_json(folder / result_folder.SCALE, dict),
        grids=sample_grids.by_epoch(folder))


def by_grid(log):
    """The log's entries, each with the number of the epoch that its sample grid bears.

    Chainer counts finished epochs, a grid's number is that of the epoch under way: a run that stops early leaves an
    entry of epoch 2 with the grid of epoch 3.

    Args:
        log (list of dict): As Chainer's LogReport writes it.

    Returns:
        list of dict: See `Run`. Of several entries for a grid the last.
    """
    entries = [entry for entry in log if isinstance(entry, dict) and _is_count(entry.get("iteration"))
               and _is_count(entry.get("epoch")) and entry["iteration"] >= 1]
    complete = [entry["iteration"] / entry["epoch"] for entry in entries if entry["epoch"] >= 1]
    found = {}
    for entry in entries:
        epoch = math.ceil(entry["iteration"] / min(complete)) if complete else 1
        time = entry.get("elapsed_time")
        found[epoch] = {
            "epoch": epoch, "iteration": entry["iteration"], "elapsed_time": time if _is_number(time) else None,
            "values": {name: value for name, value in entry.items() if name not in PLACE and _is_number(value)}}
    return [found[epoch] for epoch in sorted(found)]


def best(out):
    """What ``generator_best.json`` says.

    Args:
        out (str or Path): Result folder.

    Returns:
        dict: ``criterion``, ``epoch`` and ``value``; None if there is no such file, or it is not ours.
    """
    try:
        found = json.loads((pathlib.Path(out) / result_folder.BEST).read_text(encoding="utf-8"))
        return {"criterion": str(found["criterion"]), "epoch": int(found["epoch"]), "value": float(found["value"])}
    except (OSError, ValueError, KeyError, TypeError, OverflowError, RecursionError):
        return None


def entry_of(run, path):
    """What the log says of the epoch after which weights were written.

    Args:
        run (Run): The run.
        path (Path): A generator or snapshot in its folder.

    Returns:
        dict: One of ``run.entries``; None if the name does not tell which, as of a snapshot from within an epoch.
    """
    if path.name == result_folder.GENERATOR:
        belonging = run.entries[-1:]
    elif path.name == result_folder.BEST_GENERATOR:
        of_best = best(run.folder)
        belonging = [entry for entry in run.entries if of_best and entry["epoch"] == of_best["epoch"]]
    else:
        belonging = [entry for entry in run.entries if snapshots.file_name(entry["iteration"]) == path.name]
    return next(iter(belonging), None)


def _json(path, kind):
    """What a JSON file holds; empty if there is none yet."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return kind()
    except (OSError, ValueError, RecursionError) as error:
        raise DataError(f"{path}: cannot read it ({error}); delete it, then the page goes without") from None
    if not isinstance(found, kind):
        raise DataError(f"{path}: holds a {type(found).__name__}, not what a training writes; delete it") from None
    return found


def _is_count(value):
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**53


def _is_number(value):
    return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)
