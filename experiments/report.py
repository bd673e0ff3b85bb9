"""The report: every claim with what was measured of it. It follows from the records alone."""

import math
import pathlib

import numpy as np

from dcgan_mri.errors import DataError
from dcgan_mri.files import write_text
from experiments import figures, findings, records, verdicts
from experiments.data import PHANTOM
from experiments.plan import missing_arms
from experiments.wording import claimed, describe_data, measured, title, verdict

NAME = "REPORT.rst"
# The measure that README.rst calls quality.
QUALITY = "kid"


def of_runs(out, experiments):
    """Draw the figures of a folder of runs, and write its report beside them.

    Args:
        out (str or Path): Folder for runs.
        experiments (dict): Identifier to `Experiment`.

    Returns:
        list of experiments.findings.Finding: Everything found, campaign by campaign.

    Raises:
        DataError: If there is no record, or one cannot be read, or the report not be written.
    """
    def draw(finding):
        runs = records.campaign_folder(out, finding.campaign.scale.name, finding.campaign.data["name"])
        return figures.draw(figure_of_runs(out, finding), finding, runs)

    return _write(out, *records.of_runs(out), experiments, figure_of_runs, draw)


def published(results, experiments, out=None):
    """Write the report from the published numbers.

    Args:
        results (str or Path): Folder for results.
        experiments (dict): Identifier to `Experiment`.
        out (str or Path): Folder of runs that are published first, with figures of the phantom; None for none.

    Returns:
        list of experiments.findings.Finding: Everything found, campaign by campaign.

    Raises:
        DataError: If there is no record, or one cannot be read, or the report not be written.
    """
    if out is not None:
        runs, real = records.of_runs(out)
        records.publish(results, runs, real)
        for finding in _findings(runs, real, experiments):
            if finding.judged and finding.campaign.data["name"] == PHANTOM:
                folder = records.campaign_folder(out, finding.campaign.scale.name, PHANTOM)
                figures.draw(figure_of_results(results, finding), finding, folder)
    return _write(results, *records.collected(results), experiments, figure_of_results)


def figure_of_runs(out, finding):
    """Where the figure of a finding is, beside its runs.

    Args:
        out (str or Path): Folder for runs.
        finding (experiments.findings.Finding): The finding.

    Returns:
        Path: A PNG.
    """
    folder = records.campaign_folder(out, finding.campaign.scale.name, finding.campaign.data["name"])
    return folder / "figures" / f"{finding.experiment.id}.png"


def figure_of_results(results, finding):
    """Where the figure of a finding is published; those made from the phantom only.

    Args:
        results (str or Path): Folder for results.
        finding (experiments.findings.Finding): The finding.

    Returns:
        Path: A PNG.
    """
    first = finding.used[0]
    name = "-".join(filter(None, (finding.experiment.id, (first["revision"] or "")[:7])))
    return records.published_folder(results, first) / "figures" / f"{name}.png"


def _findings(runs, real, experiments):
    return [findings.find(experiment, campaign) for campaign in findings.campaigns(runs, real)
            for experiment in experiments.values()]


def _write(folder, runs, real, experiments, figure_of, draw=None):
    folder = pathlib.Path(folder)
    if not runs:
        raise DataError(f"{folder}: nothing has been run there; begin with `python -m experiments run fig4`")
    everything = _findings(runs, real, experiments)
    pictures = {}
    for finding in everything:
        if finding.judged:
            path = figure_of(folder, finding)
            if draw(finding) if draw else path.exists():
                pictures[id(finding)] = path.relative_to(folder).as_posix()
    write_text(folder / NAME, text(experiments, everything, pictures))
    return everything


def text(experiments, everything, pictures):
    """The report as reStructuredText.

    Args:
        experiments (dict): Identifier to `Experiment`.
        everything (list of experiments.findings.Finding): One for each campaign and experiment.
        pictures (dict): Identity of a finding to its figure, named from the report's folder.

    Returns:
        str: The text.
    """
    campaigns = list({id(finding.campaign): finding.campaign for finding in everything}.values())
    of_each = [[finding for finding in everything if finding.campaign is campaign] for campaign in campaigns]
    lines = [*_heading("What came of the paper's claims", "="), INTRODUCTION, "", *_side_by_side(campaigns, of_each)]
    for campaign, its_findings in zip(campaigns, of_each, strict=True):
        lines += _campaign(campaign, its_findings)
    lines += _heading("Claim by claim", "-")
    for experiment in experiments.values():
        of_this = [finding for finding in everything if finding.experiment is experiment and finding.judged]
        if of_this:
            lines += _claim(experiment, of_this, pictures)
    return "\n".join(lines).rstrip() + "\n"


INTRODUCTION = """\
Written by ``python -m experiments report`` from the ``results.json`` files, which hold the numbers of every run;
by hand are only the paragraphs that begin with *Remark*, written after the runs. How a claim becomes a verdict is in
`experiments/README.rst <../README.rst>`_, written down before the runs. Not every row is the paper's own claim:
``released`` is what a reader takes from a paper with code, ``fw-…`` are its ideas for later, ``im-…`` go beyond it.

A value of a run is the mean over its last five epochs. Effects are over the seeds that both arms have, ``n`` of them,
with a 95 % interval of the bootstrap over seeds. ``×`` stands before the ratio of two arms' means, a sign before their
difference; a number with neither is the measured value itself. Means of arms have the value of each seed in brackets,
with that of its twin behind a tilde; *real slices* is what slices of held-out subjects, a hundred at most, give in
place of generated ones."""


def _side_by_side(campaigns, of_each):
    """The verdicts of all campaigns that decide, a column each."""
    deciding = [(campaign, its_findings) for campaign, its_findings in zip(campaigns, of_each, strict=True)
                if campaign.scale.decides]
    if not deciding:
        return []
    lines = [*_heading("Verdicts", "-"), ".. list-table::", "   :header-rows: 1", ""]
    lines += _row("claim", "in short", *(title(campaign) for campaign, _ in deciding))
    for of_claim in zip(*(its_findings for _, its_findings in deciding), strict=True):
        experiment = of_claim[0].experiment
        lines += _row(experiment.id, experiment.claim, *map(verdict, of_claim))
    return [*lines, ""]


def _campaign(campaign, its_findings):
    """What one campaign rests on, and what it measured of the claims that were run in it."""
    used = list(campaign.records.values())
    hours = sum(record["seconds"] for record in used) / 3600
    heading = f"Scale {title(campaign)}"
    dates = sorted({record["date"] for record in used})
    lines = [*_heading(heading, "-"), f"* Scale {campaign.scale.name}: {campaign.scale.meaning}.",
             f"* Data: {describe_data(campaign.data)} (manifest {campaign.data['fingerprint']}).",
             f"* {len(used)} runs, {sum(twin for _, _, twin in campaign.records)} of them twins; {len(campaign.seeds)} "
             f"seeds; {hours:.1f} hours, one run after another; {' to '.join(dict.fromkeys((dates[0], dates[-1])))}."]
    lines += [f"* {line}" for line in (_tally(its_findings), _distance(campaign, its_findings),
                                       _resolution(its_findings)) if line]
    if campaign.data["name"] != PHANTOM:
        lines.append("* Images made from these slices are not in the repository; the figures are beside the runs.")
    stale = len(used) - len({id(record) for finding in its_findings for record in finding.used})
    if stale:
        lines.append(f"* {stale} runs are of settings that no experiment has now, and are left out.")
    lines += ["", *_scatter(campaign, its_findings)]
    judged = [finding for finding in its_findings if finding.judged]
    if judged:
        lines += [".. list-table::", "   :header-rows: 1", "   :widths: 10 35 42 13", ""]
        lines += _row("claim", "in short", "measured", "verdict")
    for finding in judged:
        lines += _row(finding.experiment.id, f"{finding.experiment.claim} ({finding.experiment.place})",
                      "; ".join(measured(part, outcome) for part, outcome in finding.decides),
                      f"**{verdict(finding)}**")
    return [*lines, ""]


def _scatter(campaign, its_findings):
    """How far the deciding measures scatter where nothing was changed on purpose."""
    deciding = {part.measure: part.relative for finding in its_findings for part, _ in finding.decides}
    found = {measure: findings.scatter(campaign, measure, relative) for measure, relative in deciding.items()}
    if all(math.isnan(value) for each in found.values() for value in each):
        return []
    lines = ["How far a measure scatters (standard deviation, the median over all settings): between seeds, and by "
             "rounding, between a seed and its twin, whose initial weights differ from it in the last digit.", "",
             ".. list-table::",
             "   :header-rows: 1", "", *_row("measure", "between seeds", "by rounding")]
    for measure, each in found.items():
        lines += _row(measure, *(_share(value) if deciding[measure] else f"{value:.3g}" for value in each))
    return [*lines, ""]


def _share(value):
    return f"{value:.0%} of the mean" if not math.isnan(value) else "nan"


def _claim(experiment, of_this, pictures):
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
        lines += [f"Scale {title(finding.campaign)}: **{verdict(finding)}**", ""]
        subjects = finding.campaign.data["subjects"]
        left_out = missing_arms(experiment, subjects)
        if left_out:
            lines += [f"Left out, for want of more than {subjects} training subjects: {', '.join(left_out)}.", ""]
        lines += [".. list-table::", "   :header-rows: 1", "   :widths: 8 34 22 26 10", ""]
        lines += _row("", "claimed", "means of the arms (each seed)", "effect", "verdict")
        for word, parts in (("decides", finding.decides), ("also", finding.also)):
            for part, outcome in parts:
                lines += _row(word, f"{part.measure}: {claimed(part)}", _means(finding, part),
                              measured(part, outcome),
                              outcome.verdict if finding.campaign.scale.decides else "")
        lines.append("")
        if id(finding) in pictures:
            of_paper = f"as the paper's {experiment.figure}, " if experiment.figure else ""
            caption = CAPTIONS[experiment.shows].format(of_paper) + _of_seed(finding)
            lines += [f".. figure:: {pictures[id(finding)]}", f"   :alt: {experiment.claim}", "", f"   {caption}", ""]
    return lines


CAPTIONS = {
    "images": "Generated images; {}a row for each arm, columns of the same image seeds.",
    "extremes": "Generated images; {}successes and failures by the rule of README.rst.",
    "epochs": "Over the last epochs of the long run.",
    "scores": "D(real) - D(generated), epoch by epoch, a line for each run.",
    "values": "Every run of every arm.",
}


def _tally(its_findings):
    """How many claims came out how."""
    words = [finding.verdict for finding in its_findings]
    counts = ", ".join(f"{word} {words.count(word)}" for word in (
        verdicts.HOLDS, verdicts.FAILS, verdicts.UNDECIDED, verdicts.TRIAL, verdicts.NOT_RUN) if word in words)
    return f"{len(words)} claims: {counts}."


def _distance(campaign, its_findings):
    """How near to real slices the arms come: what a difference between them is worth."""
    means = [(np.mean(known), f"{finding.experiment.id}, {arm}") for finding in its_findings
             for arm, by_seed in finding.values(QUALITY).items() if (known := list(_numbers(by_seed).values()))]
    if not means:
        return ""
    (least, best), (most, worst) = min(means), max(means)
    real = campaign.real.get(QUALITY, math.nan)
    beside = "" if math.isnan(real) else f", where real slices give {real:.3g}"
    return f"Mean {QUALITY} of an arm: {least:.3g} ({best}) to {most:.3g} ({worst}){beside}."


def _resolution(its_findings):
    """How small a difference in quality these runs can tell: half the width of the intervals, as a factor."""
    judged = [judged for finding in its_findings for judged in finding.decides + finding.also]
    reach = [math.sqrt(outcome.high / outcome.low) for part, outcome in judged
             if part.measure == QUALITY and part.relative and not part.among and outcome.pairs >= verdicts.LEAST_PAIRS
             and outcome.low > 0]
    if not reach:
        return ""
    count = f"half of {len(reach)} comparisons" if len(reach) > 1 else "the only comparison"
    return (f"What these seeds can tell: in {count} of {QUALITY}, the interval reaches at least a factor of "
            f"{np.median(reach):.2g} to either side. *Undecided* says that so few seeds cannot tell an effect of that "
            "size from none, not that there is none.")


def _means(finding, part):
    """Means of the arms over the seeds that the effect is of; over all that an arm has where there is no such seed."""
    by_arm, of_twins = ({arm: _numbers(of_arms.get(arm, {})) for arm in part.arms} for of_arms in (
        finding.values(part.measure), finding.values(part.measure, twins=True)))
    paired = set.intersection(*map(set, by_arm.values()))
    texts = []
    for arm, by_seed in by_arm.items():
        shown = {seed: value for seed, value in by_seed.items() if seed in paired or not paired}
        if shown:
            each = ", ".join(f"{value:.3g}" + (f" ~ {of_twins[arm][seed]:.3g}" if seed in of_twins[arm] else "")
                             for seed, value in shown.items())
            texts.append(f"{arm} {np.mean(list(shown.values())):.3g} ({each})")
    real = finding.campaign.real.get(part.measure, math.nan)
    if not math.isnan(real):
        texts.append(f"real slices {real:.3g}")
    return "; ".join(texts)


def _numbers(by_seed):
    return {seed: value for seed, value in by_seed.items() if value is not verdicts.Diverged and not math.isnan(value)}


def _of_seed(finding):
    """How good the training is that a picture shows: it may be the arm's best or its worst."""
    if finding.experiment.shows not in ("images", "extremes"):
        return ""
    values = {arm: by_seed[0]["values"].get(QUALITY, math.nan) for arm, by_seed in finding.arms.items() if 0 in by_seed}
    return f" Training seed 0, {QUALITY} " + ", ".join(f"{arm} {value:.3g}" for arm, value in values.items()) + "."


def _row(*cells):
    return [f"   {'* -' if i == 0 else '  -'} {cell}".rstrip() for i, cell in enumerate(cells)]


def _heading(title, mark):
    return [title, mark * len(title), ""]
