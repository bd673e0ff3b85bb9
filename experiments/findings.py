"""What the records say of each claim, for every scale and slice set that has been run."""

import collections
import dataclasses

from experiments import records, verdicts
from experiments.plan import arm_config, run_name
from experiments.scales import SCALES


@dataclasses.dataclass(frozen=True)
class Campaign:
    """All records of one scale on one slice set.

    Attributes:
        scale (experiments.scales.Scale): The scale.
        data (dict): Facts of the slice set.
        records (dict): (run, seed) to record.
        alone (bool): Whether no other slice set of that name has been run at that scale.
        real (dict): Quantity to what real slices give in place of a run's images; empty if not measured.
    """

    scale: object
    data: dict
    records: dict
    alone: bool = True
    real: dict = dataclasses.field(default_factory=dict)

    @property
    def name(self):
        """str: The slice set's, with its fingerprint where there are two of that name."""
        return self.data["name"] if self.alone else f"{self.data['name']}-{self.data['fingerprint']}"

    @property
    def seeds(self):
        """list of int: Every seed that has been run."""
        return sorted({seed for _, seed in self.records})

    def of_arm(self, experiment, arm):
        """The records of an arm.

        Args:
            experiment (experiments.definition.Experiment): The experiment.
            arm (str): Name of the arm.

        Returns:
            dict: Seed to record; only those made with the settings that the arm has now.
        """
        found = {}
        for seed in self.seeds:
            config = arm_config(experiment, arm, self.scale, self.data["subjects"], seed)
            record = config and self.records.get((run_name(config, self.scale, self.data["subjects"]), seed))
            if record and records.fits(record, config):
                found[seed] = record
        return found


@dataclasses.dataclass(frozen=True)
class Finding:
    """What one campaign says of one claim.

    Attributes:
        experiment (experiments.definition.Experiment): The claim.
        campaign (Campaign): Where it was measured.
        decides (tuple): (part, outcome) of what decides.
        also (tuple): (part, outcome) of the rest.
        values (dict): Measure to arm to dict from seed to float or `verdicts.Diverged`.
        arms (dict): Arm to dict from seed to record.
    """

    experiment: object
    campaign: Campaign
    decides: tuple
    also: tuple
    values: dict
    arms: dict

    @property
    def verdict(self):
        """str: On the claim as a whole."""
        return verdicts.combine([outcome.verdict for _, outcome in self.decides])

    @property
    def judged(self):
        """bool: Whether anything has been run that one of its comparisons rests on."""
        return any(outcome.verdict != verdicts.NOT_RUN for _, outcome in self.decides + self.also)

    @property
    def complete(self):
        """bool: Whether every seed that the scale plans has been run in every arm that decides."""
        planned = set(range(self.campaign.scale.seeds))
        return all(planned <= set(self.arms[arm]) for part, _ in self.decides for arm in part.arms)

    @property
    def used(self):
        """list of dict: Every record that it rests on."""
        return [record for by_seed in self.arms.values() for record in by_seed.values()]


def campaigns(found, real=None):
    """Sort records by scale and slice set.

    Args:
        found (list of dict): From `records.collect`.
        real (dict): From `records.read_real`; None for nothing.

    Returns:
        list of Campaign: In the order of the records; records of a scale that is no longer known are left out.
    """
    grouped = {}
    for record in found:
        if record["scale"] in SCALES:
            by_run = grouped.setdefault(records.place(record["scale"], record["data"]), {})
            by_run[record["run"], record["seed"]] = record
    firsts = {place: next(iter(by_run.values())) for place, by_run in grouped.items()}
    names = collections.Counter((first["scale"], first["data"]["name"]) for first in firsts.values())
    return [Campaign(SCALES[first["scale"]], first["data"], grouped[place],
                     names[first["scale"], first["data"]["name"]] == 1, (real or {}).get(place, {}))
            for place, first in firsts.items()]


def find(experiment, campaign):
    """Judge a claim.

    Args:
        experiment (experiments.definition.Experiment): The claim.
        campaign (Campaign): The records.

    Returns:
        Finding: The result.
    """
    arms = {arm: campaign.of_arm(experiment, arm) for arm in experiment.arms}
    values = {}
    for part in experiment.parts:
        values[part.measure] = {arm: _values(by_seed, part.measure) for arm, by_seed in arms.items()}
    decides, also = (tuple((part, verdicts.judge(part, values[part.measure])) for part in parts)
                     for parts in (experiment.decides, experiment.also))
    return Finding(experiment, campaign, decides, also, values, arms)


def _values(by_seed, measure):
    found = {}
    for seed, record in by_seed.items():
        if record["diverged"]:
            found[seed] = verdicts.Diverged
        elif measure in record["values"]:
            found[seed] = record["values"][measure]
    return found
