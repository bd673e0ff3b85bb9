"""Which runs the experiments need: arms that several share, the baseline above all, are run once."""

import dataclasses
import pathlib

from dcgan_mri import config as settings
from experiments.scales import config_of

RUNS = "runs"
SWING = "kid.swing"


@dataclasses.dataclass(frozen=True)
class Run:
    """One training.

    Attributes:
        name (str): What differs from the paper's settings at this scale, such as ``dropout=0.0``; else ``paper``.
        config (dcgan_mri.config.Config): All settings, the seed included.
        along (bool): Whether it is measured along its epochs too, not only at the end.
    """

    name: str
    config: settings.Config
    along: bool

    @property
    def key(self):
        """tuple: Tells it from the other runs of a scale and a slice set."""
        return self.name, self.config.seed

    def folder(self, out, scale, data):
        """Where its results are.

        Args:
            out (str or Path): Results folder.
            scale (str): Name of the scale.
            data (experiments.data.Data): The slices.

        Returns:
            Path: A folder of its own.
        """
        return run_folder(out, scale, data.name, *self.key)

    def iterations(self, data):
        """Number of iterations of the whole training.

        Args:
            data (experiments.data.Data): The slices.

        Returns:
            int: The iterations.
        """
        return data.slices(self.config.n_subjects) // self.config.batchsize * self.config.epoch

    def images(self, data):
        """Number of real images that the training sees: what its cost grows with.

        Args:
            data (experiments.data.Data): The slices.

        Returns:
            int: The images.
        """
        return self.iterations(data) * self.config.batchsize


def runs_folder(out, scale, data_name):
    """Where the runs of a scale on a slice set are.

    Args:
        out (str or Path): Results folder.
        scale (str): Name of the scale.
        data_name (str): Name of the slice set.

    Returns:
        Path: The folder.
    """
    return pathlib.Path(out) / RUNS / f"{scale}-{data_name}"


def run_folder(out, scale, data_name, run, seed):
    """Where the results of a run are.

    Args:
        out (str or Path): Results folder.
        scale (str): Name of the scale.
        data_name (str): Name of the slice set.
        run (str): Name of the run.
        seed (int): Its seed.

    Returns:
        Path: The folder.
    """
    return runs_folder(out, scale, data_name) / run / f"seed{seed}"


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
        str: Fit for a folder's name.
    """
    usual = dataclasses.asdict(config_of(scale, "paper", {}, subjects, config.seed))
    changed = {name: value for name, value in dataclasses.asdict(config).items() if value != usual[name]}
    return ",".join(f"{name}={value}" for name, value in sorted(changed.items())) or "paper"


def runs_of(experiments, scale, subjects, seeds):
    """The runs that experiments need, each once.

    Args:
        experiments (list of Experiment): The experiments.
        scale (experiments.scales.Scale): The scale.
        subjects (int): Training subjects that the data has.
        seeds (int): Runs of each arm, seeds 0 to seeds - 1.

    Returns:
        list of Run: Baselines first, then arm by arm in the experiments' order.
    """
    found = {}
    for experiment in experiments:
        for arm in experiment.arms:
            along = experiment.shows == "epochs" or any(
                part.measure == SWING and arm in part.arms for part in experiment.parts)
            for seed in range(seeds):
                config = arm_config(experiment, arm, scale, subjects, seed)
                if config is not None:
                    run = Run(run_name(config, scale, subjects), config, along)
                    before = found.get(run.key, run)
                    found[run.key] = dataclasses.replace(run, along=run.along or before.along)
    return sorted(found.values(), key=lambda run: run.name != "paper")


def missing_arms(experiment, subjects):
    """Arms that the data has too few subjects for.

    Args:
        experiment (experiments.definition.Experiment): The experiment.
        subjects (int): Training subjects that the data has.

    Returns:
        list of str: Their names.
    """
    return [arm for arm, (_, changes) in experiment.arms.items() if changes.get("n_subjects", 0) > subjects]
