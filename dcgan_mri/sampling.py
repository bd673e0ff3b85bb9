"""Images from a generator: image seed s gives the same picture in every batch, on every rank, in every run.

Matrix products of another size round otherwise, which may move a value by one grey level.
"""

import numpy as np

from dcgan_mri import randomness
from dcgan_mri.chainer_compat import chainer
from dcgan_mri.pixels import from_network

BATCHSIZE = 10


def sample(gen, image_seeds, config):
    """Make pictures by the running statistics of batch normalisation.

    Args:
        gen (dcgan_mri.networks.Generator): The generator.
        image_seeds (sequence of int): One seed for each picture, 0 or more.
        config (dcgan_mri.config.Config): The settings that the generator was trained with.

    Yields:
        numpy.ndarray: uint8 of shape (H, W, 3), one for each seed, in order. Memory does not grow with their number.
    """
    for start in range(0, len(image_seeds), BATCHSIZE):
        seeds = image_seeds[start:start + BATCHSIZE]
        # The CPU's numbers on a GPU too, so that a seed is the same z on every machine.
        z = gen.xp.asarray(randomness.latent(randomness.for_images(seeds), config.n_z))
        with chainer.using_config("train", False), chainer.no_backprop_mode():
            x = gen(z, randomness.for_images(seeds, gen.xp))
        yield from from_network(chainer.backends.cuda.to_cpu(x.array), config.pixel_low)


def sample_stack(gen, image_seeds, config):
    """As `sample`, all at once.

    Args:
        gen (dcgan_mri.networks.Generator): The generator.
        image_seeds (sequence of int): One seed for each picture.
        config (dcgan_mri.config.Config): The settings that the generator was trained with.

    Returns:
        numpy.ndarray: uint8 of shape (N, H, W, 3).
    """
    return np.stack(list(sample(gen, image_seeds, config)))
