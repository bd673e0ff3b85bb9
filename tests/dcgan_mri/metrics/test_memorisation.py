"""Copies of training slices are found: noisy, shifted, flipped; slices of other subjects are not taken for copies."""

import numpy as np
import pytest

from dcgan_mri.metrics.memorisation import nearest_with_moves
from tests.degradations import as_pictures, with_noise

TWO_PERCENT = 0.02 * 255


def test_slices_of_other_subjects_are_no_copies(value, others):
    numbers = value("memorisation", others)
    assert numbers["memorisation.pixels"] == pytest.approx(1)
    assert numbers["memorisation.features"] == pytest.approx(1)
    assert numbers["memorisation.copies"] < 0.05


def test_rises_with_the_share_of_noisy_copies(value, training, others):
    copies = with_noise(as_pictures(training.grey[:40] * 255), TWO_PERCENT)
    found = []
    for n in (0, 10, 20, 40):
        numbers = value("memorisation", np.concatenate([copies[:n], others[n:]]))
        found.append(numbers["memorisation.copies"])
        assert numbers["memorisation.copies"] == pytest.approx(n / 40, abs=0.05)
    assert found == sorted(found)
    assert numbers["memorisation.pixels"] < 0.3


@pytest.mark.parametrize("shift", [(0, 0), (2, -1), (-2, 2)])
@pytest.mark.parametrize("flip", [1, -1])
def test_a_moved_copy_is_the_same_copy(training, shift, flip):
    copies = with_noise(as_pictures(training.grey[:20] * 255), TWO_PERCENT) / np.float32(255)
    index, distance = nearest_with_moves(np.roll(copies, shift, (1, 2))[:, :, ::flip], training.grey)
    assert index.tolist() == list(range(20))
    assert (distance < TWO_PERCENT).all()


def test_a_network_for_the_features_is_never_given_more_images_than_memory_has_room_for(training, monkeypatch):
    given = []
    monkeypatch.setattr(training, "extractor", lambda grey: given.append(len(grey)) or np.zeros((len(grey), 2), "f"))
    training.features_of(training.grey[:, :, ::-1])
    assert sum(given) == len(training)
    assert max(given) == 16


def test_noise_is_no_copy(value, others):
    assert value("memorisation", with_noise(others, 25))["memorisation.copies"] == 0
