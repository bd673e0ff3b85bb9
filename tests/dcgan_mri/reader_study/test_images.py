"""Which images a study shows."""

import numpy as np
import pytest

from dcgan_mri.errors import UsageError
from dcgan_mri.reader_study import images
from dcgan_mri.run import snapshots
from dcgan_mri.sampling import sample_stack
from dcgan_mri.slice_set import Slices


class _HeldOut(list):
    """What `real` asks of a slice set, with one slice for each level."""

    folder = "set"

    def __init__(self, levels):
        super().__init__(levels)
        self.levels = levels
        self.files = [f"{i}.png" for i in range(len(levels))]

    def image(self, index):
        return np.full((2, 2), index, dtype=np.uint8)


def test_generated_images_are_the_mean_of_their_channels(generator_file, slices_and_held_out):
    gen, config = snapshots.load_generator(generator_file)
    training = Slices(slices_and_held_out)
    made = images.generated(gen, config, training, 5, np.random.default_rng(3))
    seeds = [int(image.source.removeprefix("seed ")) for image in made]
    assert len(set(seeds)) == 5
    wanted = sample_stack(gen, seeds, config).mean(axis=3)
    for image, grey in zip(made, wanted, strict=True):
        assert image.real is False
        assert (image.grey.dtype, image.grey.shape) == (np.uint8, (16, 16))
        assert np.abs(image.grey - grey).max() <= 0.5


def test_level_of_a_generated_image_is_that_of_the_nearest_training_slice(
        generator_file, slices_and_held_out, monkeypatch):
    gen, config = snapshots.load_generator(generator_file)
    training = Slices(slices_and_held_out)
    monkeypatch.setattr(images, "sample", lambda *_: training.batch([4, 11])[..., None].repeat(3, axis=3))
    made = images.generated(gen, config, training, 2, np.random.default_rng(0))
    assert [image.level for image in made] == [training.levels[4], training.levels[11]]


def test_real_slices_have_the_levels_of_the_generated_images():
    levels = sorted([*range(60, 108)] * 3)
    generated = [60] * 2 + [75] * 3 + [107] * 2
    chosen = images.real(_HeldOut(levels), generated, 7, np.random.default_rng(0))
    assert sorted(image.level for image in chosen) == generated
    assert len({image.source for image in chosen}) == 7
    assert all(image.real for image in chosen)


def test_where_a_level_is_used_up_the_next_one_serves():
    chosen = images.real(_HeldOut([60, 61, 62, 90]), [60], 3, np.random.default_rng(0))
    assert sorted(image.level for image in chosen) == [60, 61, 62]


def test_slices_of_equal_level_are_drawn():
    found = {images.real(_HeldOut([60] * 20), [60], 1, np.random.default_rng(seed))[0].source for seed in range(20)}
    assert len(found) > 5


def test_more_than_there_are():
    with pytest.raises(UsageError, match="has 3 slices of held-out subjects, the study needs 4"):
        images.real(_HeldOut([1, 2, 3]), [1], 4, np.random.default_rng(0))
