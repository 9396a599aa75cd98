"""Tables that end a run."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from rich.table import Table

from pipeline.worker import UnitReport


def synthesis_table(reports: Iterable[UnitReport], inputs: int, already: int, images_per_second: float) -> Table:
    """Inputs, accepted, rejected by reason, failed and the rate of the rows that this run did."""
    counts: Counter[tuple[str, str]] = Counter()
    for report in reports:
        counts.update(report.counts)
    table = Table(title="Synthesis", show_header=False, title_justify="left")
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
    table.add_row("images/s", f"{images_per_second:.2f}" if counts else "–")
    return table
