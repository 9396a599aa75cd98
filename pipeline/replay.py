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
from pipeline.manifest import read_manifest
from pipeline.partners import decode_partner
from pipeline.scenes import banks_of_trace, bare_scene, with_cues
from pipeline.sources.uri import read_uri
from schemas.errors import DatasetError
from schemas.ledger import LedgerRow
from schemas.recipe.cues import CuesSection
from schemas.recipe.decode import DecodeSection
from schemas.recipe.degradations import PatternsSection
from schemas.trace import Trace


def replay(
    source: bytes,
    trace: Trace,
    max_pixels: int = DecodeSection().max_pixels,
    cues: CuesSection | None = None,
    patterns: PatternsSection | None = None,
    partner: bytes | None = None,
) -> NDArray[np.uint8]:
    """The degraded image (uint8 (H, W, 3), sRGB) of `source`, equal to the byte on the same platform.

    cues, patterns: where the models and banks lie that the trace names, as in the recipe that made it. partner: the
    bytes of the photograph that a reflection mirrored (`partner_of` says which).

    Raises filters.decoding.DecodeError for bytes that are no image, ValueError for another partner, and RecipeError or
    PatternError when the trace's cues or patterns were made by another provider or version.
    """
    decoded = decode(source, max_pixels)
    clean = decoded.pixels
    mirrored = None
    if wanted := partner_of(trace):
        mirrored = decode_partner(partner or b"", wanted, max_pixels)
    scene = replace(bare_scene(clean, partner=mirrored, clip=decoded.clip), banks=banks_of_trace(trace.cues, patterns))
    providers = for_trace(trace.cues, cues or CuesSection())
    scene = with_cues(scene, clean, needed_cues(trace.steps), providers, trace.source_sha256)
    return apply_chain(clean, trace.steps, scene)


def partner_of(trace: Trace) -> str:
    """The sha256 of the photograph that a reflection of this trace mirrored, empty if none."""
    return next((cue.version for cue in trace.cues if cue.name == "partner"), "")


def read_partner_of(trace: Trace, dataset: Dataset) -> bytes | None:
    """The bytes of that photograph, found by its hash in the dataset's manifest; None where there is no partner.

    Raises DatasetError when the manifest does not list it.
    """
    wanted = partner_of(trace)
    if not wanted:
        return None
    for source in read_manifest(dataset):
        if source.sha256 == wanted:
            return read_uri(source.uri)
    raise DatasetError(f"{dataset.root}: no source has the sha256 {wanted[:16]} of the photograph that was mirrored")


def find_row(dataset: Dataset, sample_key: str) -> LedgerRow:
    """The ledger row of a sample. Raises DatasetError when there is none."""
    for part in sorted(dataset.ledger.glob("*.parquet")):
        table = pq.read_table(part)
        found = table.filter(pc.equal(table["sample_key"], sample_key))
        if found.num_rows:
            return LedgerRow.from_table(found)[0]
    raise DatasetError(f"{dataset.root}: no sample {sample_key!r} in the ledger; copy the key from a ledger row")
