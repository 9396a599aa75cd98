"""How well a recogniser names degradations and severities that it was not trained on."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from degradations.rng import generator
from filters.contract import Finding
from filters.recogniser.model import RecogniserFilter
from schemas.errors import DatasetError
from schemas.recogniser import CLEAN
from training.recogniser.examples import CHAINS, Example, Examples
from training.recogniser.rewriting import rewritten

#: Probability from which a degradation counts as named.
NAMED = 0.5
_AT_ONCE = 16


@dataclass(frozen=True)
class Measured:
    """classes: the degradations, then clean. confusion [true, most probable]: pictures with one degradation or none.

    presence: degradation → F1 of "probability ≥ .5" over all pictures, chains among them. severity_error: degradation →
    mean absolute error of the severity score where it is present; NaN where there was no picture.
    """

    classes: tuple[str, ...]
    confusion: NDArray[np.int64]
    presence: dict[str, float]
    severity_error: dict[str, float]

    @property
    def recall(self) -> NDArray[np.float64]:
        """By class; NaN without a picture."""
        return _ratio(np.diag(self.confusion), self.confusion.sum(1))

    @property
    def precision(self) -> NDArray[np.float64]:
        """By class; 0 where the class was never named."""
        return np.nan_to_num(_ratio(np.diag(self.confusion), self.confusion.sum(0)))

    @property
    def f1(self) -> NDArray[np.float64]:
        """By class; NaN without a picture."""
        return _ratio(2.0 * np.diag(self.confusion), self.confusion.sum(0) + self.confusion.sum(1))

    @property
    def macro_f1(self) -> float:
        """Mean of the F1 of the classes of which there are pictures."""
        return float(np.mean(self.f1[self.confusion.sum(1) > 0]))

    def to_json(self) -> dict[str, Any]:
        """Plain figures, null for NaN."""
        rows = {
            name: {"pictures": int(self.confusion[n].sum()), "recall": r, "precision": p, "f1": f}
            for n, (name, r, p, f) in enumerate(zip(self.classes, self.recall, self.precision, self.f1, strict=True))
        }
        told = {
            "macro_f1": self.macro_f1,
            "classes": rows,
            "confusion": self.confusion.tolist(),
            "presence_f1": self.presence,
            "severity_mean_absolute_error": self.severity_error,
        }
        return _without_nan(told)


def measure(recogniser: RecogniserFilter, examples: Examples, rewrite: bool, report: Callable[[int], None]) -> Measured:
    """Scores all examples: as they are stored, or, with `rewrite`, as cameras and sites write them.

    report: called with the number of pictures scored so far.
    Raises DatasetError when there are none, or they show what the recogniser was never taught.
    """
    names = recogniser.config.names
    if untaught := [name for name in examples.names if name not in names]:
        raise DatasetError(
            f"split {examples.split!r} shows {', '.join(untaught)}, which this recogniser was never taught; "
            "train it on such samples too, or name other datasets"
        )
    if not len(examples):
        raise DatasetError(f"no sample of split {examples.split!r}; set plan.{examples.split} when synthesizing")
    found: list[Finding] = []
    for start in range(0, len(examples), _AT_ONCE):
        part = examples.all[start : start + _AT_ONCE]
        found += recogniser.score([_picture(examples, one, rewrite) for one in part])
        report(len(found))
    return _measured(examples.all, found, names)


def _picture(examples: Examples, example: Example, rewrite: bool) -> NDArray[np.uint8]:
    pixels = examples.pixels(example)
    return rewritten(pixels, generator(0, "rewritten", example.key, example.group)) if rewrite else pixels


def _measured(examples: Sequence[Example], found: Sequence[Finding], names: tuple[str, ...]) -> Measured:
    classes = (*names, CLEAN)
    probabilities = np.array([[one.scores[f"recognised.{name}"] for name in classes] for one in found])
    severities = np.array([[one.scores[f"recognised.severity.{name}"] for name in names] for one in found])
    present = np.array([[name in one.severities for name in names] for one in examples])
    confusion = np.zeros((len(classes), len(classes)), dtype=np.int64)
    for one, row in zip(examples, probabilities, strict=True):
        if one.group != CHAINS:
            confusion[classes.index(one.group), int(row.argmax())] += 1
    presence, error = {}, {}
    for n, name in enumerate(names):
        named = probabilities[:, n] >= NAMED
        both = named.sum() + present[:, n].sum()
        presence[name] = float(2 * (named & present[:, n]).sum() / both) if both else float("nan")
        true = np.array([one.severities[name] for one in examples if name in one.severities])
        error[name] = float(np.abs(severities[present[:, n], n] - true).mean()) if true.size else float("nan")
    return Measured(classes, confusion, presence, error)


def _ratio(part: NDArray[Any], whole: NDArray[Any]) -> NDArray[np.float64]:
    return np.where(whole > 0, part / np.maximum(whole, 1), np.nan)


def _without_nan(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _without_nan(inner) for name, inner in value.items()}
    return None if isinstance(value, float) and np.isnan(value) else value
