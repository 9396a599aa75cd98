"""What a training run will take, as tables."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.table import Table

if TYPE_CHECKING:
    from training.estimate import Estimate

_GIB = 2**30


def estimate_tables(estimate: Estimate, processes: int) -> list[Table]:
    """A table of the stages and one of what the whole run needs."""
    stages = Table("stage", title="Stages", title_justify="left")
    for name in ("steps", "samples", "epochs", "weights moved", "a step", "in all"):
        stages.add_column(name, justify="right")
    for each in estimate.stages:
        epochs = "\n".join(f"{name} {_count(seen)}" for name, seen in each.epochs.items())
        stages.add_row(
            each.name,
            f"{each.steps:,}",
            f"{each.samples:,}",
            epochs,
            f"{each.trained:,}",
            _operations(each.flops / each.steps),
            _operations(each.flops),
        )
    needs = Table("of the whole run", title="Needs", title_justify="left")
    needs.add_column("", justify="right")
    needs.add_row("weights of the editor", f"{estimate.weights:,}")
    needs.add_row("processes", str(processes))
    needs.add_row(
        "memory a process: weights, gradients, moments, average (activations and encoders come on top)",
        f"{estimate.memory / _GIB:.2f} GiB",
    )
    needs.add_row("one checkpoint on the disk", f"{estimate.checkpoint / _GIB:.2f} GiB")
    return [stages, needs]


def _operations(count: float) -> str:
    power = next(power for power in (18, 15, 12, 9, 0) if count >= 10.0**power or power == 0)
    return f"{count / 10.0**power:.3g} { {18: 'E', 15: 'P', 12: 'T', 9: 'G', 0: ''}[power] }FLOP"


def _count(times: float) -> str:
    return f"{times:.2g}" if times < 10 else f"{times:,.0f}"
