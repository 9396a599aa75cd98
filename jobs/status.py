"""Tables that end a run."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from rich.markup import escape
from rich.table import Table

from filters.looking import Spent
from pipeline.report import UnitReport


def status_table(
    title: str, reports: Iterable[UnitReport], inputs: int, already: int, images_per_second: float
) -> Table:
    """Inputs, accepted, rejected by reason, failed, what filters failed on, pictures a second of each filter in
    one worker, and the rate of the rows of this run.
    """
    counts: Counter[tuple[str, str]] = Counter()
    unscored: Counter[str] = Counter()
    reports = list(reports)
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
        table.add_row(f"without {name}: run again to retry", str(n))
        fault = next(report.faults[name] for report in reports if name in report.faults)
        table.add_row(f"  {escape(fault)}", "")
    for label, one in sorted(_together(report.spent for report in reports).items()):
        each = round(one.pictures / one.calls)
        table.add_row(f"{label}, {each} at a time", f"{one.pictures / max(one.seconds, 1e-9):.1f}/s")
    table.add_row("images/s", f"{images_per_second:.2f}" if counts else "–")
    return table


def _together(spents: Iterable[dict[str, Spent]]) -> dict[str, Spent]:
    """The sums over units: a rate is that of one worker."""
    total: dict[str, Spent] = {}
    for spent in spents:
        for label, one in spent.items():
            so_far = total.setdefault(label, Spent())
            so_far.pictures += one.pictures
            so_far.calls += one.calls
            so_far.seconds += one.seconds
    return total
