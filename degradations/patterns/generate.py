"""Procedural patterns by kind, seed and number."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module

import numpy as np

from degradations.patterns.bank import Kind, Pattern
from degradations.rng import generator

#: Goes up whenever any maker below gives other bytes.
GENERATOR_VERSION = "1"


def make_pattern(kind: Kind, seed: int, number: int, size: int) -> Pattern:
    """Pattern `number` of the bank of this seed, `size` pixels a side: the same bytes for the same arguments.

    Layout by kind: see `PatternBank`.
    """
    rng = generator(seed, "pattern", kind, number)
    return np.ascontiguousarray(_maker(kind)(rng, size))


def _maker(kind: Kind) -> Callable[[np.random.Generator, int], Pattern]:
    module = import_module(f"degradations.patterns.{kind}")
    make: Callable[[np.random.Generator, int], Pattern] = module.make
    return make
