"""Fits the calibration of the degradation statistics, and says how well they name degradations.

    python benchmarks/fit_statistics.py [--photos DIR] [--per-class 513] [--write]

Snapshots (see snapshots.py) of every fourth photograph are held out. Prints macro-F1 and the confusion of the nine
degradations and clean on these, and how far the expected severities are off; --write replaces the calibration that the
package carries. The same photographs give the same file.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # a script beside this one has the name of a package

import cv2
import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.progress import track
from rich.table import Table
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import confusion_matrix, f1_score, log_loss
from sklearn.model_selection import GroupKFold

from benchmarks.snapshots import _exposed, _framed, _written
from degradations.chain import apply_chain, draw_chain, needed_cues
from degradations.contract import Image
from degradations.rng import generator
from filters.statistics import calibrated
from filters.statistics.features import statistics
from jobs.demo_photos import demo_photos
from pipeline.scenes import bare_scene, with_cues
from schemas.recipe.degradations import DegradationsSection
from schemas.recipe.filters import PROMPTS

CLASSES = tuple(PROMPTS)
SHARED_PHOTOS = Path(__file__).resolve().parents[2] / "shared" / "photos"
_CALIBRATION = Path(calibrated.__file__).parent / "calibration.json"
_DIGITS = 5


class Examples(NamedTuple):
    """Statistics (n, d), places of labels in CLASSES, severities, and number of the photograph, (n,) each."""

    values: NDArray[np.float64]
    labels: NDArray[np.int64]
    severities: NDArray[np.float64]
    photos: NDArray[np.int64]

    def where(self, chosen: NDArray[Any]) -> Examples:
        return Examples(*(column[chosen] for column in self))


def example(photo: Image, label: str, number: int, seed: int = 0) -> tuple[Image, float]:
    """A snapshot of `photo` with the degradation `label` or "clean", and its severity, U(.25, 1) or 0."""
    rng = generator(seed, "statistics", label, number)
    severity = float(rng.uniform(0.25, 1.0))
    view = _exposed(_framed(photo, rng), rng)
    if label == "clean":
        return _written(view, rng), 0.0
    steps = draw_chain([label], DegradationsSection(), bare_scene(view), severity, seed, f"{number}")
    view = apply_chain(view, steps, with_cues(bare_scene(view), view, needed_cues(steps)))
    return _written(view, rng), severity


def held_out(count: int) -> NDArray[np.int64]:
    """Numbers of the photographs, of `count` sorted by name, that the fit never sees."""
    return np.arange(1, count, 4)


def examples(paths: list[Path], per_class: int) -> Iterator[tuple[dict[str, float], str, float, int]]:
    """Statistics, label, severity and number of the photograph of `per_class` examples a class."""
    for place, path in enumerate(paths):
        photo = np.asarray(cv2.imread(str(path), cv2.IMREAD_COLOR_RGB), dtype=np.uint8)
        for number in range(place, per_class, len(paths)):
            for label in CLASSES:
                image, severity = example(photo, label, number)
                yield statistics(image), label, severity, place


def fitted(data: Examples, names: tuple[str, ...]) -> dict[str, Any]:
    """The calibration of these examples, as JSON data."""
    usual = np.nan_to_num(np.nanmedian(data.values, axis=0))
    data = data._replace(values=np.where(np.isfinite(data.values), data.values, usual))
    mix, sharpness = _blend(data)
    linear, trees = _models(data)
    severity = {}
    for place, label in enumerate(CLASSES):
        if label != "clean":
            own = data.where(data.labels == place)
            regressor = HistGradientBoostingRegressor(
                max_iter=50, learning_rate=0.08, max_leaf_nodes=6, min_samples_leaf=10, random_state=0, max_features=0.5
            ).fit(own.values, own.severities)
            severity[label] = _packed(regressor)
    return {
        "names": names,
        "classes": CLASSES,
        "usual": _rounded(usual),
        "quantiles": [_rounded(row) for row in _quantiles(data.values)],
        "weights": [_rounded(row) for row in linear.coef_],
        "bias": _rounded(linear.intercept_),
        "trees": _packed(trees),
        "mix": mix,
        "sharpness": sharpness,
        "severity": severity,
    }


def _models(data: Examples) -> tuple[LogisticRegression, HistGradientBoostingClassifier]:
    normal = calibrated.normal(data.values, _quantiles(data.values))
    linear = LogisticRegression(C=0.03, max_iter=1000).fit(normal, data.labels)
    trees = HistGradientBoostingClassifier(
        max_iter=120,
        learning_rate=0.08,
        max_leaf_nodes=8,
        min_samples_leaf=12,
        l2_regularization=3.0,
        max_features=0.3,
        early_stopping=False,
        random_state=0,
    ).fit(data.values, data.labels)
    return linear, trees


def _quantiles(values: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.quantile(values, calibrated.SHARES, axis=0).T


def _blend(data: Examples) -> tuple[float, float]:
    """Share of the trees and factor of the logits with the least log loss on photographs left out in turn."""
    size = len(data.labels), len(CLASSES)
    linear_logits, tree_logits = np.zeros(size), np.zeros(size)
    for rest, left in GroupKFold(4).split(data.values, data.labels, data.photos):
        linear, trees = _models(data.where(rest))
        linear_logits[left] = linear.decision_function(
            calibrated.normal(data.values[left], _quantiles(data.values[rest]))
        )
        tree_logits[left] = trees.decision_function(data.values[left])

    def loss(choice: tuple[float, float]) -> float:
        logits = choice[1] * ((1 - choice[0]) * linear_logits + choice[0] * tree_logits)
        odds = np.exp(logits - logits.max(axis=1, keepdims=True))
        return float(log_loss(data.labels, odds / odds.sum(axis=1, keepdims=True)))

    return min(
        ((m, s) for m in (0.0, 0.2, 0.35, 0.5, 0.65, 0.8, 1.0) for s in np.arange(0.4, 2.05, 0.1).round(1)), key=loss
    )


def _packed(model: HistGradientBoostingClassifier | HistGradientBoostingRegressor) -> dict[str, list[float]]:
    """The trees of a fitted model in the form of `calibrated.Trees`."""
    out: dict[str, list[Any]] = {name: [] for name in ("feature", "threshold", "right", "roots", "output")}

    def add(nodes: Any, place: int) -> None:
        node, here = nodes[place], len(out["feature"])
        leaf = bool(node["is_leaf"])
        out["feature"].append(-1 if leaf else int(node["feature_idx"]))
        out["threshold"].append(_short(node["value"] if leaf else node["num_threshold"]))
        out["right"].append(0)
        if not leaf:
            add(nodes, int(node["left"]))
            out["right"][here] = len(out["feature"])
            add(nodes, int(node["right"]))

    for stage in model._predictors:
        for output, tree in enumerate(stage):
            out["roots"].append(len(out["feature"]))
            out["output"].append(output)
            add(tree.nodes, 0)
    out["base"] = _rounded(np.ravel(model._baseline_prediction))
    return out


def _short(value: float) -> float:
    return float(f"{value:.{_DIGITS}g}")


def _rounded(values: NDArray[np.float64]) -> list[float]:
    return [_short(value) for value in values]


def report(model: calibrated.Calibration, data: Examples, console: Console) -> float:
    """Prints the confusion and the severities of held-out examples; macro-F1."""
    found = [calibrated.evaluate(model, dict(zip(model.names, row, strict=True))) for row in data.values]
    guesses = np.array([np.argmax([scores[f"semantics.{label}"] for label in CLASSES]) for scores in found])
    counts = confusion_matrix(data.labels, guesses, labels=range(len(CLASSES)))
    f1 = f1_score(data.labels, guesses, labels=range(len(CLASSES)), average=None, zero_division=0)
    table = Table(title=f"{len(found)} pictures of {len(set(data.photos))} photographs held out", padding=0)
    for column in ("true class", *(f"→ {label[:6]}" for label in CLASSES), "F1", "severity off"):
        table.add_column(column, justify="left" if column == "true class" else "right", no_wrap=True)
    for place, label in enumerate(CLASSES):
        own = np.flatnonzero(data.labels == place)
        errors = [abs(found[i][f"severity.{label}"] - data.severities[i]) for i in own if label != "clean"]
        off = f"{np.mean(errors):.2f}" if errors else ""
        table.add_row(label, *map(str, counts[place]), f"{f1[place]:.2f}", off)
    console.print(table)
    console.print(f"macro-F1 {f1.mean():.3f}   accuracy {np.trace(counts) / counts.sum():.3f}")
    for low, high in ((0.25, 0.5), (0.5, 0.75), (0.75, 1.0)):
        band = (data.labels == CLASSES.index("clean")) | ((data.severities >= low) & (data.severities <= high))
        score = f1_score(data.labels[band], guesses[band], average="macro")
        console.print(f"severity {low:.2f}-{high:.2f} and clean: macro-F1 {score:.3f}")
    return float(f1.mean())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--photos", type=Path, help="clean photographs (default: ../shared/photos, else the demo's)")
    parser.add_argument("--per-class", type=int, default=513, help="pictures a class")
    parser.add_argument("--write", action="store_true", help="replace the package's calibration")
    arguments = parser.parse_args()
    console = Console()
    cv2.setNumThreads(1)
    folder = arguments.photos or SHARED_PHOTOS
    paths = sorted(p for p in folder.glob("*") if p.suffix.lower() in (".jpg", ".jpeg", ".png")) or demo_photos()
    made = examples(paths, arguments.per_class)
    rows = list(track(made, "measure", total=arguments.per_class * len(CLASSES), console=console))
    names = tuple(sorted(rows[0][0]))
    data = Examples(
        np.array([[row[0][name] for name in names] for row in rows]),
        np.array([CLASSES.index(row[1]) for row in rows]),
        np.array([row[2] for row in rows]),
        np.array([row[3] for row in rows]),
    )
    out = np.isin(data.photos, held_out(len(paths)))
    text = json.dumps(fitted(data.where(~out), names), separators=(",", ":"), ensure_ascii=False) + "\n"
    report(calibrated.read(text), data.where(out), console)
    if arguments.write:
        _CALIBRATION.write_text(text, encoding="utf-8")
        console.print(f"wrote {_CALIBRATION.name}, {len(text) // 1000} kB")


if __name__ == "__main__":
    main()
