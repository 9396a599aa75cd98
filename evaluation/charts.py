"""Charts as inline SVG whose colours follow the page's light or dark theme."""

from __future__ import annotations

import io
import re
from collections.abc import Sequence

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from evaluation.ledger_summary import ScoreValues
from evaluation.training_log import StageCurve

# Stand-ins that become variables of the page's style sheet.
_INK, _MUTED, _RULE, _ACCENT, _SECOND = "#010101", "#020202", "#030303", "#040404", "#050505"
_VARIABLES = {_INK: "ink", _MUTED: "muted", _RULE: "rule", _ACCENT: "accent", _SECOND: "second"}
_BINS = 24
_MOST_POINTS = 800


def score_histogram(values: ScoreValues, low: float, high: float, name: str) -> str:
    """SVG: how often each value of a score occurs in [low, high], accepted rows on top of dropped ones.

    name: makes the ids of this chart differ from those of others on the page.
    """
    figure = _figure(2.2, 1.3)
    axes = figure.add_axes((0.14, 0.2, 0.82, 0.74))
    axes.hist(
        [values.dropped, values.accepted],
        bins=_BINS,
        range=(low, high),
        stacked=True,
        color=[_SECOND, _ACCENT],
        rwidth=0.9,
    )
    _plain(axes)
    axes.set_xlim(low, high)
    axes.yaxis.set_major_locator(MaxNLocator(3, integer=True))
    axes.xaxis.set_major_locator(MaxNLocator(4))
    return _svg(figure, name)


def training_curves(stages: Sequence[StageCurve]) -> str:
    """SVG: training loss above, validation score below, over the steps of the run; a line ends each stage.

    Thin: the loss as logged, and the gain of each degradation. Bold: the loss's running mean over a twentieth of the
    stage, and the score. A ring marks each stage's best score.
    """
    scored = any(stage.scores for stage in stages)
    figure = _figure(11.2, 5.2 if scored else 3.0)
    above = figure.add_axes((0.06, 0.48, 0.92, 0.46) if scored else (0.06, 0.16, 0.92, 0.76))
    panels = [above]
    if scored:
        panels.append(figure.add_axes((0.06, 0.1, 0.92, 0.32), sharex=above))
    start = 0
    for stage in stages:
        end = stage.last_step
        for axes in panels:
            axes.axvline(end, color=_RULE, linewidth=1)
        middle, top = (start + end) / 2, 1.03
        along = above.get_xaxis_transform()
        above.text(middle, top, stage.name, transform=along, ha="center", color=_INK, parse_math=False)
        _draw_loss(above, stage)
        if scored:
            _draw_scores(panels[1], stage)
        start = end
    for axes, label in zip(panels, ("training loss", "validation score, dB"), strict=False):
        _plain(axes)
        axes.set_xlim(0, start)
        axes.set_ylabel(label, color=_MUTED)
        axes.yaxis.set_major_locator(MaxNLocator(5))
        axes.tick_params(labelbottom=axes is panels[-1])
    panels[-1].set_xlabel("step", color=_MUTED)
    return _svg(figure, "training")


def _draw_loss(axes: Axes, stage: StageCurve) -> None:
    if not stage.losses:
        return
    steps, losses = np.array(list(stage.losses)), np.array(list(stage.losses.values()))
    shown = slice(None, None, -(-len(steps) // _MOST_POINTS))
    smooth = running_mean(losses, max(1, len(losses) // 20))
    axes.plot(steps[shown], losses[shown], color=_ACCENT, linewidth=0.7, alpha=0.35)
    axes.plot(steps[shown], smooth[shown], color=_ACCENT, linewidth=1.6)


def _draw_scores(axes: Axes, stage: StageCurve) -> None:
    for gains in stage.gains.values():
        axes.plot(list(gains), list(gains.values()), color=_MUTED, linewidth=0.7, alpha=0.6)
    axes.plot(list(stage.scores), list(stage.scores.values()), color=_ACCENT, linewidth=1.6, marker="o", markersize=3)
    if stage.best is not None:
        (ring,) = axes.plot([stage.best], [stage.scores[stage.best]], "o", markersize=9, clip_on=False)
        ring.set(markerfacecolor="none", markeredgecolor=_INK)


def running_mean(values: NDArray[np.float64], window: int) -> NDArray[np.float64]:
    """Mean of the last `window` values at each position, of as many as there are at the start."""
    sums = np.cumsum(np.concatenate(([0.0], values)))
    ends = np.arange(1, len(values) + 1)
    starts = np.maximum(ends - window, 0)
    return (sums[ends] - sums[starts]) / (ends - starts)


def _figure(width: float, height: float) -> Figure:
    return Figure(figsize=(width, height), facecolor="none")


def _plain(axes: Axes) -> None:
    axes.set_facecolor("none")
    axes.spines[["top", "right"]].set_visible(False)
    axes.spines[["left", "bottom"]].set_color(_RULE)
    axes.tick_params(colors=_MUTED, length=3, width=0.8)


def _svg(figure: Figure, name: str) -> str:
    buffer = io.StringIO()
    with matplotlib.rc_context({"svg.hashsalt": name, "svg.fonttype": "none", "font.size": 9}):
        figure.savefig(
            buffer, format="svg", metadata=dict.fromkeys(("Creator", "Date", "Format", "Type")), transparent=True
        )
    svg = buffer.getvalue()
    svg = svg[svg.index("<svg") :]
    svg = re.sub(r' xmlns(:xlink)?="[^"]*"', "", svg)
    svg = re.sub(r"<defs>\s*<style.*?</style>\s*</defs>", "", svg, count=1, flags=re.DOTALL)
    svg = re.sub(r'(\bid="|href="#|url\(#)', rf"\g<1>{re.sub('[^a-z0-9]', '-', name.lower())}-", svg)
    for colour, variable in _VARIABLES.items():
        svg = svg.replace(colour, f"var(--{variable})")
    return svg
