"""What a scale makes of the paper's settings."""

import dataclasses

import pytest

from dcgan_mri import config as settings
from experiments.scales import SCALES, config_of
from experiments.verdicts import LEAST_PAIRS


def test_the_papers_scale_changes_nothing_of_the_paper():
    assert config_of(SCALES["paper"], "paper", {}, 15, 0) == settings.build(n_subjects=15)


@pytest.mark.parametrize(("scale", "epochs"), [("medium", 25), ("small", 8)])
def test_below_the_papers_scale_networks_have_a_quarter_of_the_widths_at_64_pixels(scale, epochs):
    config = config_of(SCALES[scale], "paper", {}, 15, 0)
    assert (config.image_size, config.width, config.epoch) == (64, 0.25, epochs)


def test_a_scale_that_decides_has_seeds_enough_and_the_trial_has_one():
    assert {scale.name: scale.seeds for scale in SCALES.values()} == {"paper": 5, "medium": 5, "small": 1}
    assert all(scale.decides == (scale.seeds >= LEAST_PAIRS) for scale in SCALES.values())


def test_every_arms_epochs_are_shortened_alike():
    epochs = [config_of(SCALES["small"], "paper", {"epoch": epoch}, 30, 0).epoch for epoch in (50, 100, 150, 300)]
    assert epochs == [4, 8, 12, 24]


def test_no_arm_has_less_than_an_epoch():
    assert config_of(dataclasses.replace(SCALES["small"], epochs=0.001), "paper", {}, 15, 0).epoch == 1


def test_the_papers_15_subjects_or_all_that_there_are():
    assert [config_of(SCALES["small"], "paper", {}, n, 0).n_subjects for n in (11, 15, 30)] == [11, 15, 15]


def test_a_preset_brings_its_settings():
    config = config_of(SCALES["small"], "released", {}, 15, 4)
    assert (config.loss, config.batchsize, config.width, config.seed) == ("softplus", 16, 0.25, 4)
