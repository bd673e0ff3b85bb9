"""The measures of an epoch, and the scale that they are read on."""

import copy
import math

import numpy as np
import pytest

from dcgan_mri.metrics.epoch import EpochMeasures
from tests.degradations import repeated, with_lattice, with_noise


@pytest.fixture(scope="module")
def measure(slices):
    return EpochMeasures(slices, 1)


def test_tells_what_went_wrong(measure, others):
    scale = measure.scale()
    good = measure(others)
    assert set(good) == set(scale)
    assert all(math.isfinite(number) for number in good.values())
    assert measure(with_noise(others, 20))["noise.inside"] > scale["noise.inside"]["real_high"]
    assert measure(with_lattice(others, 2, 0.2))["checkerboard.2"] > 5 * scale["checkerboard.2"]["real_high"]
    assert measure(repeated(others, 0.9))["diversity.similarity"] > scale["diversity.similarity"]["real_high"]
    assert good["kid"] < measure(repeated(others, 0.9))["kid"] < measure(with_noise(others, 20))["kid"]


def test_black_images_leave_out_what_they_lack(measure):
    values = measure(np.zeros((100, 64, 64, 3), np.uint8))
    assert "separation.contrast" not in values
    assert values["separation.share"] == 0
    assert all(math.isfinite(number) for number in values.values())


def test_one_subject_has_no_scale(slices):
    alone = copy.copy(slices)
    alone.subjects = ["alone"] * len(slices)
    scale = EpochMeasures(alone, 1).scale()
    assert all(entry["real"] is None and entry["unit"] for entry in scale.values())
