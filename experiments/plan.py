"""Which runs the experiments need: arms that several share, the baseline above all, are run once."""

import dataclasses
import re

import numpy as np

from dcgan_mri import config as settings
from experiments.scales import config_of

BASELINE_RUN = "paper"
# Images of fixed z, seeds 0 to 99, and the epochs at the end whose images a run is measured by.
IMAGES = 100
LAST_EPOCHS = 5
# Epochs to look at in the second half of a run that is measured along its epochs.
ALONG_POINTS = 8


@dataclasses.dataclass(frozen=True)
class Run:
    """One training.

    Attributes:
        name (str): What differs from the paper's settings at this scale, such as ``dropout-0.0``; else ``paper``.
        config (dcgan_mri.config.Config): All settings, the seed included.
        twin (bool): Whether its initial weights differ from those of the seed in the last digit.
        along (bool): Whether it is measured along its epochs too, not only at the end.
    """

    name: str
    config: settings.Config
    twin: bool = False
    along: bool = False

    @property
    def key(self):
        """str: Tells it from the other runs of a scale and a slice set; fit for a file's name."""
        return f"{self.name}.seed{self.config.seed}{'-twin' * self.twin}"

    @property
    def kept_epochs(self):
        """list of int: Those whose images it is measured by, the last five; before them some more if `along`."""
        last = self.config.epoch
        kept = set(range(max(1, last - LAST_EPOCHS + 1), last + 1))
        if self.along:
            kept |= {round(epoch) for epoch in np.linspace(last / 2, last, ALONG_POINTS)} - {0}
        return sorted(kept)

    def iterations(self, data):
        """Number of iterations of the whole training.

        Args:
            data (experiments.data.Data): The slices.

        Returns:
            int: The iterations.
        """
        return data.slices(self.config.n_subjects) // self.config.batchsize * self.config.epoch


def arm_config(experiment, arm, scale, subjects, seed):
    """The settings of an arm.

    Args:
        experiment (experiments.definition.Experiment): The experiment.
        arm (str): Name of the arm.
        scale (experiments.scales.Scale): The scale.
        subjects (int): Training subjects that the data has.
        seed (int): Seed.

    Returns:
        Config: The settings; None if the arm needs more subjects than there are.
    """
    preset, changes = experiment.arms[arm]
    if changes.get("n_subjects", 0) > subjects:
        return None
    return config_of(scale, preset, changes, subjects, seed)


def run_name(config, scale, subjects):
    """What differs from the paper's settings at this scale.

    Args:
        config (dcgan_mri.config.Config): The settings of a run.
        scale (experiments.scales.Scale): The scale.
        subjects (int): Training subjects that the data has.

    Returns:
        str: Fit for a file's name.
    """
    usual = dataclasses.asdict(config_of(scale, "paper", {}, subjects, config.seed))
    changed = {name: value for name, value in dataclasses.asdict(config).items() if value != usual[name]}
    parts = [re.sub(r"[^A-Za-z0-9._-]", "-", f"{name}-{value}") for name, value in sorted(changed.items())]
    return "__".join(parts) or BASELINE_RUN


def runs_of(experiments, scale, subjects):
    """The runs that experiments need, each once. An experiment that lacks an arm which decides needs none.

    Args:
        experiments (list of Experiment): The experiments.
        scale (experiments.scales.Scale): The scale.
        subjects (int): Training subjects that the data has.

    Returns:
        list of Run: Arm by arm, the baseline first, then in the experiments' order; an arm's twins behind its seeds.
    """
    found = {}
    for experiment in experiments:
        deciding = {arm for part in experiment.decides for arm in part.arms}
        if deciding & set(missing_arms(experiment, subjects)):
            continue
        for arm in experiment.arms:
            along = experiment.shows == "epochs"
            for twin in (False, True) if arm in deciding else (False,):
                for seed in range(scale.twins if twin else scale.seeds):
                    config = arm_config(experiment, arm, scale, subjects, seed)
                    if config is not None:
                        run = Run(run_name(config, scale, subjects), config, twin, along)
                        before = found.get(run.key, run)
                        found[run.key] = dataclasses.replace(run, along=run.along or before.along)
    names = list(dict.fromkeys(run.name for run in found.values()))
    return sorted(found.values(), key=lambda run: (run.name != BASELINE_RUN, names.index(run.name), run.twin))


def missing_arms(experiment, subjects):
    """Arms that the data has too few subjects for.

    Args:
        experiment (experiments.definition.Experiment): The experiment.
        subjects (int): Training subjects that the data has.

    Returns:
        list of str: Their names.
    """
    return [arm for arm, (_, changes) in experiment.arms.items() if changes.get("n_subjects", 0) > subjects]
