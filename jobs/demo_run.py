"""The steps of the demo, each measured."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from evaluation.compare import Comparison, to_rich_table
from evaluation.ledger_summary import LedgerSummary, summarise
from evaluation.report import RunReport, write_report
from evaluation.training_log import stage_curves
from jobs.demo_photos import demo_photos
from jobs.gallery import gallery
from jobs.heldout import compare_heldout, overlaps, report_basics
from jobs.meter import Meter
from jobs.planned_run import RunResult
from jobs.synthesize import run_synthesis
from pipeline.dataset import Dataset
from pipeline.engines.select import build_engine
from schemas.errors import DatasetError
from schemas.recipe import Recipe
from schemas.recipe.sources import SourceSection
from training.run import TrainResult, train

_STAND_IN = (
    "No real pairs are at hand here. In the second stage the set named `real` is a stand-in: the same training "
    "photographs degraded again by the same recipe with another seed."
)


def run_demo(recipe: Recipe, photos: Path | None, out: Path, console: Console) -> None:
    """Runs the main job into `out`; a run that was stopped goes on, a finished one is made anew.

    Leaves report.html, summary.json, the datasets `synthetic` and `stand_in`, and the training run `training`.
    """
    if (out / "summary.json").is_file() and (out / "synthetic" / "dataset.json").is_file():
        shutil.rmtree(out)
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    paths = [photos] if photos else demo_photos()
    sources = tuple(SourceSection(path=str(path)) for path in paths)
    recipe = recipe.model_copy(update={"sources": sources})
    meter = Meter()
    with meter.step("synthesize"):
        engine = build_engine(recipe.engine)
        made = run_synthesis(recipe, out / "synthetic", engine, console)
    with meter.step("synthesize stand-in"):
        other = recipe.model_copy(update={"seed": recipe.seed + 1})
        run_synthesis(other, out / "stand_in", engine, console)
        engine.close()
    dataset = Dataset.open(out / "synthetic")
    _refuse_too_few(dataset)
    with meter.step("train, both stages"):
        sets = {"synthetic": [out / "synthetic"], "real": [out / "stand_in"]}
        trained = train(recipe.training, recipe.seed, sets, out / "training", resume=True, console=console)
    with meter.step("evaluate"):
        comparison = compare_heldout(dataset, trained.editor, recipe, recipe.training.validation.steps, console)
    with meter.step("report"):
        report = RunReport(
            comparison=comparison,
            gallery=gallery(dataset, recipe),
            stages=stage_curves(trained.history),
            steps=meter.steps,
            notes=[_STAND_IN],
            leaks=overlaps(dataset, recipe),
            **report_basics(dataset, recipe),
        )
        write_report(out / "report.html", report)
    counts = summarise(dataset.ledger)
    summary = _summary(meter, counts, comparison, made, trained)
    (out / "summary.json").write_text(json.dumps(summary, indent=2) + "\n", encoding="utf-8")
    console.print(_cost_table(meter))
    console.print(to_rich_table(comparison))
    console.print(f"chosen checkpoint: stage {trained.stage}, step {trained.step}", highlight=False)
    console.print(f"{out / 'report.html'}  {out / 'summary.json'}", highlight=False)


def _refuse_too_few(dataset: Dataset) -> None:
    counts = summarise(dataset.ledger)
    if not counts.verdicts["accepted"]:
        raise DatasetError(
            f"{dataset.root}: no sample was accepted ({counts.rejected_by_reason}); name photographs with a short side "
            "of at least 256 pixels, sharp and free of noise"
        )


def _summary(
    meter: Meter, counts: LedgerSummary, comparison: Comparison, made: RunResult, trained: TrainResult
) -> dict[str, Any]:
    return {
        "steps": {
            step.name: {"seconds": round(step.seconds, 2), "peak_memory_bytes": step.peak_memory_bytes}
            for step in meter.steps
        },
        "seconds": round(sum(step.seconds for step in meter.steps), 2),
        "peak_memory_bytes": max(step.peak_memory_bytes for step in meter.steps),
        "images_per_second": made.images_per_second,
        "counts": {
            "inputs": counts.total,
            **counts.verdicts,
            "rejected_by_reason": counts.rejected_by_reason,
            "failed_by_stage": counts.failed_by_stage,
        },
        "fidelity": comparison.summary(),
        "checkpoint": {"stage": trained.stage, "step": trained.step, "validation_score": trained.score},
        "stand_in_for_real": _STAND_IN,
    }


def _cost_table(meter: Meter) -> Table:
    table = Table(title="Cost", title_justify="left")
    table.add_column("step")
    table.add_column("seconds", justify="right")
    table.add_column("peak memory, GB", justify="right")
    for step in meter.steps:
        table.add_row(step.name, f"{step.seconds:.1f}", f"{step.peak_memory_bytes / 1e9:.2f}")
    table.add_section()
    peak = max(step.peak_memory_bytes for step in meter.steps)
    table.add_row("total", f"{sum(step.seconds for step in meter.steps):.1f}", f"{peak / 1e9:.2f}")
    return table
