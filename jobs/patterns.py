"""`tarnish patterns`: banks of moiré, flare, haze, rain and reflected scenes."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import cv2
import typer
from rich.console import Console
from rich.table import Table

from degradations.patterns.bank import KINDS, Kind, PatternBank
from degradations.patterns.banks import open_bank
from degradations.patterns.errors import PatternError
from degradations.patterns.sheet import contact_sheet
from degradations.patterns.store import Store
from jobs.errors import told_plainly
from jobs.interrupt import between_units
from jobs.progress import progress_bar
from pipeline.engines.select import build_engine
from pipeline.pattern_banks import build_bank, pending_patterns, plan_bank
from schemas.recipe.engine import EngineSection

#: Patterns of a full bank, and their side in pixels. Moiré and flare after UniDemoiré and RealRestorer.
COUNT: dict[Kind, int] = {"moire": 3000, "flare": 3000, "haze": 200, "rain": 200, "reflection": 200}
SIZE: dict[Kind, int] = {"moire": 1024, "flare": 1024, "haze": 512, "rain": 1024, "reflection": 512}

app = typer.Typer(help="Build and show pattern banks.", no_args_is_help=True)


@app.command("build")
def build(
    out: Annotated[str, typer.Option(help="Folder or object-store uri (s3://, gs://) of the banks.")] = "patterns",
    kind: Annotated[list[str] | None, typer.Option(help="This kind alone (repeatable); default all.")] = None,
    count: Annotated[int | None, typer.Option(min=1, help="Patterns a kind; default 3000 or 200.")] = None,
    size: Annotated[int | None, typer.Option(min=16, max=4096, help="Pixels a side; default by kind.")] = None,
    seed: Annotated[int, typer.Option(help="The same seed gives the same bytes.")] = 0,
    engine: Annotated[Literal["local", "ray"], typer.Option(help="One process, or all CPUs by Ray.")] = "ray",
    actors: Annotated[int, typer.Option(min=0, help="Ray workers; 0 is one a CPU.")] = 0,
    dry_run: Annotated[bool, typer.Option(help="Print what would be made, make nothing.")] = False,
) -> None:
    """Make procedural banks. Run it again to resume. A recipe uses them by `degradations.patterns.KIND: OUT`."""
    console = Console()
    with told_plainly(console, f"run the same command again to resume {out}"):
        plans = [plan_bank(k, seed, size or SIZE[k], count or COUNT[k]) for k in _kinds(kind)]
        pending = {plan.kind: len(pending_patterns(out, plan)) for plan in plans}
        if dry_run:
            table = Table(title="Patterns", title_justify="left")
            for column in ("kind", "size", "patterns", "to make"):
                table.add_column(column, justify="left" if column == "kind" else "right")
            for plan in plans:
                table.add_row(plan.kind, str(plan.size), str(plan.count), str(pending[plan.kind]))
            console.print(table)
            return
        started = build_engine(EngineSection(kind=engine, actors=actors))
        with between_units(console) as check, progress_bar(console) as bars:
            for plan in plans:
                bar = bars.add_task(plan.kind, total=plan.count, completed=plan.count - pending[plan.kind])
                for made in build_bank(out, plan, started):
                    bars.advance(bar, made)
                    check()
        started.close()
        for plan in plans:
            _write_sheet(open_bank(plan.kind, out), Store(out), console)


@app.command("sheet")
def sheet(
    bank: Annotated[str, typer.Argument(help="Folder or uri of a bank or of photographs, or embedded.")] = "embedded",
    kind: Annotated[list[str] | None, typer.Option(help="This kind alone (repeatable); default all.")] = None,
    out: Annotated[Path, typer.Option(help="Folder for the sheets.")] = Path(),
) -> None:
    """Write a contact sheet a kind: KIND.jpg."""
    console = Console()
    with told_plainly(console):
        for name in _kinds(kind):
            _write_sheet(open_bank(name, bank), Store(str(out)), console)


def _kinds(named: list[str] | None) -> list[Kind]:
    if unknown := [name for name in named or () if name not in KINDS]:
        raise PatternError(f"--kind: unknown kind {unknown[0]!r}; known: {', '.join(KINDS)}")
    return [kind for kind in KINDS if not named or kind in named]


def _write_sheet(bank: PatternBank, store: Store, console: Console) -> None:
    picture = cv2.cvtColor(contact_sheet(bank), cv2.COLOR_RGB2BGR)
    try:
        store.write(f"{bank.kind}.jpg", bytes(cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, 88])[1]))
    except OSError as error:
        raise PatternError(f"the contact sheet cannot be written to {store.uri!r} ({error})") from error
    console.print(
        f"{len(bank.names)} {bank.kind} patterns, version {bank.version}; sheet {store.uri}/{bank.kind}.jpg",
        highlight=False,
    )
