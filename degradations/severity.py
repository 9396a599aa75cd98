"""Where in its range a parameter falls, given the severity.

Severity and quantile are coupled by a Clayton copula (Clayton 1978), whose margins are uniform: when severity is
uniform on [0, 1], every parameter placed this way has exactly its specified distribution. The coupling is tight at the
mild end, so that severity 0 gives the mildest of everything, and loose at the severe end, so that a chain of many
parameters is not all extremes at once.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TypeVar

import numpy as np

#: Copula parameter where one or two parameters make the strength: at severity 1 a mean quantile of .88.
TIGHT = 6.0
#: Where many parameters do: at severity 1 a mean quantile of .75.
LOOSE = 2.0

T = TypeVar("T")


def position(rng: np.random.Generator, severity: float, tightness: float = TIGHT) -> float:
    """A random quantile in [0, 1] that grows with `severity` (in distribution); 0 at severity 0.

    Raises ValueError for a severity outside [0, 1].
    """
    if not 0.0 <= severity <= 1.0:
        raise ValueError(f"severity must lie in [0, 1], got {severity}")
    uniform = float(rng.integers(1, 2**53)) / 2**53
    slack = uniform ** (-tightness / (1.0 + tightness)) - 1.0
    return float(min(1.0, severity * (slack + severity**tightness) ** (-1.0 / tightness)))


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
