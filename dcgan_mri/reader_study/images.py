"""The images of a study: generated ones, and real slices of held-out subjects at the same levels."""

import dataclasses

import numpy as np
from scipy.optimize import linear_sum_assignment

from dcgan_mri.errors import UsageError
from dcgan_mri.metrics.neighbours import nearest
from dcgan_mri.metrics.stack import reduced
from dcgan_mri.pixels import grey
from dcgan_mri.sampling import sample

SIDE = 32
MAX_SEED = 2**31


@dataclasses.dataclass(frozen=True)
class Image:
    """An image and the truth about it.

    Args:
        real (bool): Whether it is a slice of a subject.
        source (str): File of the slice set, or the image's seed.
        level (int): Axial level; of a generated image that of the training slice nearest to it.
        grey (numpy.ndarray): uint8 of shape (H, W).
    """

    real: bool
    source: str
    level: int
    grey: np.ndarray


def generated(gen, config, training, n, rng):
    """Generated images, not chosen by anyone.

    Args:
        gen (dcgan_mri.networks.Generator): The generator.
        config (dcgan_mri.config.Config): Its settings.
        training (dcgan_mri.slice_set.Slices): Training slices.
        n (int): How many.
        rng (numpy.random.Generator): Draws their seeds.

    Returns:
        list of Image: Grey is the mean of the three channels.
    """
    seeds = rng.choice(MAX_SEED, n, replace=False).tolist()
    pictures = np.stack([grey(picture) for picture in sample(gen, seeds, config)])
    near = nearest(_small(pictures), _small(training.batch(range(len(training)))))
    return [Image(False, f"seed {seed}", training.levels[index], picture)
            for seed, index, picture in zip(seeds, near, pictures, strict=True)]


def real(held_out, levels, n, rng):
    """Real slices whose levels are spread as the generated images' are, so that no level is all real.

    Args:
        held_out (dcgan_mri.slice_set.Slices): Slices of subjects that training never saw.
        levels (list of int): Levels of the generated images.
        n (int): How many.
        rng (numpy.random.Generator): Chooses among slices that are equally near in level.

    Returns:
        list of Image: No slice twice.

    Raises:
        UsageError: If there are not enough.
    """
    if n > len(held_out):
        raise UsageError(
            f"{held_out.folder}: has {len(held_out)} slices of held-out subjects, the study needs {n} (with those for "
            f"practice); ask for fewer by --real, or hold out more subjects")
    wanted = np.resize(rng.permutation(levels), n)
    apart = np.abs(wanted[:, None] - np.array(held_out.levels)[None])
    _, chosen = linear_sum_assignment(apart + rng.uniform(0, 0.5, apart.shape))
    return [Image(True, held_out.files[index], held_out.levels[index], held_out.image(index)) for index in chosen]


def _small(images):
    return reduced(images.astype(np.float32), SIDE).reshape(len(images), -1)
