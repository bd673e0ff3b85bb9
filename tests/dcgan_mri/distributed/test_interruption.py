"""Signals are noted, and agreed on at the end of an iteration."""

import os
import signal
import types

import pytest
from mpi4py import MPI

from dcgan_mri.distributed.interruption import SIGNALS, Interruption


@pytest.fixture
def handlers():
    """Puts back the handlers that were there before."""
    before = {number: signal.getsignal(number) for number in SIGNALS}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGUSR1])
def test_signal_is_agreed_on_when_the_iteration_ends(handlers, number):
    interruption = Interruption(MPI.COMM_SELF)
    interruption.listen()
    interruption(None)
    assert not interruption.agreed
    os.kill(os.getpid(), number)
    assert not interruption.agreed
    interruption(None)
    assert interruption.agreed


def test_second_interrupt_has_its_usual_effect(handlers, capsys):
    interruption = Interruption(MPI.COMM_SELF)
    interruption.listen()
    os.kill(os.getpid(), signal.SIGINT)
    assert signal.getsignal(signal.SIGINT) == signal.SIG_DFL
    interruption(None)
    said = capsys.readouterr().err.split("\n", 1)[1]
    assert said == "stopping after this iteration with a snapshot; Ctrl-C again stops at once\n"


def test_one_rank_prints_for_all(handlers, capsys):
    other = types.SimpleNamespace(rank=1, Allreduce=lambda *args, **kwargs: None)
    interruption = Interruption(other)
    interruption.listen()
    os.kill(os.getpid(), signal.SIGINT)
    interruption(None)
    assert interruption.agreed
    assert capsys.readouterr().err == ""
