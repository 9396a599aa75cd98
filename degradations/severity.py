"""Where in its range a parameter falls, given the severity.

`position` spreads severity by a reflected step. Reflection keeps the uniform distribution, so when severity is uniform
on [0, 1] every parameter placed this way has exactly its specified distribution, while a fixed severity confines it
to a part of the range that moves up with it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TypeVar

import numpy as np

#: Half width of the step: parameters of one picture differ by up to this share of their range.
SPREAD = 0.15

T = TypeVar("T")


def position(rng: np.random.Generator, severity: float) -> float:
    """A quantile in [0, 1] within SPREAD of `severity`.

    Raises ValueError for a severity outside [0, 1].
    """
    if not 0.0 <= severity <= 1.0:
        raise ValueError(f"severity must lie in [0, 1], got {severity}")
    value = abs(severity + float(rng.uniform(-SPREAD, SPREAD)))
    return 2.0 - value if value > 1.0 else value


def linear(quantile: float, mildest: float, worst: float) -> float:
    """Quantile of the uniform distribution from `mildest` to `worst` (either may be the larger)."""
    return mildest + quantile * (worst - mildest)


def logarithmic(quantile: float, mildest: float, worst: float) -> float:
    """Quantile of the log-uniform distribution from `mildest` to `worst` (both positive)."""
    return math.exp(linear(quantile, math.log(mildest), math.log(worst)))


def ordered(quantile: float, values: Sequence[T], weights: Sequence[float] | None = None) -> T:
    """Quantile of a discrete distribution whose `values` are ordered from mild to severe (equal weights if None)."""
    shares = np.ones(len(values)) if weights is None else np.asarray(weights, dtype=np.float64)
    index = int(np.searchsorted(np.cumsum(shares) / shares.sum(), quantile, side="right"))
    return values[min(index, len(values) - 1)]
