"""A claim's outcome in words, for the report and the command line."""

import math

from experiments import verdicts
from experiments.scales import SUBJECTS


def describe_data(data):
    """A slice set in words.

    Args:
        data (dict): Its facts.

    Returns:
        str: Name, number of training subjects, what images are held against.
    """
    used = f" (an arm uses the first {SUBJECTS} unless it says otherwise)" if data["subjects"] > SUBJECTS else ""
    held_out = f"and, for coverage and copies, {data['held_out']} of held-out subjects" if data["held_out"] else ""
    return (f"{data['name']}, {data['subjects']} training subjects{used}, held against their {data['slices']} slices "
            f"{held_out}").rstrip()


def measured(part, outcome):
    """A comparison in words and numbers.

    Args:
        part (experiments.definition.Part): The comparison.
        outcome (experiments.verdicts.Outcome): What came of it.

    Returns:
        str: Such as ``noise.inside ×0.83 (0.71 to 0.97, n 5)``.
    """
    if outcome.verdict == verdicts.NOT_RUN:
        return f"{part.measure}: not run"
    if math.isnan(outcome.effect):
        return f"{part.measure}: {outcome.note}"
    shown = [outcome.effect, outcome.low, outcome.high]
    if part.relative:
        mean, low, high = (f"{value:.3g}" for value in shown)
        mean = f"×{mean}"
    elif isinstance(part.than, float):
        mean, low, high = (f"{value + part.than:.3g}" for value in shown)
    else:
        mean, low, high = (f"{value:+.3g}" for value in shown)
    interval = f" (n {outcome.pairs})" if math.isnan(outcome.low) else f" ({low} to {high}, n {outcome.pairs})"
    return f"{part.measure} {mean}{interval}" + (f", {outcome.note}" if outcome.note else "")


def verdict(finding):
    """The verdict on a claim in words.

    Args:
        finding (experiments.findings.Finding): The claim.

    Returns:
        str: Such as ``holds``, or ``holds (so far)`` where seeds of the plan are yet to be run.
    """
    final = finding.complete or finding.verdict in (verdicts.NOT_RUN, verdicts.TRIAL)
    return finding.verdict if final else f"{finding.verdict} (so far)"


def claimed(part):
    """What a comparison is claimed to give.

    Args:
        part (experiments.definition.Part): The comparison.

    Returns:
        str: Such as ``baseline lower than no dropout, by more than a factor of 1.1``.
    """
    size = f"a factor of {part.margin:.3g}" if part.relative else f"{part.margin:g}"
    names = {"arms": f"spread over arms ({', '.join(part.among)})", "seeds": "spread over seeds"}
    of = names.get(part.of, part.of)
    than = f"{part.than:g}" if isinstance(part.than, float) else names.get(part.than, part.than)
    if part.direction == "alike":
        return f"{of} and {than} alike, within {size}"
    bound = f", by more than {size}" if part.relative or part.margin else ""
    return f"{of} {part.direction} than {than}{bound}"


def title(campaign):
    """What tells a campaign from the others.

    Args:
        campaign (experiments.findings.Campaign): The campaign.

    Returns:
        str: Scale, slice set, processor and revision.
    """
    return f"{campaign.scale.name}, {campaign.data['name']}, {campaign.device}, revision {_short(campaign.revision)}"


def _short(revision):
    """A git revision in ten digits, with the mark of changes that were not committed."""
    digits, mark, _ = (revision or "unknown").partition("-dirty")
    return digits[:10] + mark
