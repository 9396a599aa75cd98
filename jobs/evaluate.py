"""`tarnish evaluate`: held-out samples restored and measured."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from jobs.errors import told_plainly
from pipeline.dataset import Dataset
from schemas.recipe import load_recipe


def evaluate(
    dataset: Annotated[Path, typer.Argument(help="Dataset with held-out sources (plan.heldout).", show_default=False)],
    editor: Annotated[Path, typer.Argument(help="Folder of an exported editor.", show_default=False)],
    out: Annotated[Path, typer.Option(help="Folder for report.html and summary.json.")] = Path("evaluation"),
    steps: Annotated[int, typer.Option(min=1, help="Sampler steps.")] = 1,
) -> None:
    """Restore the held-out samples of a dataset, measure PSNR and SSIM, write a report."""
    console = Console()
    with told_plainly(console):
        from evaluation.compare import to_rich_table
        from evaluation.report import RunReport, write_report
        from jobs.heldout import compare_heldout, report_basics

        opened = Dataset.open(dataset)
        recipe = load_recipe(opened.root / "recipe.yaml")
        comparison = compare_heldout(opened, editor, recipe, steps, console)
        console.print(to_rich_table(comparison))
        out.mkdir(parents=True, exist_ok=True)
        write_report(out / "report.html", RunReport(comparison=comparison, **report_basics(opened, recipe)))
        (out / "summary.json").write_text(json.dumps(comparison.summary(), indent=2) + "\n", encoding="utf-8")
        console.print(f"{out / 'report.html'}  {out / 'summary.json'}", highlight=False)
