"""Taking the steps of a small training run, saved now and then and before it stops early."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol


class SavedRun(Protocol):
    """A run that knows its place: step, whether it is finished, one step further (the loss), and saving."""

    @property
    def finished(self) -> bool: ...

    step: int

    def advance(self) -> float: ...

    def save(self) -> None: ...


def take_steps(run: SavedRun, save_every: int, report: Callable[[int, float], None]) -> None:
    """Takes the steps that are left, saving every `save_every` and at the end.

    report: called with the number of steps taken and the loss after each; when it raises, also KeyboardInterrupt, the
    steps taken are saved first.
    """
    while not run.finished:
        loss = run.advance()
        if run.step % save_every == 0 or run.finished:
            run.save()
        try:
            report(run.step, loss)
        except BaseException:
            if not run.finished:
                run.save()
            raise
