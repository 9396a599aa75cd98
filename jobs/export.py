"""`tarnish export`: a trained editor for other programs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer
from rich.console import Console

from jobs.errors import told_plainly
from jobs.progress import progress_bar


def export(
    editor: Annotated[Path, typer.Argument(help="Folder of an exported editor of a run.", show_default=False)],
    out: Annotated[Path, typer.Option(help="Folder to write, not there yet.", show_default=False)],
    layout: Annotated[
        Literal["diffusers", "official"],
        typer.Option("--format", help="What diffusers loads; or, for step1x, Step1X-Edit's published layout."),
    ] = "diffusers",
    precision: Annotated[Literal["bf16", "fp32"], typer.Option(help="Of the written weights.")] = "bf16",
    prefix: Annotated[
        str, typer.Option(help="Before every name of the format official; inner_model. as in RealRestorer's release.")
    ] = "",
) -> None:
    """Write a trained editor's transformer for other programs, and say how to use it there.

    Adapters of low rank are merged into the weights. The frozen encoders are not copied. Needs memory for one file of
    weights (10 GB), for step1x for all of them.
    """
    console = Console()
    with told_plainly(console, f"nothing is in {out} yet; run the same command again"):
        from training.export import export_weights, how_to_use

        with progress_bar(console) as bars:
            bar = bars.add_task("weights", total=None)
            config = export_weights(
                editor,
                out,
                layout,
                precision,
                prefix,
                lambda done, total: bars.update(bar, completed=done, total=total),
            )
        usage = how_to_use(config, out, layout, precision)
        console.print(
            f"{out}: {config.editor.kind}, {precision}; {usage}", markup=False, highlight=False, soft_wrap=True
        )
        if config.objective.form == "noise_free":
            console.print(
                "its sampler starts from the degraded picture, not from noise: other programs' samplers do not"
            )
