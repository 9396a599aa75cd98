"""From severity to a drawn strength."""

from __future__ import annotations

import numpy as np

#: Half-width of the jitter around the severity, in quantiles of the strength.
JITTER = 0.05


def quantile(rng: np.random.Generator, severity: float) -> float:
    """Severity with ±0.05 of jitter, clipped to [0, 1]: where in its range a strength falls.

    Raises ValueError for a severity outside [0, 1].
    """
    if not 0.0 <= severity <= 1.0:
        raise ValueError(f"severity must lie in [0, 1], got {severity}")
    return float(np.clip(severity + rng.uniform(-JITTER, JITTER), 0.0, 1.0))


def geometric(weak: float, strong: float, q: float) -> float:
    """The quantile `q` of a log-uniform strength from `weak` (q = 0) to `strong` (q = 1); either may be larger."""
    return float(weak * (strong / weak) ** q)


def log_uniform(rng: np.random.Generator, low: float, high: float) -> float:
    """A log-uniform draw from [low, high]."""
    return geometric(low, high, rng.uniform())
