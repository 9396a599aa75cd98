"""Statistics → which degradation a picture shows, and how severe it is."""

from __future__ import annotations

import functools
import hashlib
import json
import math
from collections.abc import Mapping
from importlib import resources
from statistics import NormalDist
from typing import NamedTuple

import numba
import numpy as np
from numpy.typing import NDArray

#: Shares whose quantiles the calibration holds of each statistic, and the deviations of a normal variable there.
SHARES = (0.005, 0.02, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.98, 0.995)
DEVIATIONS = tuple(NormalDist().inv_cdf(share) for share in SHARES)


class Trees(NamedTuple):
    """Regression trees, one after the other, nodes in preorder: the left child follows its parent.

    feature: -1 at a leaf. threshold: at most which goes left; at a leaf its value. right: place of the right child.
    roots: place of each tree. output: which sum a tree adds to. base: of the sums.
    """

    feature: NDArray[np.int64]
    threshold: NDArray[np.float64]
    right: NDArray[np.int64]
    roots: NDArray[np.int64]
    output: NDArray[np.int64]
    base: NDArray[np.float64]


class Calibration(NamedTuple):
    """names: of the statistics (n), in the order of the rows. classes: of the probabilities (k). usual: what stands for
    a statistic that could not be measured. quantiles: of each statistic at SHARES (n, 15). weights (k, n), bias:
    multinomial logistic regression of the deviations that a normal variable has there. trees: gradient-boosted, k sums.
    mix: share of the trees in the logits. severity: a class → trees of one sum. sharpness: factor of the mixed
    logits."""

    names: tuple[str, ...]
    classes: tuple[str, ...]
    usual: NDArray[np.float64]
    quantiles: NDArray[np.float64]
    weights: NDArray[np.float64]
    bias: NDArray[np.float64]
    trees: Trees
    mix: float
    sharpness: float
    severity: dict[str, Trees]


def semantics(statistics: Mapping[str, float]) -> dict[str, float]:
    """semantics.CLASS: probabilities of the nine degradations and `clean`, sum 1; severity.DEGRADATION in [0, 1]: the
    severity to expect if that degradation is there, in the terms of `degradations`.

    statistics: what `filters.statistics.features.statistics` returns; what is missing or NaN counts as usual. The
    logits are a weighted sum of those of a multinomial logistic regression and of gradient-boosted trees (Friedman
    2001), fitted by benchmarks/fit_statistics.py on photographs that we degraded, one degradation a picture.
    """
    return evaluate(calibration(), statistics)


def evaluate(model: Calibration, statistics: Mapping[str, float]) -> dict[str, float]:
    """`semantics` by any calibration."""
    measured = np.array([statistics.get(name, math.nan) for name in model.names])
    values = np.where(np.isfinite(measured), measured, model.usual)
    linear = _linear(model.weights, model.bias, normal(values[None], model.quantiles)[0])
    logits = model.sharpness * ((1.0 - model.mix) * linear + model.mix * _sums(model.trees, values))
    odds = np.exp(logits - logits.max())
    scores = {f"semantics.{name}": float(p) for name, p in zip(model.classes, odds / odds.sum(), strict=True)}
    for name, trees in model.severity.items():
        scores[f"severity.{name}"] = min(1.0, max(0.0, float(_sums(trees, values)[0])))
    return scores


def normal(values: NDArray[np.float64], quantiles: NDArray[np.float64]) -> NDArray[np.float64]:
    """Deviations of a normal variable at the shares of `values` (m, n), between the `quantiles` (n, 15), not beyond."""
    columns = [np.interp(column, knots, DEVIATIONS) for column, knots in zip(values.T, quantiles, strict=True)]
    return np.stack(columns, axis=1)


@functools.cache
def calibration() -> Calibration:
    """The embedded calibration."""
    return read(_text())


@functools.cache
def version() -> str:
    """First 12 hex digits of the SHA-256 of the embedded calibration."""
    return hashlib.sha256(_text().encode()).hexdigest()[:12]


def read(text: str) -> Calibration:
    """The calibration of a JSON text that fit_statistics.py wrote."""
    data = json.loads(text)
    arrays = {name: np.array(data[name]) for name in ("usual", "quantiles", "weights", "bias")}
    return Calibration(
        names=tuple(data["names"]),
        classes=tuple(data["classes"]),
        **arrays,
        trees=_trees(data["trees"]),
        mix=data["mix"],
        sharpness=data["sharpness"],
        severity={name: _trees(trees) for name, trees in data["severity"].items()},
    )


def _text() -> str:
    return resources.files("filters.statistics").joinpath("calibration.json").read_text(encoding="utf-8")


def _trees(data: Mapping[str, list[float]]) -> Trees:
    whole = {name: np.array(data[name], dtype=np.int64) for name in ("feature", "right", "roots", "output")}
    return Trees(threshold=np.array(data["threshold"]), base=np.array(data["base"]), **whole)


@numba.njit(cache=True, nogil=True)
def _linear(
    weights: NDArray[np.float64], bias: NDArray[np.float64], values: NDArray[np.float64]
) -> NDArray[np.float64]:
    out = bias.copy()
    for row in range(weights.shape[0]):
        for column in range(weights.shape[1]):
            out[row] += weights[row, column] * values[column]
    return out


@numba.njit(cache=True, nogil=True)
def _sums(trees: Trees, values: NDArray[np.float64]) -> NDArray[np.float64]:
    out = trees.base.copy()
    for number in range(trees.roots.size):
        node = trees.roots[number]
        while trees.feature[node] >= 0:
            node = node + 1 if values[trees.feature[node]] <= trees.threshold[node] else trees.right[node]
        out[trees.output[number]] += trees.threshold[node]
    return out
