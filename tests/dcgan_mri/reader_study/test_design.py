"""Who sees what, and when."""

import numpy as np
import pytest

from dcgan_mri.reader_study import design

REAL = np.array([False] * 22 + [True] * 32)
REPEATS = design.chosen_repeats(REAL, 10, np.random.default_rng(0))


def of_kind(trials, kind):
    return [trial.image for trial in trials if trial.kind == kind]


@pytest.fixture
def trials():
    return design.trials(REAL, REPEATS, np.random.default_rng(1))


def test_practice_comes_first_and_is_not_scored(trials):
    assert [trial.kind for trial in trials[:4]] == ["practice"] * 4
    assert sorted(of_kind(trials, "practice")) == [0, 1, 22, 23]
    assert not {0, 1, 22, 23} & {trial.image for trial in trials[4:]}


def test_every_other_image_once_and_the_repeats_again(trials):
    assert sorted(of_kind(trials, "scored")) == [i for i in range(54) if i not in (0, 1, 22, 23)]
    assert sorted(of_kind(trials, "repeat")) == sorted(REPEATS)


def test_a_repeat_comes_long_after_the_first_showing(trials):
    shown = [trial.image for trial in trials]
    for image in REPEATS:
        first, second = (i for i, other in enumerate(shown) if other == image)
        assert trials[second].kind == "repeat"
        assert second - first > 13


def test_repeats_are_half_real():
    assert REAL[REPEATS].sum() == 5
    assert len(set(REPEATS.tolist())) == 10


def test_readers_have_orders_and_names_of_their_own(trials):
    other = design.trials(REAL, REPEATS, np.random.default_rng(2))
    assert [trial.image for trial in trials] != [trial.image for trial in other]
    assert len({trial.name for trial in [*trials, *other]}) == 2 * 64


def test_the_order_does_not_tell_the_truth():
    """Over many readers each place after the practice is as often real as images are."""
    n_real = np.mean([[REAL[trial.image] for trial in design.trials(REAL, REPEATS, np.random.default_rng(seed))]
                      for seed in range(400)], axis=0)
    assert np.abs(n_real[4:] - 0.6).max() < 0.12
