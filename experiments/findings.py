"""What the records say of each claim, for every scale, slice set, processor and revision that has been run."""

import dataclasses
import functools
import math

import numpy as np

from experiments import records, verdicts
from experiments.plan import arm_config, run_name
from experiments.scales import SCALES


@dataclasses.dataclass(frozen=True)
class Campaign:
    """All records that may be held against each other.

    Attributes:
        scale (experiments.scales.Scale): The scale.
        data (dict): Facts of the slice set.
        device (str): The processor.
        revision (str): Commit of the source; None if not known.
        records (dict): (run, seed, whether it is a twin) to record.
        real (dict): Quantity to what real slices give in place of a run's images; empty if not measured.
    """

    scale: object
    data: dict
    device: str
    revision: str | None
    records: dict
    real: dict = dataclasses.field(default_factory=dict)

    @property
    def seeds(self):
        """list of int: Every seed that has been run."""
        return sorted({seed for _, seed, _ in self.records})

    def of_arm(self, experiment, arm, twin=False):
        """The records of an arm.

        Args:
            experiment (experiments.definition.Experiment): The experiment.
            arm (str): Name of the arm.
            twin (bool): Whether those of the twins are asked for.

        Returns:
            dict: Seed to record; only those made with the settings that the arm has now.
        """
        found = {}
        for seed in self.seeds:
            config = arm_config(experiment, arm, self.scale, self.data["subjects"], seed)
            name = config and run_name(config, self.scale, self.data["subjects"])
            record = self.records.get((name, seed, twin))
            if record and records.fits(record, config):
                found[seed] = record
        return found


@dataclasses.dataclass(frozen=True)
class Finding:
    """What one campaign says of one claim.

    Attributes:
        experiment (experiments.definition.Experiment): The claim.
        campaign (Campaign): Where it was measured.
        arms (dict): Arm to dict from seed to record.
        twins (dict): The same of the twins.
    """

    experiment: object
    campaign: Campaign
    arms: dict
    twins: dict

    @functools.cached_property
    def decides(self):
        """tuple: (part, outcome) of what decides."""
        return self._judged(self.experiment.decides)

    @functools.cached_property
    def also(self):
        """tuple: (part, outcome) of the rest."""
        return self._judged(self.experiment.also)

    @property
    def verdict(self):
        """str: On the claim as a whole."""
        verdict = verdicts.combine([outcome.verdict for _, outcome in self.decides])
        return verdict if self.campaign.scale.decides or verdict == verdicts.NOT_RUN else verdicts.TRIAL

    @property
    def judged(self):
        """bool: Whether anything has been run that one of its comparisons rests on."""
        return any(outcome.verdict != verdicts.NOT_RUN for _, outcome in self.decides + self.also)

    @property
    def complete(self):
        """bool: Whether every seed and every twin that the scale plans has been run in every arm that decides."""
        deciding = {arm for part, _ in self.decides for arm in part.arms}
        return all(set(range(planned)) <= set(found[arm]) for arm in deciding for planned, found in (
            (self.campaign.scale.seeds, self.arms), (self.campaign.scale.twins, self.twins)))

    @property
    def used(self):
        """list of dict: Every record that it rests on."""
        return [record for arms in (self.arms, self.twins) for by_seed in arms.values() for record in by_seed.values()]

    def values(self, measure, twins=False):
        """What was measured.

        Args:
            measure (str): Name in `quantities`.
            twins (bool): Whether of the twins.

        Returns:
            dict: Arm to dict from seed to float or `verdicts.Diverged`.
        """
        return {arm: {seed: verdicts.Diverged if record["diverged"] else record["values"][measure]
                      for seed, record in by_seed.items() if record["diverged"] or measure in record["values"]}
                for arm, by_seed in (self.twins if twins else self.arms).items()}

    def _judged(self, parts):
        return tuple((part, verdicts.judge_with_twins(part, self.values(part.measure), self.values(part.measure, True)))
                     for part in parts)


def campaigns(runs, real=()):
    """Sort records by what may be held against each other.

    Args:
        runs (list of dict): From `records.of_runs` or `records.collected`.
        real (list of dict): The same of real slices.

    Returns:
        list of Campaign: In the order of the records; records of a scale that is no longer known are left out.
    """
    of_real = {records.place(entry): entry["values"] for entry in real}
    grouped = {}
    for record in runs:
        if record["scale"] in SCALES:
            by_run = grouped.setdefault(records.campaign(record), {})
            by_run[record["run"], record["seed"], record["twin"]] = record
    firsts = [(by_run, next(iter(by_run.values()))) for by_run in grouped.values()]
    return [Campaign(SCALES[first["scale"]], first["data"], first["device"], first["revision"], by_run,
                     of_real.get(records.place(first), {})) for by_run, first in firsts]


def find(experiment, campaign):
    """Judge a claim.

    Args:
        experiment (experiments.definition.Experiment): The claim.
        campaign (Campaign): The records.

    Returns:
        Finding: The result.
    """
    arms, twins = ({arm: campaign.of_arm(experiment, arm, twin) for arm in experiment.arms} for twin in (False, True))
    return Finding(experiment, campaign, arms, twins)


def scatter(campaign, measure, relative):
    """How far a measure scatters where nothing was changed on purpose.

    Args:
        campaign (Campaign): The records.
        measure (str): Name in `quantities`.
        relative (bool): Whether it is taken relative to the mean over seeds.

    Returns:
        tuple of float: Standard deviation between seeds, and that of rounding, by twins and their seeds: of each the
        median over runs of the same settings, NaN where there are none.
    """
    values = {}
    for (run, seed, twin), record in campaign.records.items():
        value = record["values"].get(measure, math.nan)
        if not math.isnan(value):
            values.setdefault(run, ({}, {}))[twin][seed] = value
    between, rounding = [], []
    for of_seeds, of_twins in values.values():
        unit = abs(np.mean(list(of_seeds.values()))) if relative and of_seeds else 1.0
        if len(of_seeds) >= verdicts.LEAST_PAIRS:
            between.append(np.std(list(of_seeds.values()), ddof=1) / unit)
        differences = [value - of_seeds[seed] for seed, value in of_twins.items() if seed in of_seeds]
        if differences:
            # Of two values with standard deviation s the difference has s times the root of 2.
            rounding.append(np.sqrt(np.mean(np.square(differences)) / 2) / unit)
    return tuple(float(np.median(found)) if found else math.nan for found in (between, rounding))
