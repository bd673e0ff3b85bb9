"""An image depends on its seed alone."""

import numpy as np

from dcgan_mri.chainer_compat import chainer
from dcgan_mri.config import Config
from dcgan_mri.randomness import Draws, for_images, latent
from dcgan_mri.networks import Generator
from dcgan_mri.sampling import sample_stack
from tests import gpu_stand_in
from tests.helpers import SMALL


def brightened(config):
    """An untrained generator, with its output lifted into the visible range."""
    gen = Generator(config)
    gen["dc3"].b.array[...] = 0.5
    gen["dc3"].W.array *= 500
    with chainer.using_config("train", True):
        gen(latent(Draws(0, 0, range(8)), config.n_z), Draws(0, 0, range(8)))
    return gen


def test_batch_and_order_change_at_most_one_grey_level():
    config = Config(**SMALL)
    gen = brightened(config)
    many = sample_stack(gen, range(23), config)
    few = sample_stack(gen, [22, 3], config)
    assert many.std() > 5
    assert np.abs(many[[22, 3]].astype(int) - few).max() <= 1


def test_different_seeds_give_different_images():
    config = Config(**SMALL)
    pictures = sample_stack(brightened(config), range(10), config)
    assert len({picture.tobytes() for picture in pictures}) == 10


def test_z_on_a_gpu_is_the_cpus(monkeypatch):
    class Recorder:
        xp, _ = gpu_stand_in.install(monkeypatch)

        def __call__(self, z, draws):
            assert draws.xp is self.xp
            self.z = z
            return chainer.Variable(np.zeros((len(z), 3, 16, 16), np.float32))

    config, gen = Config(**SMALL), Recorder()
    sample_stack(gen, [3, 2**40], config)
    assert np.array_equal(gen.z, latent(for_images([3, 2**40]), config.n_z))


def test_dropout_is_off_unless_asked_for_and_reproducible_then():
    plain, dropping = Config(**SMALL), Config(**SMALL, dropout_when_sampling=True)
    gen = brightened(plain)
    off = sample_stack(gen, [1], plain)
    gen.dropout_when_sampling = True
    on, again = sample_stack(gen, [1], dropping), sample_stack(gen, [0, 1], dropping)
    assert not np.array_equal(off, on)
    assert np.abs(on[0].astype(int) - again[1]).max() <= 1


def test_sampling_leaves_the_generator_as_it_was():
    config = Config(**SMALL)
    gen = brightened(config)
    serializer = chainer.serializers.DictionarySerializer()
    serializer.save(gen)
    before = {name: np.array(value) for name, value in serializer.target.items()}
    sample_stack(gen, range(3), config)
    serializer = chainer.serializers.DictionarySerializer()
    serializer.save(gen)
    assert all(np.array_equal(before[name], value) for name, value in serializer.target.items())
