"""A degradation gallery: one held-out photograph through every degradation at rising severities."""

from __future__ import annotations

import cv2
from numpy import ascontiguousarray

from degradations.chain import apply_chain, draw_chain, needed_cues
from degradations.cues.cues import Cues
from evaluation.report import GalleryRow
from filters.decoding import decode
from pipeline.dataset import Dataset
from pipeline.scenes import bare_scene, with_cues
from pipeline.shards.reader import ShardReader
from schemas.recipe import Recipe

_SEVERITIES = (0.1, 0.3, 0.5, 0.7, 0.9)
_SIDE = 384


def gallery(dataset: Dataset, recipe: Recipe) -> list[GalleryRow]:
    """A row for each degradation of the recipe, of the first held-out sample's clean image, its centre cut square."""
    reader = ShardReader(dataset.root, split="heldout")
    if not len(reader):
        return []
    clean = decode(reader[0].clean, recipe.decode.max_pixels).pixels
    height, width = clean.shape[:2]
    side = min(height, width)
    top, left = (height - side) // 2, (width - side) // 2
    square = ascontiguousarray(clean[top : top + side, left : left + side])
    if side > _SIDE:
        square = cv2.resize(square, (_SIDE, _SIDE), interpolation=cv2.INTER_AREA)
    rows = []
    providers = Cues(recipe.cues)
    for name in recipe.degradations.weights():
        scene = bare_scene(square, recipe.degradations.patterns)
        cells = []
        for severity in _SEVERITIES:
            steps = draw_chain([name], recipe.degradations, scene, severity, recipe.seed, "gallery")
            seen = with_cues(scene, square, needed_cues(steps), providers)
            cells.append((severity, apply_chain(square, steps, seen)))
        rows.append(GalleryRow(degradation=name, clean=square, cells=cells))
    return rows
