"""What one wants to know first: how far a run is, whether it gets better, and which epochs went wrong."""

import datetime
import json

from dcgan_mri.run import result_folder
from dcgan_mri.review.words import duration, number, span

KID, SIMILARITY, LEVELS = "measure/kid", "measure/diversity.similarity", "measure/variety.levels"
SCORES = ("gen/loss", "dis/loss", "dis/y_real", "dis/y_fake")
# The rule that flags an epoch, in numbers and in words.
COLLAPSE_FROM, COLLAPSE_SIMILARITY, COLLAPSE_LEVELS, DIVERGED_KID, DIVERGED_SCORE = 3, 1.2, 0.25, 10, 1000
RULE = (f"From epoch {COLLAPSE_FROM} on an epoch counts as collapsed if its images are too alike: pairs of them "
        f"more than {COLLAPSE_SIMILARITY} times as similar as real slices ever are, or their levels in the brain "
        f"spread less than {COLLAPSE_LEVELS} times as far as those of real slices. It counts as diverged if its KID is "
        f"more than {DIVERGED_KID} times the lowest before it and the highest of real slices, or if a loss or a mean "
        f"score is beyond ±{DIVERGED_SCORE}.")


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
        dict: Epoch to ``collapsed`` or ``diverged``.
    """
    found, lowest = {}, float("inf")
    alike = COLLAPSE_SIMILARITY * ((run.scale.get("diversity.similarity") or {}).get("real_high") or float("inf"))
    real_kid = (run.scale.get("kid") or {}).get("real_high") or 0
    for entry in run.entries:
        values = entry["values"]
        if entry["epoch"] >= COLLAPSE_FROM and (
                values.get(SIMILARITY, 0) > alike or values.get(LEVELS, 1) < COLLAPSE_LEVELS):
            found[entry["epoch"]] = "collapsed"
        kid = values.get(KID)
        if (kid is not None and kid > DIVERGED_KID * max(lowest, real_kid)
                or any(abs(values.get(name, 0)) > DIVERGED_SCORE for name in SCORES)):
            found[entry["epoch"]] = "diverged"
        lowest = lowest if kid is None else min(lowest, kid)
    return found


def in_words(flagged):
    """Flagged epochs as a text.

    Args:
        flagged (dict): From `flags`.

    Returns:
        str: For example ``Epochs 1, 14 to 16 collapsed; epoch 20 diverged.``; empty without any.
    """
    parts = []
    for kind in ("collapsed", "diverged"):
        ranges = []
        for epoch in sorted(epoch for epoch, found in flagged.items() if found == kind):
            if ranges and epoch == ranges[-1][1] + 1:
                ranges[-1][1] = epoch
            else:
                ranges.append([epoch, epoch])
        if ranges:
            spans = [str(first) if first == last else f"{first} to {last}" for first, last in ranges]
            parts.append(f"epoch{'s' if len(ranges) > 1 or ranges[0][0] != ranges[0][1] else ''} "
                         f"{', '.join(spans)} {kind}")
    text = "; ".join(parts)
    return text and f"{text[0].upper()}{text[1:]}."


def progress(run):
    """How far a run is.

    Args:
        run (dcgan_mri.run.reading.Run): The run.

    Returns:
        dict: ``state`` (``begun``, ``running`` or ``finished``), ``text``, and of a running one ``updated`` (when, in
        seconds since 1970) and ``patience`` (after how many seconds without news it has stalled).
    """
    if not run.entries:
        return {"state": "begun", "text": "the first epoch is not over yet"}
    last, total = run.entries[-1], run.config.epoch
    elapsed = last["elapsed_time"]
    if last["epoch"] >= total and _is_over(run.entries):
        return {"state": "finished", "text": f"{total} epochs" + (f" in {duration(elapsed)}" if elapsed else "")}
    text = f"epoch {last['epoch']} of {total}"
    updated = (run.folder / result_folder.LOG).stat().st_mtime
    when = datetime.datetime.fromtimestamp(updated).strftime("%-d %B %H:%M")
    before = run.entries[-2] if len(run.entries) > 1 else {"elapsed_time": 0.0, "iteration": 0}
    seconds = (elapsed or 0) - (before["elapsed_time"] or 0)
    if seconds <= 0:
        return {"state": "running", "text": f"{text}, updated {when}", "updated": updated, "patience": 86400}
    an_iteration = seconds / (last["iteration"] - before["iteration"])
    an_epoch = an_iteration * last["iteration"] / last["epoch"]
    left = an_iteration * last["iteration"] * (total - last["epoch"]) / last["epoch"]
    return {"state": "running", "text": f"{text}, updated {when}, {duration(left)} to go",
            "updated": updated, "patience": 600 + 3 * an_epoch}


def verdict(run):
    """Whether it gets better, by KID.

    Args:
        run (dcgan_mri.run.reading.Run): The run.

    Returns:
        dict: ``value`` (of the newest epoch that was measured), ``epoch``, ``real`` and ``trend``, all texts; None if
        KID was never measured.
    """
    measured = [(entry["epoch"], entry["values"][KID]) for entry in run.entries if KID in entry["values"]]
    if not measured:
        return None
    epoch, value = measured[-1]
    scale = run.scale.get("kid") or {}
    low, high = scale.get("real_low"), scale.get("real_high")
    real = ("No range of real slices: that needs two subjects" if high is None
            else f"Real slices among themselves: {span((low, high))}")
    best, lowest = min(measured, key=lambda pair: pair[1])
    if len(measured) == 1:
        trend = "The first epoch that was measured: too early to say."
    elif high is not None and value <= high:
        trend = "As near as real slices of other subjects are."
    elif best == epoch:
        trend = f"It gets better: the lowest so far, from {number(measured[0][1])} in epoch {measured[0][0]}."
    elif value <= 1.25 * lowest:
        trend = f"About as good as the best, {number(lowest)} in epoch {best}."
    else:
        trend = f"Worse than the best: {number(lowest)} in epoch {best}, {epoch - best} " \
                f"epoch{'s' if epoch - best > 1 else ''} before."
    return {"value": number(value), "epoch": epoch, "real": real, "trend": trend}


def _is_over(entries):
    """Whether the last epoch was trained to its end, and not stopped within."""
    an_epoch = max(entry["iteration"] / entry["epoch"] for entry in entries)
    return entries[-1]["iteration"] >= entries[-1]["epoch"] * an_epoch
