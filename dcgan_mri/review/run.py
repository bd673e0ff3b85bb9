"""What a result folder says, as the page takes it."""

import dataclasses
import json
import math
import pathlib

from dcgan_mri import config as settings
from dcgan_mri.run import sample_grids
from dcgan_mri.errors import DataError
from dcgan_mri.review.words import duration

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
    if not (folder / "config.yaml").exists():
        raise DataError(f"{folder}: not a result folder, config.yaml is missing; name the -o folder of a training")
    starts = _json(folder / "environment.json", dict).get("starts", [])
    return Run(
        folder=folder, config=settings.build(file=folder / "config.yaml"),
        starts=[start for start in starts if isinstance(start, dict)],
        entries=by_grid(_json(folder / "log", list)), scale=_json(folder / "measures.json", dict),
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


def differences(config):
    """The settings, each with what the paper has.

    Args:
        config (Config): The settings of a run.

    Returns:
        list of dict: ``name``, ``value``, ``paper``, ``differs``, ``help`` and ``source``.
    """
    paper = settings.Config()
    return [{
        "name": field.name, "value": getattr(config, field.name), "paper": getattr(paper, field.name),
        "differs": getattr(config, field.name) != getattr(paper, field.name),
        "help": field.metadata["help"], "source": field.metadata["source"]}
        for field in dataclasses.fields(config)]


def facts(run, slices, public=False):
    """What one asks of a run, in words.

    Args:
        run (Run): The run.
        slices (dcgan_mri.slice_set.Slices): Its training slices; None if they are not found.
        public (bool): Leave out hosts, paths and the command line.

    Returns:
        list of list: Pairs of a name and a text.
    """
    start = run.starts[-1] if run.starts else {}
    private = ("hosts", "command") if public else ()
    found = [] if public else [["Result folder", str(run.folder)]]
    if "dataset" in start and not public:
        found.append(["Slice set", f"{start['dataset']}" + ("" if slices else "; not found from here")])
    if run.entries:
        last = run.entries[-1]
        found.append(["Trained", f"{last['iteration']} iterations, to epoch {last['epoch']} of {run.config.epoch}"])
        if last["elapsed_time"] is not None and last["elapsed_time"] > 0:
            pace = last["elapsed_time"] / last["iteration"]
            found.append(["Speed", f"{pace:.3g} s an iteration, {run.config.batchsize / pace:.3g} images a second, "
                                   f"{duration(last['elapsed_time'])} in all"])
    for name, key in [("Processes", "ranks"), ("Hosts", "hosts"), ("Device", "device"),
                      ("Communicator", "communicator"), ("Threads of each process", "threads_per_rank"),
                      ("Python", "python"), ("Platform", "platform"), ("Source revision", "git_revision"),
                      ("Started", "time"), ("Command", "command")]:
        value = start.get(key)
        if value is not None and key not in private:
            found.append([name, " ".join(map(str, value)) if isinstance(value, list) else str(value)])
    if len(run.starts) > 1:
        found.append(["Starts", f"{len(run.starts)}, the last one shown here"])
    packages = start.get("packages")
    if isinstance(packages, dict):
        found.append(["Packages", ", ".join(f"{name} {version}" for name, version in packages.items() if version)])
    return found


def _json(path, kind):
    """What a JSON file holds; empty if there is none yet."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return kind()
    except (OSError, ValueError) as error:
        raise DataError(f"{path}: cannot read it ({error}); delete it, then the page goes without") from None
    if not isinstance(found, kind):
        raise DataError(f"{path}: holds a {type(found).__name__}, not what a training writes; delete it") from None
    return found


def _is_count(value):
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**53


def _is_number(value):
    return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)
