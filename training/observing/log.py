"""What a run says while it works: metrics.jsonl, timings.jsonl, TensorBoard, pictures and a progress bar."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from torch import Tensor
from torch.utils.tensorboard import SummaryWriter

from pipeline.encoding import encode_lossless
from training.observing.pictures import sheet
from training.observing.timings import Timings

Row = dict[str, Any]

#: Steps whose times make one row; the first step of a run, which compiles and warms up, has its own.
TIMED = 10
_METRICS, _TIMINGS = "metrics.jsonl", "timings.jsonl"


class RunLog:
    """Rows of `metrics.jsonl` and `timings.jsonl`, in order of their `step` (of the whole run).

    Rows of kind `train`: step, stage, loss, loss_by_time, loss_by_task, learning_rate, gradient_norm. Of kind
    `validation`: step, stage, score, gain (dB by degradation). Equal runs have equal metrics; times are kept apart
    (`training.observing.timings.Timings.row`). TensorBoard holds both, and the validation pictures, which also lie in
    `pictures/step-N.png`.
    """

    def __init__(self, folder: Path, step: int | None, total: int, console: Console | None) -> None:
        """Continues after the checkpoint of `step` (None: there is none): later rows of a killed run are dropped."""
        self._folder = folder
        for name in (_METRICS, _TIMINGS):
            kept = [row for row in _read(folder / name) if step is not None and row["step"] <= step]
            (folder / name).write_text("".join(json.dumps(row) + "\n" for row in kept), encoding="utf-8")
        self._board = SummaryWriter(str(folder / "tensorboard"), purge_step=(step or 0) + 1)
        self._progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[said]}"),
            TimeRemainingColumn(),
            console=console,
        )
        self._bar = self._progress.add_task("training", total=total, completed=step or 0, said="")
        self._progress.start()
        self._timed: list[Timings] = []
        self._timed_at = (0, "")
        self._rates = ""
        self._first = True

    def close(self) -> None:
        """Ends the progress bar and writes everything out."""
        self._write_timings()
        self._progress.stop()
        self._board.close()

    def recipe(self, text: str) -> None:
        """The recipe, YAML, as TensorBoard's text."""
        self._board.add_text("recipe", "".join(f"    {line}\n" for line in text.splitlines()))

    def advance(self, stage: str, loss: float) -> None:
        """One step is done."""
        self._progress.update(self._bar, advance=1, description=stage, said=f"loss {loss:.4f}{self._rates}")

    def write(self, kind: str, step: int, stage: str, values: Mapping[str, Any]) -> None:
        """One row of metrics.jsonl: numbers, and mappings of numbers."""
        self._append(_METRICS, {"kind": kind, "step": step, "stage": stage, **values})
        self._scalars(kind, step, values)

    def timings(self, step: int, stage: str, timings: Timings) -> None:
        """The times of one step, for the mean over several of the same stage."""
        if stage != self._timed_at[1]:
            self._write_timings()
        self._timed.append(timings)
        self._timed_at = (step, stage)
        if len(self._timed) == TIMED or self._first:
            self._first = False
            self._write_timings()

    def _write_timings(self) -> None:
        if not self._timed:
            return
        (step, stage), mean = self._timed_at, Timings.joined(self._timed)
        row = mean.row()
        self._append(_TIMINGS, {"step": step, "stage": stage, "steps": mean.steps, **row})
        self._scalars("timings", step, row)
        mfu = "" if mean.mfu is None else f", MFU {mean.mfu:.1%}"
        self._rates = f", {mean.samples_per_second:.3g} samples/s, data wait {mean.wait_share:.1%}{mfu}"
        self._timed = []

    def pictures(
        self,
        step: int,
        before: Sequence[Tensor],
        after: Sequence[Tensor],
        clean: Sequence[Tensor],
        captions: Sequence[str],
    ) -> None:
        """Validation samples side by side: float (3, h, w) in [0, 1], and what stands above each. Nothing for none."""
        if not captions:
            return
        pixels = sheet(before, after, clean, captions)
        folder = self._folder / "pictures"
        folder.mkdir(exist_ok=True)
        (folder / f"step-{step}.png").write_bytes(encode_lossless(pixels, "png"))
        self._board.add_image("validation/pictures", pixels, step, dataformats="HWC")

    def _append(self, name: str, row: Row) -> None:
        with (self._folder / name).open("a", encoding="utf-8") as file:
            file.write(json.dumps(row) + "\n")

    def _scalars(self, tag: str, step: int, values: Mapping[str, Any]) -> None:
        for name, value in values.items():
            if isinstance(value, Mapping):
                self._scalars(f"{tag}/{name}", step, value)
            elif value is not None:
                self._board.add_scalar(f"{tag}/{name}", value, step)


def read_rows(folder: Path) -> list[Row]:
    """The rows of a run folder's metrics.jsonl; an unfinished last line is left out."""
    return _read(folder / _METRICS)


def _read(path: Path) -> list[Row]:
    if not path.is_file():
        return []
    lines = path.read_text(encoding="utf-8").split("\n")[:-1]
    return [json.loads(line) for line in lines]
