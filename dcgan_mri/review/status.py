"""What one wants to know first: how far a run is, whether it gets better, and which epochs went wrong."""

import datetime
import itertools
import json
import math

from dcgan_mri.run import result_folder
from dcgan_mri.review.words import band, beyond, distance, duration, number, reading, title

KID, SIMILARITY, LEVELS = "measure/kid", "measure/diversity.similarity", "measure/variety.levels"
SCORES = ("gen/loss", "dis/loss", "dis/y_real", "dis/y_fake")
# The rule that flags an epoch, in numbers and in words.
COLLAPSE_FROM, COLLAPSE_SIMILARITY, COLLAPSE_LEVELS, DIVERGED_KID, DIVERGED_SCORE = 3, 1.2, 0.25, 10, 1000
# Most epochs, or ranges of them, that are named one by one.
LISTED = 6
RULE = (f"From epoch {COLLAPSE_FROM} on (the first images of every run are alike) an epoch counts as collapsed if the "
        f"likeness of pairs is more than {COLLAPSE_SIMILARITY} times the highest of real slices, or if the variety of "
        f"levels is below {COLLAPSE_LEVELS}. An epoch counts as diverged if its KID is more than {DIVERGED_KID} times "
        f"the lowest before it and the highest of real slices, or if a loss or a mean score is beyond "
        f"±{DIVERGED_SCORE}.")


def what(run, slices):
    """What is trained on what.

    Args:
        run (dcgan_mri.run.reading.Run): The run.
        slices (dcgan_mri.slice_set.Slices): Its training slices; None if they are not found.

    Returns:
        str: For example ``288 slices of 6 synthetic phantoms, 64×64 pixels``.
    """
    side = run.config.image_size
    size = f"{side}×{side} pixels"
    if slices is None:
        count = (run.starts[-1] if run.starts else {}).get("slices")
        return f"{count} slices, {size}" if count else size
    n_subjects = len(set(slices.subjects))
    kind = "synthetic phantom" if is_phantom(slices) else "subject"
    return f"{len(slices)} slices of {n_subjects} {kind}{'s' if n_subjects > 1 else ''}, {size}"


def is_phantom(slices):
    """Whether slices are synthetic.

    Args:
        slices (dcgan_mri.slice_set.Slices): A slice set.

    Returns:
        bool: As its dataset.json says, or where that is silent, its subjects' names.
    """
    said = json.loads((slices.folder / "dataset.json").read_text(encoding="utf-8")).get("made_from")
    named = all(subject.startswith("phantom") for subject in slices.subjects)
    return said == "synthetic phantom" or said is None and named


def best_epoch(run):
    """The epoch with the lowest KID.

    Args:
        run (dcgan_mri.run.reading.Run): The run.

    Returns:
        int: The epoch; None if KID was never measured.
    """
    measured = [entry for entry in run.entries if KID in entry["values"]]
    return min(measured, key=lambda entry: entry["values"][KID])["epoch"] if measured else None


def flags(run):
    """The epochs that went wrong, by `RULE`.

    Args:
        run (dcgan_mri.run.reading.Run): The run.

    Returns:
        dict: Epoch to ``collapsed`` or ``diverged``, and a text with the measure, its value and the limit.
    """
    found, lowest = {}, math.inf
    _, alike = band(run.scale, SIMILARITY) or (0, math.inf)
    _, real_kid = band(run.scale, KID) or (0, 0)
    for entry in run.entries:
        values = entry["values"]
        limits = [("diverged", KID, -math.inf, DIVERGED_KID * max(lowest, real_kid)),
                  *(("diverged", name, -DIVERGED_SCORE, DIVERGED_SCORE) for name in SCORES)]
        if entry["epoch"] >= COLLAPSE_FROM:
            limits += [("collapsed", SIMILARITY, -math.inf, COLLAPSE_SIMILARITY * alike),
                       ("collapsed", LEVELS, COLLAPSE_LEVELS, math.inf)]
        for kind, name, low, high in limits:
            value = values.get(name)
            if value is not None and not low <= value <= high:
                limit = high if value > high else low
                found[entry["epoch"]] = kind, f"{title(name)} {number(value)}, limit {number(limit)}"
                break
        lowest = min(lowest, values.get(KID, math.inf))
    return found


def in_words(flagged):
    """Flagged epochs as a text.

    Args:
        flagged (dict): From `flags`.

    Returns:
        str: For example ``Epochs 1, 14 to 16 collapsed; epoch 20 diverged (KID 95, limit 51).``, with what was found of
        the last; empty without any.
    """
    parts = []
    for kind in ("collapsed", "diverged"):
        epochs = sorted(epoch for epoch, (found, _) in flagged.items() if found == kind)
        ranges = [[epoch for _, epoch in group] for _, group in
                  itertools.groupby(enumerate(epochs), lambda pair: pair[1] - pair[0])]
        spans = [f"{of[0]} to {of[-1]}" if len(of) > 1 else str(of[0]) for of in ranges]
        if epochs:
            parts.append(f"epoch{'s' if len(epochs) > 1 else ''} {', '.join(spans)} {kind}" if len(spans) <= LISTED
                         else f"{len(epochs)} epochs {kind}")
    text = "; ".join(parts)
    where = f"epoch {max(flagged)}: " if len(flagged) > 1 else ""
    return text and f"{text[0].upper()}{text[1:]} ({where}{flagged[max(flagged)][1]})."


def progress(run):
    """How far a run is.

    Args:
        run (dcgan_mri.run.reading.Run): The run.

    Returns:
        dict: ``state`` and ``text``; ``news``, such as ``updated``, ``time`` of the news in seconds since 1970, and
        ``when`` as a text; and of a run under way with a known pace ``left`` (how long it still takes) and ``patience``
        (after how many seconds without news it has stalled), else None.
    """
    entries, total = run.entries, run.config.epoch
    time = (run.folder / (result_folder.LOG if entries else result_folder.CONFIG)).stat().st_mtime
    found = {"time": time, "when": datetime.datetime.fromtimestamp(time).strftime("%-d %B %H:%M"), "left": None,
             "patience": None}
    if not entries:
        return {"state": "Running", "text": "the first epoch is not over yet", "news": "started", **found}
    last = entries[-1]
    elapsed = last["elapsed_time"]
    if last["epoch"] >= total and _is_over(entries):
        text = f"{total} epochs" + (f" in {duration(elapsed)}" if elapsed else "")
        return {"state": "Finished", "text": text, "news": "ended", **found}
    before = entries[-2] if len(entries) > 1 else {"elapsed_time": 0.0, "iteration": 0}
    seconds = (elapsed or 0) - (before["elapsed_time"] or 0)
    found["patience"] = 86400
    if seconds > 0:
        an_iteration = seconds / (last["iteration"] - before["iteration"])
        an_epoch = an_iteration * last["iteration"] / last["epoch"]
        found |= {"left": duration(an_epoch * (total - last["epoch"])), "patience": 600 + 3 * an_epoch}
    return {"state": "Running", "text": f"epoch {last['epoch']} of {total}", "news": "updated", **found}


def verdict(run, epoch):
    """How good the images are and whether they get better, by KID.

    Args:
        run (dcgan_mri.run.reading.Run): The run.
        epoch (int): The epoch that is looked at; later ones are not known to it.

    Returns:
        dict: ``value``, ``title`` (with the epoch of it: the newest that was measured), ``distance``, ``trend``, all
        texts, and ``place`` as in `reading`; None if KID was not measured till then.
    """
    measured = [(entry["epoch"], entry["values"][KID]) for entry in run.entries
                if KID in entry["values"] and entry["epoch"] <= epoch]
    if not measured:
        return None
    newest, value = measured[-1]
    real = band(run.scale, KID)
    best, lowest = min(measured, key=lambda pair: pair[1])
    if len(measured) == 1:
        trend = "The first epoch that was measured: too early to say whether it gets better."
    elif best == newest:
        trend = f"It gets better: the lowest so far, from {number(measured[0][1])} in epoch {measured[0][0]}."
    elif value <= 1.25 * lowest:
        trend = f"About as good as the lowest so far, {number(lowest)} in epoch {best}."
    else:
        trend = f"Worse than in epoch {best}, which had {number(lowest)}."
    return {"value": number(value), "title": f"KID in epoch {newest}", "distance": distance(value, real),
            "trend": trend, "place": reading(value, real)[1]}


def nearer(runs, names, epoch):
    """Which of several runs is nearer to real slices.

    Args:
        runs (list of dcgan_mri.run.reading.Run): The runs.
        names (list of str): What to call them.
        epoch (int): The epoch that is looked at.

    Returns:
        str: A sentence.
    """
    kids = []
    for run, name in zip(runs, names, strict=True):
        kid = next((entry["values"].get(KID) for entry in run.entries if entry["epoch"] == epoch), None)
        if kid is None:
            return f"In epoch {epoch} {name} has no KID: which run is nearer to real slices is not known."
        kids.append((beyond(kid, band(run.scale, KID)), kid, f"{name} ({number(kid)})"))
    kids.sort()
    first, *others = (text for *_, text in kids)
    relation = "is as near to real slices as" if kids[0][1] == kids[1][1] else "is nearer to real slices than"
    return f"In epoch {epoch}, by KID, {first} {relation} {' and '.join(others)}."


def _is_over(entries):
    """Whether the last epoch was trained to its end, and not stopped within."""
    an_epoch = max(entry["iteration"] / entry["epoch"] for entry in entries)
    return entries[-1]["iteration"] >= entries[-1]["epoch"] * an_epoch
