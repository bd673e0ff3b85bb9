"""What one wants to know first: how far a run is, whether it gets better, and which epochs went wrong."""

import datetime
import itertools
import json
import math

from dcgan_mri.run import result_folder
from dcgan_mri.review.words import band, beyond, distance, duration, number, reading, title

KID, SIMILARITY, LEVELS = "measure/kid", "measure/diversity.similarity", "measure/variety.levels"
SCORES = ("gen/loss", "dis/loss", "dis/y_real", "dis/y_fake")
ONE_IMAGE, ONE_LEVEL = "nearly the same image every time", "nearly the same level in the brain in all images"
# The rule that flags an epoch, in numbers and in words.
COLLAPSE_FROM, COLLAPSE_SIMILARITY, COLLAPSE_LEVELS, DIVERGED_KID, DIVERGED_SCORE = 3, 1.2, 0.25, 10, 1000
# Most epochs, or ranges of them, that are named one by one.
LISTED = 6
RULE = (f"{ONE_IMAGE.capitalize()}: the likeness of pairs is more than {COLLAPSE_SIMILARITY} times the highest of real "
        f"slices. {ONE_LEVEL.capitalize()}: the levels of the real slices nearest to the images vary less than "
        f"{COLLAPSE_LEVELS} times as much as those of all real slices. Both only from epoch {COLLAPSE_FROM} on: the "
        f"first images of every run are alike. Diverged: KID is more than {DIVERGED_KID} times the lowest before and "
        f"the highest of real slices, or a loss or a mean score is beyond ±{DIVERGED_SCORE}.")


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
    return min(_kids(run), default=(None, None))[1]


def flags(run):
    """The epochs that went wrong, by `RULE`.

    Args:
        run (dcgan_mri.run.reading.Run): The run.

    Returns:
        dict: Epoch to `ONE_IMAGE`, `ONE_LEVEL` or ``diverged``, and a text with the measure, its value and the limit.
    """
    found, lowest = {}, math.inf
    _, alike = band(run.scale, SIMILARITY) or (0, math.inf)
    _, real_kid = band(run.scale, KID) or (0, 0)
    for entry in run.entries:
        values = entry["values"]
        limits = [("diverged", KID, -math.inf, DIVERGED_KID * max(lowest, real_kid)),
                  *(("diverged", name, -DIVERGED_SCORE, DIVERGED_SCORE) for name in SCORES)]
        if entry["epoch"] >= COLLAPSE_FROM:
            limits += [(ONE_IMAGE, SIMILARITY, -math.inf, COLLAPSE_SIMILARITY * alike),
                       (ONE_LEVEL, LEVELS, COLLAPSE_LEVELS, math.inf)]
        for kind, name, low, high in limits:
            value = values.get(name)
            if value is not None and not low <= value <= high:
                limit = high if value > high else low
                found[entry["epoch"]] = kind, f"{title(name)} {number(value)}, limit {number(limit)}"
                break
        lowest = min(lowest, values.get(KID, math.inf))
    return found


def in_words(flagged, newest):
    """Flagged epochs as a text.

    Args:
        flagged (dict): From `flags`.
        newest (bool): Whether the newest epoch is among them.

    Returns:
        str: For example ``Epochs 3, 14 to 16: nearly the same image every time. Not in the newest epoch.``; empty
        without any.
    """
    parts = []
    for kind in (ONE_IMAGE, ONE_LEVEL, "diverged"):
        epochs = sorted(epoch for epoch, (found, _) in flagged.items() if found == kind)
        ranges = [[epoch for _, epoch in group] for _, group in
                  itertools.groupby(enumerate(epochs), lambda pair: pair[1] - pair[0])]
        spans = [f"{of[0]} to {of[-1]}" if len(of) > 1 else str(of[0]) for of in ranges]
        if epochs:
            parts.append(f"epoch{'s' if len(epochs) > 1 else ''} {', '.join(spans)}: {kind}" if len(spans) <= LISTED
                         else f"{len(epochs)} epochs: {kind}")
    text = "; ".join(parts)
    return text and f"{text[0].upper()}{text[1:]}. {'Still so' if newest else 'Not'} in the newest epoch."


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
    """How good the images of an epoch are, by KID.

    Args:
        run (dcgan_mri.run.reading.Run): The run.
        epoch (int): The epoch that is looked at; later ones are not known to it.

    Returns:
        dict: ``value``, ``title`` (with the epoch of it: the newest that was measured) and ``distance``, all texts, and
        ``place`` as in `reading`; None if KID was not measured till then.
    """
    measured = [(kid, of) for kid, of in _kids(run) if of <= epoch]
    if not measured:
        return None
    value, newest = measured[-1]
    real = band(run.scale, KID)
    return {"value": number(value), "title": f"KID in epoch {newest}", "distance": distance(value, real),
            "place": reading(value, real)[1]}


def trend(run):
    """Whether the images of a run got better, by KID.

    Args:
        run (dcgan_mri.run.reading.Run): The run.

    Returns:
        str: A sentence with the first, the lowest and the last KID; empty if KID was never measured.
    """
    kids = _kids(run)
    if len(kids) < 2:
        return "Too early to say whether it gets better." if kids else ""
    first, last = (f"{number(kid)} in epoch {epoch}" for kid, epoch in (kids[0], kids[-1]))
    lowest, best = min(kids)
    if best == kids[-1][1]:
        return f"It got better: from {first} to {last}, its lowest."
    how = "stayed about as good" if kids[-1][0] <= 1.25 * lowest else "got worse"
    before = f"from {first} to " if best > kids[0][1] else ""
    return f"It {how} after epoch {best}: {before}{number(lowest)}, its lowest, then {last}."


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


def _kids(run):
    """Each KID that was measured, and its epoch."""
    return [(entry["values"][KID], entry["epoch"]) for entry in run.entries if KID in entry["values"]]


def _is_over(entries):
    """Whether the last epoch was trained to its end, and not stopped within."""
    an_epoch = max(entry["iteration"] / entry["epoch"] for entry in entries)
    return entries[-1]["iteration"] >= entries[-1]["epoch"] * an_epoch
