"""What a run says while it works: metrics.jsonl, TensorBoard and a progress bar."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, ProgressColumn, Task, TextColumn, TimeRemainingColumn
from rich.text import Text
from torch.utils.tensorboard import SummaryWriter

Row = dict[str, Any]


class RunLog:
    """Rows of `metrics.jsonl`, in order of their `step` (of the whole run); TensorBoard holds the same numbers.

    Rows of kind `train`: step, stage, loss, learning_rate, gradient_norm. Of kind `validation`: step, stage, score,
    gain (dB by degradation).
    """

    def __init__(self, folder: Path, step: int | None, total: int, console: Console | None) -> None:
        """Continues after the checkpoint of `step` (None: there is none): later rows of a killed run are dropped."""
        self._path = folder / "metrics.jsonl"
        kept = [row for row in read_rows(folder) if step is not None and row["step"] <= step]
        self._path.write_text("".join(json.dumps(row) + "\n" for row in kept), encoding="utf-8")
        self._board = SummaryWriter(str(folder / "tensorboard"), purge_step=(step or 0) + 1)
        self._progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            _Rate(),
            TimeRemainingColumn(),
            TextColumn("{task.fields[said]}"),
            console=console,
        )
        self._bar = self._progress.add_task("training", total=total, completed=step or 0, said="")
        self._progress.start()

    def close(self) -> None:
        """Ends the progress bar and writes everything out."""
        self._progress.stop()
        self._board.close()

    def advance(self, stage: str, loss: float) -> None:
        """One step is done."""
        self._progress.update(self._bar, advance=1, description=stage, said=f"loss {loss:.4f}")

    def write(self, kind: str, step: int, stage: str, values: Mapping[str, float | Mapping[str, float]]) -> None:
        """One row."""
        row = {"kind": kind, "step": step, "stage": stage, **values}
        with self._path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(row) + "\n")
        for name, value in values.items():
            if isinstance(value, Mapping):
                for inner, number in value.items():
                    self._board.add_scalar(f"{kind}/{name}/{inner}", number, step)
            else:
                self._board.add_scalar(f"{kind}/{name}", value, step)


def read_rows(folder: Path) -> list[Row]:
    """The rows of a run folder's metrics.jsonl; an unfinished last line is left out."""
    path = folder / "metrics.jsonl"
    if not path.is_file():
        return []
    lines = path.read_text(encoding="utf-8").split("\n")[:-1]
    return [json.loads(line) for line in lines]


class _Rate(ProgressColumn):
    """Steps a second."""

    def render(self, task: Task) -> Text:
        return Text(f"{task.speed:.2f} steps/s" if task.speed else "– steps/s")
