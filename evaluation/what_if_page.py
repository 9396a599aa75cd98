"""The comparison of two decisions as one HTML file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from evaluation.what_if import Histogram, WhatIf


def write_page(changes: WhatIf, path: Path) -> None:
    """Writes the page to `path`; it needs no other file."""
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent), autoescape=True, undefined=StrictUndefined
    )
    page = environment.get_template("what_if.html").render(
        changes=changes, charts=[_chart(shown) for shown in changes.histograms]
    )
    path.write_text(page, encoding="utf-8")


def _chart(shown: Histogram) -> dict[str, Any]:
    """Heights of the bars in percent of the tallest."""
    tallest = max(1, int((shown.accepted + shown.dropped).max()))
    heights = np.stack([shown.accepted, shown.dropped], axis=1) * (100.0 / tallest)
    return {
        "score": shown.score,
        "bars": [(round(float(a), 2), round(float(d), 2)) for a, d in heights],
        "low": f"{shown.edges[0]:.4g}",
        "high": f"{shown.edges[-1]:.4g}",
        "missing": shown.missing,
    }
