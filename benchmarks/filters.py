"""Milliseconds of every filter: `python benchmarks/filters.py [--photos DIR]`, one thread, 1024×1024."""

from __future__ import annotations

import argparse
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import cv2
import numpy as np
from rich.console import Console
from rich.table import Table

from degradations.chain import apply_chain, draw_chain, needed_cues
from filters.decoding import decode
from filters.embedding import layout_embedding
from filters.looking import Picture
from filters.luma import luma
from filters.perceptual_hash import perceptual_hash
from filters.scoring import score_pair, score_source
from filters.select import FilterSet
from filters.source.bandwidth import bandwidth
from filters.source.blockiness import blockiness
from filters.source.exposure import exposure
from filters.source.noise_level import noise_level
from filters.source.sharpness import sharpness
from filters.statistics.calibrated import semantics
from filters.statistics.features import statistics as measure
from jobs.demo_photos import demo_photos
from pipeline.scenes import bare_scene, with_cues
from schemas.recipe.degradations import DegradationsSection
from schemas.recipe.filters import FiltersSection, WatermarkSection

SIDE = 1024


def photographs(folder: Path | None, count: int) -> list[np.ndarray]:
    paths = (
        sorted(folder.glob("*.jpg"))[:: max(1, len(list(folder.glob("*.jpg"))) // count)] if folder else demo_photos()
    )
    found = []
    for path in paths[:count]:
        pixels = decode(path.read_bytes(), 10**9).pixels
        side = min(pixels.shape[:2])
        top, left = (pixels.shape[0] - side) // 2, (pixels.shape[1] - side) // 2
        square = pixels[top : top + side, left : left + side]
        how = cv2.INTER_AREA if side >= SIDE else cv2.INTER_CUBIC
        found.append(np.ascontiguousarray(cv2.resize(square, (SIDE, SIDE), interpolation=how)))
    return found


def degraded(photo: np.ndarray, name: str, number: int) -> np.ndarray:
    scene = bare_scene(photo)
    steps = draw_chain([name], DegradationsSection(), scene, 0.5, 1, f"{number}")
    return apply_chain(photo, steps, with_cues(scene, photo, needed_cues(steps)))


def median_ms(work: Callable[[int], object], times: int) -> float:
    work(0)
    took = []
    for number in range(times):
        started = time.process_time()
        work(number)
        took.append(1e3 * (time.process_time() - started))
    return statistics.median(took)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--photos", type=Path, help="folder of large photographs; the dependencies' own otherwise")
    parser.add_argument("--count", type=int, default=8)
    given = parser.parse_args()
    cv2.setNumThreads(1)
    photos = photographs(given.photos, given.count)
    names = ["noise", "blur", "compression", "haze", "lowlight", "rain", "flare", "moire", "reflection"]
    pairs = [(degraded(photo, names[n % 9], n), photo, names[n % 9]) for n, photo in enumerate(photos)]
    encoded = [cv2.imencode(".jpg", photo, [cv2.IMWRITE_JPEG_QUALITY, 92])[1] for photo in photos]
    greys = [luma(photo) for photo in photos]
    overlay = FilterSet(FiltersSection(watermark=WatermarkSection(provider="overlay"))).of_source()[0]
    text = FilterSet(FiltersSection()).of_source()[0]

    def on(work: Callable[..., object], of: list) -> float:
        return median_ms(lambda n: work(of[n % len(of)]), 3 * len(of))

    rows = [
        ("JPEG decode, to compare", "", on(lambda data: cv2.imdecode(data, 1), encoded)),
        ("sharpness", "source", on(sharpness, greys)),
        ("noise level", "source", on(noise_level, greys)),
        ("bandwidth", "source", on(bandwidth, greys)),
        ("blockiness", "source", on(blockiness, greys)),
        ("exposure", "source", on(exposure, photos)),
        ("perceptual hash", "scan", on(perceptual_hash, photos)),
        ("embedding", "scan", on(layout_embedding, photos)),
        ("statistics", "input", on(measure, photos)),
        ("semantics from them", "input", on(semantics, [measure(photo) for photo in photos])),
        ("watermark, overlays", "source", on(lambda photo: overlay.look([Picture(photo)]), photos)),
        ("watermark, rapidocr", "source", on(lambda photo: text.look([Picture(photo)]), photos)),
        ("all of score_source", "source", on(score_source, photos)),
        ("all of score_pair", "pair", on(lambda pair: score_pair(*pair), pairs)),
    ]
    table = Table(
        title=f"Filters, processor time of one thread, {SIDE}×{SIDE}, {len(photos)} photographs", title_justify="left"
    )
    table.add_column("filter")
    table.add_column("of")
    table.add_column("median ms", justify="right")
    table.add_column("÷ decode", justify="right")
    for name, of, took in rows:
        table.add_row(name, of, f"{took:.1f}", f"{took / rows[0][2]:.1f}")
    by_name = {name: took for name, _, took in rows}
    parts = ("all of score_source", "all of score_pair", "statistics", "watermark, overlays")
    table.add_section()
    total = sum(by_name[name] for name in parts)
    table.add_row("weightless, a pair: source, pair, statistics of the input, overlays", "", f"{total:.1f}", "")
    Console(width=110).print(table)


if __name__ == "__main__":
    main()
