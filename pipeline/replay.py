"""Replay: the degraded pixels again, from the source's bytes and the trace."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from degradations.chain import apply_chain, needed_cues
from filters.decoding import decode
from pipeline.dataset import Dataset
from pipeline.scenes import banks_of_trace, bare_scene, with_cues
from schemas.errors import DatasetError
from schemas.ledger import LedgerRow
from schemas.recipe.decode import DecodeSection
from schemas.trace import Trace


def replay(source: bytes, trace: Trace, max_pixels: int = DecodeSection().max_pixels) -> NDArray[np.uint8]:
    """The degraded image (uint8 (H, W, 3), sRGB) of `source`, equal to the byte on the same platform.

    Raises filters.decoding.DecodeError for bytes that are no image.
    """
    clean = decode(source, max_pixels).pixels
    scene = replace(bare_scene(clean), banks=banks_of_trace(trace.cues))
    return apply_chain(clean, trace.steps, with_cues(scene, clean, needed_cues(trace.steps)))


def find_row(dataset: Dataset, sample_key: str) -> LedgerRow:
    """The ledger row of a sample. Raises DatasetError when there is none."""
    for part in sorted(dataset.ledger.glob("*.parquet")):
        table = pq.read_table(part)
        found = table.filter(pc.equal(table["sample_key"], sample_key))
        if found.num_rows:
            return LedgerRow.from_table(found)[0]
    raise DatasetError(f"{dataset.root}: no sample {sample_key!r} in the ledger; copy the key from a ledger row")
