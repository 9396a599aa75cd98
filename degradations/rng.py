"""The one source of randomness: a Philox generator for each step of each sample."""

import hashlib

import numpy as np


def generator(seed: int, *key: object) -> np.random.Generator:
    """A Philox generator keyed by the recipe's seed and any further parts (sample key, step number).

    Equal arguments give equal streams on every platform, whatever was drawn elsewhere before.
    """
    text = "/".join(str(part) for part in (seed, *key))
    digest = hashlib.sha256(text.encode()).digest()
    return np.random.Generator(np.random.Philox(key=int.from_bytes(digest[:16], "little")))


def pixel_seed(rng: np.random.Generator) -> int:
    """A seed for noise that is drawn while pixels are made: an integer below 2⁵³, exact in JSON everywhere.

    It is a drawn parameter and part of the trace, so `apply` needs no other randomness.
    """
    return int(rng.integers(0, 2**53))
