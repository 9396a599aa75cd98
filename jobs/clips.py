"""`tarnish clips`: windows of videos as sources of blur."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from degradations.patterns.files import write_atomically
from jobs.errors import told_plainly
from jobs.interrupt import between_units
from jobs.progress import progress_bar
from pipeline.clips import VIDEO_SUFFIXES, windows
from schemas.errors import TarnishError

app = typer.Typer(help="Cut videos into clips, sources for blur by averaged frames.", no_args_is_help=True)


@app.command("build")
def build(
    videos: Annotated[list[Path], typer.Argument(help="Video files or folders of them.", show_default=False)],
    out: Annotated[Path, typer.Option(help="Folder of the clips.")] = Path("clips"),
    length: Annotated[int, typer.Option(help="Frames a clip, odd.")] = 31,
    stride: Annotated[int | None, typer.Option(min=1, help="Frames between windows; default LENGTH.")] = None,
    dry_run: Annotated[bool, typer.Option(help="Judge the windows, write nothing.")] = False,
) -> None:
    """Keep the windows in which something moves, nothing is cut and the middle frame is sharp.

    A video that was finished is skipped, so run it again to resume. A recipe takes the clips by
    `sources=[{path: OUT, kind: clips}]`.
    """
    console = Console()
    with told_plainly(console, f"run the same command again to resume {out}"):
        files = _listed(videos)
        counts: Counter[str] = Counter()
        with between_units(console) as check, progress_bar(console) as bars:
            bar = bars.add_task("clips", total=len(files))
            for video in files:
                _cut(video, out, length, stride, dry_run, counts)
                bars.advance(bar)
                check()
        table = Table(title="Windows", title_justify="left", show_header=False)
        for verdict in ("clip", "still", "cut", "soft", "videos done before"):
            table.add_row(verdict, str(counts[verdict]))
        console.print(table)
        console.print(f"nothing was written to {out}" if dry_run else f"clips in {out}", highlight=False)


def _cut(video: Path, out: Path, length: int, stride: int | None, dry_run: bool, counts: Counter[str]) -> None:
    mark = out / ".done" / f"{video.name}-{video.stat().st_size}-{length}-{stride or length}"
    if mark.exists():
        counts["videos done before"] += 1
        return
    for window in windows(video, length, stride):
        counts[window.verdict] += 1
        if window.data and not dry_run:
            write_atomically(out / window.name, window.data)
    if not dry_run:
        write_atomically(mark, b"")


def _listed(paths: list[Path]) -> list[Path]:
    files: list[Path] = []
    for path in paths:
        if path.is_dir():
            files += sorted(p for p in path.rglob("*") if p.suffix.lower() in VIDEO_SUFFIXES)
        elif path.exists():
            files.append(path)
        else:
            raise TarnishError(f"VIDEOS: {path} does not exist; name a video or a folder of videos")
    if not files:
        raise TarnishError(
            f"VIDEOS: no video in {', '.join(map(str, paths))}; known: {' '.join(sorted(VIDEO_SUFFIXES))}"
        )
    return files
