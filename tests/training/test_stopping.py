"""Signals end a run between two steps; a launcher's echoes do not end it sooner."""

import os
import signal

import pytest
import torch

from training import stopping
from training.parallel import World
from training.stopping import StopRequest

ALONE = World(0, 1, torch.device("cpu"), None)


def test_repeated_signals_of_a_launcher_are_one_request():
    before = signal.getsignal(signal.SIGTERM)
    request = StopRequest()
    with request.listening():
        assert not request.agreed(ALONE)
        for number in (signal.SIGTERM, signal.SIGTERM, signal.SIGINT, signal.SIGINT):
            os.kill(os.getpid(), number)
        assert request.agreed(ALONE)
    assert signal.getsignal(signal.SIGTERM) is before


def test_a_second_ctrl_c_of_a_person_ends_it_at_once(monkeypatch):
    monkeypatch.setattr(stopping, "_ECHO", -1.0)
    with StopRequest().listening():
        os.kill(os.getpid(), signal.SIGINT)
        with pytest.raises(KeyboardInterrupt):
            os.kill(os.getpid(), signal.SIGINT)
