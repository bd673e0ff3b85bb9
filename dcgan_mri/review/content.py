"""What the page says, without the pictures."""

import dataclasses

from dcgan_mri.review import charts, status, words
from dcgan_mri.review import run as runs
from dcgan_mri.run import result_folder

# What the page's program needs.
PROGRAM = ("epochs", "start", "xs", "verdicts", "nearer", "marks", "cells")


def content(read, slices, names, public):
    """What the page says.

    Args:
        read (list of dcgan_mri.run.reading.Run): The runs.
        slices (list of dcgan_mri.slice_set.Slices): Their training slices; None where they are not found.
        names (list of str): What to call the runs.
        public (bool): Leave out hosts, paths and command lines.

    Returns:
        dict: For the template; what `PROGRAM` names goes to the page's program too.
    """
    epochs = sorted({epoch for run in read for epoch in [*run.grids, *(entry["epoch"] for entry in run.entries)]})
    # Several runs are first seen where all of them have images.
    start = min(max(run.grids, default=0) for run in read)
    flagged = [status.flags(run) for run in read]
    shown = words.charts([name for run in read for entry in run.entries for name in entry["values"]],
                         {name: of for run in read for name, of in run.scale.items()})
    rows = [(chart, name, label) for chart in shown for name, label in chart.curves]
    settings = [runs.differences(run.config) for run in read]
    return {
        "epochs": epochs, "start": epochs.index(start) if start in epochs else max(0, len(epochs) - 1),
        "xs": [round(charts.x_of(epoch, epochs), 1) for epoch in epochs],
        "verdicts": [[status.verdict(run, epoch) for epoch in epochs] for run in read],
        "nearer": [status.nearer(read, names, epoch) for epoch in epochs] if len(read) > 1 else [],
        "runs": [{"name": name, "settings": of_run, **_run(run, mine, wrong, public)}
                 for run, mine, name, of_run, wrong in zip(read, slices, names, settings, flagged, strict=True)],
        "differing": [of_runs for of_runs in zip(*settings, strict=True)
                      if len({repr(setting["value"]) for setting in of_runs}) > 1],
        "charts": [{**dataclasses.asdict(chart), "drawn": charts.draw(chart, read, epochs, flagged),
                    "rows": [rows.index((chart, name, label)) for name, label in chart.curves]} for chart in shown],
        "rows": [{"title": words.title(name), "label": label if words.title(name) != chart.title else "",
                  "unit": chart.unit, "real": _real(read, name)} for chart, name, label in rows],
        "cells": [[_cells(run, name, epochs) for run in read] for _, name, _ in rows],
        "marks": _marks(read, flagged, epochs), "rule": status.RULE, "key": words.KEY, "planned": read[0].config.epoch,
        "phantom": any(mine and status.is_phantom(mine) for mine in slices)}


def _run(run, slices, flagged, public):
    """What the head of the page and its facts say of one run."""
    kind, _ = flagged.get(max(run.grids, default=0), ("", ""))
    return {
        "what": status.what(run, slices), "progress": status.progress(run), "best": status.best_epoch(run),
        "keeps_best": (run.folder / result_folder.BEST_GENERATOR).exists(), "newest": kind, "trend": status.trend(run),
        "flagged": status.in_words(flagged, bool(kind)), "facts": runs.facts(run, slices, public)}


def _marks(read, flagged, epochs):
    """Where the lowest KIDs and the epochs that went wrong are: on the curves, and in percent of the slider."""
    found = [(i, status.best_epoch(run), "lowest KID") for i, run in enumerate(read)]
    found += [(i, epoch, f"{kind} ({why})") for i, of_run in enumerate(flagged)
              for epoch, (kind, why) in of_run.items()]
    return [{"run": i, "epoch": epoch, "text": text, "best": text == "lowest KID",
             "x": round(charts.x_of(epoch, epochs), 1),
             "percent": round(100 * epochs.index(epoch) / max(1, len(epochs) - 1), 2)}
            for i, epoch, text in found if epoch is not None]


def _real(read, name):
    """The range of real slices, as a text."""
    found = dict.fromkeys(words.band(run.scale, name) for run in read)
    return "; ".join(words.span(edges) for edges in found if edges)


def _cells(run, name, epochs):
    """A row of the table, for one run: for each epoch a text and how far from real it is."""
    entries, real = {entry["epoch"]: entry for entry in run.entries}, words.band(run.scale, name)
    real_kid = words.band(run.scale, status.KID)
    cells = []
    for epoch in epochs:
        entry = entries.get(epoch)
        if entry is None:
            cells.append(["–", ""])
        elif name in entry["values"]:
            kid = words.beyond(entry["values"].get(status.KID), real_kid)
            cells.append(words.reading(entry["values"][name], real, kid))
        else:
            cells.append([f"– ({words.why_missing(name, entry, run.entries)})", ""])
    return cells
