"""Tables of what the recogniser named, and of how often it was right."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.table import Table

if TYPE_CHECKING:
    from training.recogniser.measure import Measured

_PREFIX, _SEVERITY = "recognised.", "recognised.severity."


def confusion_table(measured: Measured, title: str) -> Table:
    """Rows: what the pictures show; columns: what is most probable, F1, and the error of the severity."""
    table = Table(title=f"Held-out pictures {title}: macro-F1 {measured.macro_f1:.3f}", title_justify="left")
    table.add_column("shows")
    for column in ("n", *measured.classes, "recall", "precision", "F1", "named F1", "severity MAE"):
        table.add_column(column, justify="right")
    for n, name in enumerate(measured.classes):
        counts = measured.confusion[n]
        shares = [measured.recall[n], measured.precision[n], measured.f1[n]]
        others = [one.get(name, float("nan")) for one in (measured.presence, measured.severity_error)]
        cells = [f"{value:.2f}" if value == value else "–" for value in (*shares, *others)]
        table.add_row(name, str(counts.sum()), *(str(count) if count else "·" for count in counts), *cells)
    return table


def named_table(found: dict[str, dict[str, float] | str]) -> Table:
    """One row a picture: what is as probable as not, most probable first, or why the picture could not be read."""
    table = Table(title="Recognised", title_justify="left")
    for column in ("picture", "degradations: probability, severity", "clean"):
        table.add_column(column, justify="right" if column == "clean" else "left", overflow="fold")
    for path, told in found.items():
        if isinstance(told, str):
            table.add_row(path, f"[red]cannot be read[/]: {told}", "")
        else:
            table.add_row(path, _named(told), f"{told[_PREFIX + 'clean']:.2f}")
    return table


def _named(scores: dict[str, float]) -> str:
    names = [name.removeprefix(_SEVERITY) for name in scores if name.startswith(_SEVERITY)]
    likely = sorted((name for name in names if scores[_PREFIX + name] >= 0.5), key=lambda n: -scores[_PREFIX + n])
    shown = [f"{name} {scores[_PREFIX + name]:.2f}, {scores[_SEVERITY + name]:.2f}" for name in likely]
    return " · ".join(shown) or "none"
