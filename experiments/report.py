"""The report: every claim with what was measured of it. It follows from the records alone."""

import math
import pathlib

import numpy as np

from dcgan_mri.errors import DataError
from dcgan_mri.files import write_text
from experiments import figures, findings, records, verdicts
from experiments.data import PHANTOM
from experiments.plan import missing_arms
from experiments.scales import SUBJECTS

NAME = "REPORT.rst"
# The measure that PROTOCOL.rst calls quality.
QUALITY = "kid"


def write(out, experiments):
    """Collect the records, draw the figures, write the report.

    Args:
        out (str or Path): Results folder.
        experiments (dict): Identifier to `Experiment`.

    Returns:
        list of experiments.findings.Finding: Everything found, campaign by campaign.

    Raises:
        DataError: If there is no record, or one cannot be read, or the report not be written.
    """
    out = pathlib.Path(out)
    found = records.collect(out)
    if not found:
        raise DataError(f"{out}: nothing has been run there; `python -m experiments run fig4` takes some minutes")
    records.write_collected(out, found)
    campaigns = findings.campaigns(found, records.read_real(out))
    everything = [findings.find(experiment, campaign) for campaign in campaigns for experiment in experiments.values()]
    for finding in everything:
        if finding.judged:
            figures.draw(out, finding)
    pictures = {(finding.experiment.id, finding.campaign.scale.name, finding.campaign.name): path
                for finding in everything if finding.campaign.data["name"] == PHANTOM
                and finding.judged and (path := figures.path_of(out, finding)).exists()}
    write_text(out / NAME, text(experiments, campaigns, everything, pictures, out))
    return everything


def text(experiments, campaigns, everything, pictures, out):
    """The report as reStructuredText.

    Args:
        experiments (dict): Identifier to `Experiment`.
        campaigns (list of experiments.findings.Campaign): What has been run.
        everything (list of experiments.findings.Finding): One for each campaign and experiment.
        pictures (dict): (identifier, scale, slice set) to the figure's file; those on the phantom only.
        out (Path): Results folder, which the figures are named from.

    Returns:
        str: The text.
    """
    lines = [*_heading("What came of the paper's claims", "="), INTRODUCTION, ""]
    for campaign in campaigns:
        lines += _campaign(campaign, [finding for finding in everything if finding.campaign is campaign])
    lines += _heading("Claim by claim", "-")
    for experiment in experiments.values():
        of_this = [finding for finding in everything if finding.experiment is experiment and finding.judged]
        if of_this:
            lines += _claim(experiment, of_this, pictures, out)
    return "\n".join(lines).rstrip() + "\n"


INTRODUCTION = """\
Written by ``python -m experiments report`` from ``results.json``, which holds the measured numbers of every run; by
hand are only the paragraphs that begin with *Remark*, written after the runs. How a claim becomes a verdict is in
`PROTOCOL.rst <../PROTOCOL.rst>`_, written down before the runs; what was amended since is at its end. Not every row is
the paper's own claim: ``released`` is what a reader takes from a paper with code, ``fw-…`` are its ideas for later.

Effects are over the seeds that both arms have, ``n`` of them, with a 95 % interval. ``×`` stands before the geometric
mean of the ratios of two arms, a sign before the mean of their differences; a number with neither is the measured value
itself. Means of arms are arithmetic, with the value of each seed in brackets, so that a ratio of two of them is not the
effect; *real slices* is what as many real slices give in place of generated ones. Verdicts at the small scale are about
small networks that train for a minute: they say whether an effect shows there, not whether the paper saw it at full
size."""


def describe_data(data):
    """A slice set in words.

    Args:
        data (dict): Its facts.

    Returns:
        str: Name, number of training subjects, what images are held against.
    """
    against = {"held-out": "slices of held-out subjects", "train": "training slices"}[data["reference"]]
    used = f" (an arm uses the first {SUBJECTS} unless it says otherwise)" if data["subjects"] > SUBJECTS else ""
    return (f"{data['name']}, {data['subjects']} training subjects{used}, held against {data['reference_slices']} "
            f"{against}")


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
        mean, low, high = (f"{_bounded_exp(value):.3g}" for value in shown)
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
    final = finding.complete or finding.verdict == verdicts.NOT_RUN
    return finding.verdict if final else f"{finding.verdict} (so far)"


def claimed(part):
    """What a comparison is claimed to give.

    Args:
        part (experiments.definition.Part): The comparison.

    Returns:
        str: Such as ``baseline lower than no dropout, by more than a factor of 1.1``.
    """
    size = f"a factor of {math.exp(part.margin):.3g}" if part.relative else f"{part.margin:g}"
    names = {"arms": f"spread over arms ({', '.join(part.among)})", "seeds": "spread over seeds"}
    of = names.get(part.of, part.of)
    than = f"{part.than:g}" if isinstance(part.than, float) else names.get(part.than, part.than)
    if part.direction == "alike":
        return f"{of} and {than} alike, within {size}"
    bound = f", by more than {size}" if part.margin else ""
    return f"{of} {part.direction} than {than}{bound}"


def _campaign(campaign, its_findings):
    """The table of one scale and slice set."""
    used = list(campaign.records.values())
    hours = sum(record["seconds"] for record in used) / 3600
    title = f"Scale {campaign.scale.name}, {campaign.name}"
    lines = [*_heading(title, "-"), f"* Scale: {campaign.scale.meaning}.",
             f"* Data: {describe_data(campaign.data)} (manifest {campaign.data['fingerprint']}).",
             f"* {len(used)} runs, {hours:.1f} hours of computing; {len(campaign.seeds)} seeds; {_device(used)}; "
             f"revision {', '.join(sorted({_short(record['revision']) for record in used}))}."]
    lines += [f"* {line}" for line in (_tally(its_findings), _resolution(its_findings)) if line]
    if campaign.data["name"] != PHANTOM:
        lines.append("* Images made from these slices are not in the repository; the figures are beside the runs.")
    stale = len(used) - len({id(record) for finding in its_findings for record in finding.used})
    if stale:
        lines.append(f"* {stale} runs are of settings that no experiment has now, and are left out.")
    lines += ["", ".. list-table::", "   :header-rows: 1", "   :widths: 9 27 32 10 6 6 5 5", ""]
    lines += _row("claim", "in short", "measured", "verdict", "scale", "data", "device", "date")
    for finding in its_findings:
        short = f"{finding.experiment.claim} ({finding.experiment.place})"
        if not finding.judged:
            lines += _row(finding.experiment.id, short, "", finding.verdict, campaign.scale.name, campaign.name, "", "")
        else:
            lines += _row(
                finding.experiment.id, short,
                "; ".join(measured(part, outcome) for part, outcome in finding.decides), f"**{verdict(finding)}**",
                campaign.scale.name, campaign.name, _device(finding.used),
                max(record["date"] for record in finding.used))
    return [*lines, ""]


def _claim(experiment, of_this, pictures, out):
    """The section of one claim."""
    figure = f", {experiment.figure}" if experiment.figure and experiment.figure not in experiment.place else ""
    lines = [*_heading(experiment.id, "~"), f"{experiment.claim} ({experiment.place}{figure})", ""]
    if experiment.note:
        lines += [experiment.note, ""]
    if experiment.remark:
        lines += [f"*Remark*: {experiment.remark}", ""]
    for arm, (preset, changes) in experiment.arms.items():
        what = "".join(f", {name} {value}" for name, value in changes.items())
        iterations = sorted({record["iterations"] for finding in of_this for record in finding.arms[arm].values()})
        lines.append(f"* *{arm}*: preset {preset}{what}; {' or '.join(map(str, iterations)) or 'no'} iterations")
    lines.append("")
    for finding in of_this:
        scale, data = finding.campaign.scale.name, finding.campaign.name
        lines += [f"Scale {scale}, {data}: **{verdict(finding)}**", ""]
        subjects = finding.campaign.data["subjects"]
        left_out = missing_arms(experiment, subjects)
        if left_out:
            lines += [f"Left out, since {data} has {subjects} training subjects: {', '.join(left_out)}.", ""]
        lines += [".. list-table::", "   :header-rows: 1", "   :widths: 8 34 22 26 10", ""]
        lines += _row("", "claimed", "means of the arms (each seed)", "effect", "verdict")
        for word, parts in (("decides", finding.decides), ("also", finding.also)):
            for part, outcome in parts:
                lines += _row(word, f"{part.measure}: {claimed(part)}", _means(finding, part),
                              measured(part, outcome), outcome.verdict)
        lines.append("")
        picture = pictures.get((experiment.id, scale, data))
        if picture:
            of_paper = f"as the paper's {experiment.figure}, " if experiment.figure else ""
            caption = CAPTIONS[experiment.shows].format(of_paper) + _of_seed(finding)
            lines += [f".. figure:: {picture.relative_to(out).as_posix()}",
                      f"   :alt: {experiment.claim}", "", f"   {caption}", ""]
    return lines


CAPTIONS = {
    "images": "Made from the phantom; {}a row for each arm, columns of the same image seeds.",
    "extremes": "Made from the phantom; {}successes and failures by the rule above.",
    "epochs": "Along the epochs of the long run; phantom.",
    "scores": "D(real) - D(generated), epoch by epoch, a line for each run; phantom.",
    "values": "Every run of every arm; phantom.",
}


def _tally(its_findings):
    """How many claims came out how."""
    words = [finding.verdict for finding in its_findings]
    counts = ", ".join(f"{word} {words.count(word)}" for word in (
        verdicts.HOLDS, verdicts.FAILS, verdicts.UNDECIDED, verdicts.NOT_RUN) if word in words)
    return f"{len(words)} claims: {counts}."


def _resolution(its_findings):
    """How small a difference in quality these runs can tell: half the width of the intervals, as a factor."""
    judged = [judged for finding in its_findings for judged in finding.decides + finding.also]
    reach = [(outcome.high - outcome.low) / 2 for part, outcome in judged
             if part.measure == QUALITY and part.relative and not part.among and outcome.pairs >= verdicts.LEAST_PAIRS
             and not math.isnan(outcome.low)]
    if not reach:
        return ""
    return (f"What these seeds can tell: in half of {len(reach)} comparisons of {QUALITY}, the interval reaches at "
            f"least a factor of {_bounded_exp(np.median(reach)):.2g} to either side. *Undecided* says that so few "
            "seeds cannot tell an effect of that size from none, not that there is none.")


def _bounded_exp(value):
    """The exponential, or infinity where two seeds differ so far that an end of the interval has no number."""
    return math.exp(value) if value < 700 else math.inf


def _means(finding, part):
    """Means of the arms over the seeds that the effect is of; over all that an arm has where there is no such seed."""
    by_arm = {arm: {seed: value for seed, value in finding.values[part.measure].get(arm, {}).items()
                    if value is not verdicts.Diverged and not math.isnan(value)} for arm in part.arms}
    paired = set.intersection(*map(set, by_arm.values()))
    texts = []
    for arm, by_seed in by_arm.items():
        values = [value for seed, value in by_seed.items() if seed in paired or not paired]
        if values:
            texts.append(f"{arm} {np.mean(values):.3g} ({', '.join(f'{value:.3g}' for value in values)})")
    real = finding.campaign.real.get(part.measure, math.nan)
    if not math.isnan(real):
        texts.append(f"real slices {real:.3g}")
    return "; ".join(texts)


def _of_seed(finding):
    """Which training a picture shows, and how good that one is: it may be the arm's best or its worst."""
    seeds = [set(by_seed) for by_seed in finding.arms.values() if by_seed]
    if finding.experiment.shows not in ("images", "extremes") or not set.intersection(*seeds):
        return ""
    seed = min(set.intersection(*seeds))
    values = {arm: by_seed[seed]["values"].get(QUALITY, math.nan) for arm, by_seed in finding.arms.items() if by_seed}
    return f" Training seed {seed}, {QUALITY} " + ", ".join(f"{arm} {value:.3g}" for arm, value in values.items()) + "."


def _short(revision):
    """A git revision in ten digits, with the mark of changes that were not committed."""
    digits, mark, _ = (revision or "unknown").partition("-dirty")
    return digits[:10] + mark


def _device(used):
    return ", ".join(sorted({record["device"] for record in used}))


def _row(*cells):
    return [f"   {'* -' if i == 0 else '  -'} {cell}".rstrip() for i, cell in enumerate(cells)]


def _heading(title, mark):
    return [title, mark * len(title), ""]
