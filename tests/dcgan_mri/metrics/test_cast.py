"""A colour cast is found in grey levels, whichever channel it is in."""

import numpy as np
import pytest


def test_grey_has_none(value, others):
    assert value("cast", others)["cast"] == 0
    assert value("cast", np.repeat(others[..., None], 3, axis=3))["cast"] == 0


def test_is_the_difference_of_the_channels_means(value):
    pictures = np.full((4, 64, 64, 3), 100, np.uint8)
    pictures[..., 1] += 8
    pictures[..., 2] -= 4
    assert value("cast", pictures)["cast"] == pytest.approx(12)


def test_casts_of_different_colours_do_not_cancel(value):
    pictures = np.full((4, 64, 64, 3), 100, np.uint8)
    pictures[:2, ..., 0] += 10
    pictures[2:, ..., 2] += 10
    assert value("cast", pictures)["cast"] == pytest.approx(10)


def test_other_measures_do_not_see_it(value, others):
    coloured = np.stack([np.minimum(others, 235) + 20, others, np.maximum(others, 20) - 20], axis=3)
    grey = np.repeat(np.rint(coloured.mean(axis=3)).astype(np.uint8)[..., None], 3, axis=3)
    assert value("kid", coloured)["kid"] == pytest.approx(value("kid", grey)["kid"], rel=0.05)
