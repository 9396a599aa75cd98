"""The report of a run: one HTML file that needs nothing else, not even a network."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from degradations.contract import Image
from evaluation.charts import score_histogram, training_curves
from evaluation.compare import Comparison
from evaluation.exhibit import most_detailed, view
from evaluation.leakage import Leak
from evaluation.ledger_summary import LedgerSummary, ScoreValues
from evaluation.training_log import StageCurve

_THUMBNAIL = 240
_DETAIL = 168


@dataclass(frozen=True)
class StepCost:
    """One step of the run: wall time in seconds and the greatest resident memory in bytes, over all its processes."""

    name: str
    seconds: float
    peak_memory_bytes: int


@dataclass(frozen=True)
class GalleryRow:
    """One degradation of one clean picture at several severities: (severity, image) in `cells`.

    Images: uint8 (H, W, 3) sRGB, of equal shape.
    """

    degradation: str
    clean: Image
    cells: Sequence[tuple[float, Image]]


@dataclass(frozen=True)
class RunReport:
    """What the report shows. A part that is None or empty is left out.

    scores: score → degradation → values, from `ledger_summary.score_values`. notes: sentences to read before the
    figures, such as what stood in for real pairs. versions: package → version. leaks: held-out photographs that
    training saw, from `leakage.find_leaks` and `overlap.find_overlaps`; None if nobody looked.
    """

    title: str
    recipe_name: str
    fingerprint: str
    command: str
    comparison: Comparison | None = None
    leaks: Sequence[Leak] | None = None
    ledger: LedgerSummary | None = None
    scores: Mapping[str, Mapping[str, ScoreValues]] = field(default_factory=dict)
    gallery: Sequence[GalleryRow] = ()
    stages: Sequence[StageCurve] = ()
    steps: Sequence[StepCost] = ()
    notes: Sequence[str] = ()
    versions: Mapping[str, str] = field(default_factory=dict)


def write_report(path: Path, report: RunReport) -> None:
    """Writes `report` to `path`: styles, charts and pictures inside, no script. Equal input gives equal bytes."""
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(picture=_data_uri, signed=_signed, sign=_sign, group=_group, percent=_percent)
    html = environment.get_template("report.html").render(
        report=report,
        gallery=[_gallery_row(row) for row in report.gallery],
        histograms={score: _histograms(score, values) for score, values in report.scores.items()},
        curves=Markup(training_curves(report.stages)) if report.stages else None,
        validated=sorted({name for stage in report.stages for name in stage.gains}),
        seconds=sum(step.seconds for step in report.steps),
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(html, encoding="utf-8")


def _gallery_row(row: GalleryRow) -> dict[str, Any]:
    region = most_detailed(row.clean, _DETAIL)
    return {
        "degradation": row.degradation,
        "clean": view(row.clean, region, _THUMBNAIL),
        "cells": [(severity, view(image, region, _THUMBNAIL)) for severity, image in row.cells],
    }


def _histograms(score: str, values: Mapping[str, ScoreValues]) -> list[dict[str, Any]]:
    """A chart for each degradation that has values; all share the range of the score."""
    measured = [value for one in values.values() for value in (*one.accepted, *one.dropped)]
    if not measured:
        return []
    low, high = min(measured), max(measured)
    if low == high:
        low, high = low - 0.5, high + 0.5
    return [
        {"degradation": name, "scored": one, "svg": Markup(score_histogram(one, low, high, f"{score} {name}"))}
        for name, one in values.items()
        if one.accepted or one.dropped
    ]


def _data_uri(picture: bytes) -> str:
    return f"data:image/jpeg;base64,{base64.b64encode(picture).decode()}"


def _signed(value: float, digits: int) -> str:
    """With its sign, a real minus, and no sign on what rounds to nothing."""
    text = f"{value:+.{digits}f}"
    return text[1:] if float(text) == 0 else text.replace("-", "−")


def _sign(value: float, digits: int) -> str:
    rounded = round(value, digits)
    return "better" if rounded > 0 else "worse" if rounded < 0 else "equal"


def _group(number: int) -> str:
    """Thousands parted by a thin space."""
    return f"{number:,}".replace(",", "\u202f")


def _percent(part: float, whole: float) -> str:
    return f"{100 * part / whole if whole else 0:.1f}%"
