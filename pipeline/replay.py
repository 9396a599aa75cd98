"""Replay: the degraded pixels again, from the source's bytes and the trace."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from degradations.chain import apply_chain, needed_cues
from degradations.cues.cues import for_trace
from filters.decoding import decode
from pipeline.dataset import Dataset
from pipeline.scenes import banks_of_trace, bare_scene, with_cues
from schemas.errors import DatasetError
from schemas.ledger import LedgerRow
from schemas.recipe.cues import CuesSection
from schemas.recipe.decode import DecodeSection
from schemas.trace import Trace


def replay(
    source: bytes,
    trace: Trace,
    max_pixels: int = DecodeSection().max_pixels,
    cues: CuesSection | None = None,
) -> NDArray[np.uint8]:
    """The degraded image (uint8 (H, W, 3), sRGB) of `source`, equal to the byte on the same platform.

    cues: where the models lie that the trace names, as in the recipe that made it. Raises filters.decoding.DecodeError
    for bytes that are no image and RecipeError when the trace's cues were made by another provider or version.
    """
    clean = decode(source, max_pixels).pixels
    scene = replace(bare_scene(clean), banks=banks_of_trace(trace.cues))
    providers = for_trace(trace.cues, cues or CuesSection())
    scene = with_cues(scene, clean, needed_cues(trace.steps), providers, trace.source_sha256)
    return apply_chain(clean, trace.steps, scene)


def find_row(dataset: Dataset, sample_key: str) -> LedgerRow:
    """The ledger row of a sample. Raises DatasetError when there is none."""
    for part in sorted(dataset.ledger.glob("*.parquet")):
        table = pq.read_table(part)
        found = table.filter(pc.equal(table["sample_key"], sample_key))
        if found.num_rows:
            return LedgerRow.from_table(found)[0]
    raise DatasetError(f"{dataset.root}: no sample {sample_key!r} in the ledger; copy the key from a ledger row")
