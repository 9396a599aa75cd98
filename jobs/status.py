"""Tables that end a run."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from rich.table import Table

from pipeline.report import UnitReport


def status_table(
    title: str, reports: Iterable[UnitReport], inputs: int, already: int, images_per_second: float
) -> Table:
    """Inputs, accepted, rejected by reason, failed, what filters failed on, and the rate of the rows of this run."""
    counts: Counter[tuple[str, str]] = Counter()
    unscored: Counter[str] = Counter()
    for report in reports:
        counts.update(report.counts)
        unscored.update(report.unscored)
    table = Table(title=title, show_header=False, title_justify="left")
    table.add_column("what")
    table.add_column("rows", justify="right")
    table.add_row("inputs in the plan", str(inputs))
    if already:
        table.add_row("done by earlier runs", str(already))
    for verdict in ("accepted", "rejected", "failed"):
        table.add_row(verdict, str(sum(n for (name, _), n in counts.items() if name == verdict)))
        for (name, reason), n in sorted(counts.items(), key=lambda item: (-item[1], item[0])):
            if name == verdict and reason:
                table.add_row(f"  {reason}", str(n))
    for name, n in sorted(unscored.items()):
        table.add_row(f"not scored by {name}: run again to retry", str(n))
    table.add_row("images/s", f"{images_per_second:.2f}" if counts else "–")
    return table
