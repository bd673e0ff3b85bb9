"""Triggers that need nothing saved."""

import types

from dcgan_mri.extensions.triggers import EACH_ITERATION, EpochsAndEnd, StopAt


def at(iteration, per_epoch=4, last=18):
    """A trainer after an iteration."""
    return types.SimpleNamespace(stop_trigger=StopAt(last, None), updater=types.SimpleNamespace(
        iteration=iteration, epoch=iteration // per_epoch, is_new_epoch=iteration % per_epoch == 0))


def test_epochs_and_end():
    trigger = EpochsAndEnd(2)
    assert [i for i in range(1, 19) if trigger(at(i))] == [8, 16, 18]


def test_stops_at_the_iteration_however_often_it_is_asked():
    stop = StopAt(3, types.SimpleNamespace(agreed=False))
    assert [stop(at(i)) for i in (2, 3, 3, 4)] == [False, True, True, True]
    assert stop.get_training_length() == (3, "iteration")


def test_stops_when_a_signal_asks_for_it():
    assert StopAt(3, types.SimpleNamespace(agreed=True))(at(1))


def test_each_iteration():
    assert EACH_ITERATION(at(1))
