"""How large an experiment is run: the paper's way, small enough to decide in hours of a CPU, or a trial of minutes."""

import dataclasses

from dcgan_mri import config as settings

# The paper's II-A.
SUBJECTS = 15


@dataclasses.dataclass(frozen=True)
class Scale:
    """What a run costs, and how far it is from the paper.

    Attributes:
        name (str): What ``--scale`` takes.
        settings (dict): What differs from the paper in every run.
        epochs (float): Factor on the epochs of every arm.
        seeds (int): Runs of each arm.
        twins (int): How many of the seeds of a deciding arm are run once more from initial weights that differ in the
            last digit.
        decides (bool): Whether claims get a verdict.
        levels (str): Slices of each phantom, as ``python -m preprocess build --slices`` takes them.
        meaning (str): One sentence for the reader.
    """

    name: str
    settings: dict
    epochs: float
    seeds: int
    twins: int
    decides: bool
    levels: str
    meaning: str

    @property
    def image_size(self):
        """int: Side of the images in pixels."""
        return self.settings.get("image_size", settings.Config.image_size)


SMALL_IMAGES = {"image_size": 64, "width": 0.25}
SCALES = {scale.name: scale for scale in (
    Scale("paper", {}, 1.0, 5, 0, True, "60-107",
          "as in the paper: 256×256, the full networks, 48 slices a subject, 100 epochs"),
    Scale("medium", SMALL_IMAGES, 0.25, 5, 2, True, "60-107",
          "for verdicts: 64×64, two stages fewer in both networks, a quarter of the widths, 48 slices a subject, 25 "
          "epochs"),
    Scale("small", SMALL_IMAGES, 0.08, 1, 0, False, ",".join(map(str, range(60, 108, 2))),
          "a trial of some minutes, without verdicts: as medium, with 24 slices a subject and 8 epochs"),
)}


def config_of(scale, preset, changes, subjects, seed):
    """The settings of a run.

    Args:
        scale (Scale): The scale.
        preset (str): Name in `dcgan_mri.config.PRESETS`.
        changes (dict): What an arm changes; epochs are the paper's, before the scale shortens them.
        subjects (int): Training subjects that the data has.
        seed (int): Seed of the run.

    Returns:
        Config: The settings.

    Raises:
        UsageError: If they do not go together.
    """
    usual = {"n_subjects": min(SUBJECTS, subjects)}
    config = settings.build(preset, **{**scale.settings, **usual, **changes, "seed": seed})
    return dataclasses.replace(config, epoch=max(1, round(config.epoch * scale.epochs)))
