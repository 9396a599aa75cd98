"""Time of each degradation at 1024×1024 on one thread, beside JPEG decode and encode of the same run.

    python benchmarks/degradations.py [--photos DIR] [--seeds 24] [--json FILE]

Median, mean and 90th percentile over photographs and seeds, severity uniform; drawing the parameters, loading patterns
and the first call are left out. A degradation's first row is its mixture, the others one mode alone; "physical" is the
mixture of blur without its web mode. Depth and masks are given; their own time is the row "cues". Compression is
one generation. The target is for the median, of "physical" for the mean.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # this script has the name of a package

import cv2
import numpy as np
from pydantic import BaseModel
from rich.console import Console
from rich.table import Table

from degradations.compression import CompressionParams
from degradations.contract import Image
from degradations.memory import keep_freed_memory
from degradations.patterns.bank import PatternBank
from degradations.registry import CLASSES, build
from degradations.rng import generator
from degradations.scene import Scene
from jobs.demo_photos import demo_photos
from pipeline.scenes import bare_scene, with_cues
from schemas.recipe.degradations import DegradationsSection

SIZE = 1024
#: Milliseconds aimed at.
TARGETS = {
    ("blur", "web"): 20.0,
    ("blur", "physical"): 80.0,
    ("noise", "all"): 35.0,
    ("rain", "all"): 24.0,
    ("haze", "all"): 5.0,
    ("web_style", "all"): 8.0,
    ("compression", "all"): 15.0,
    ("moire", "all"): 15.0,
    ("flare", "all"): 15.0,
    ("reflection", "all"): 15.0,
    ("lowlight", "all"): 25.0,
    ("realesrgan", "all"): 45.0,
    ("cues", "depth and masks"): 60.0,
}
SHARED_PHOTOS = Path(__file__).resolve().parents[2] / "shared" / "photos"


def square(path: Path) -> Image:
    """The middle SIZE×SIZE of a photograph, enlarged first where it is smaller."""
    image = cv2.imread(str(path), cv2.IMREAD_COLOR_RGB)
    if image is None:
        raise SystemExit(f"cannot read {path}; give a folder of JPEG or PNG photographs with --photos")
    factor = SIZE / min(image.shape[:2])
    if factor > 1:
        size = max(SIZE, round(image.shape[1] * factor)), max(SIZE, round(image.shape[0] * factor))
        image = cv2.resize(image, size, interpolation=cv2.INTER_CUBIC)
    top, left = (image.shape[0] - SIZE) // 2, (image.shape[1] - SIZE) // 2
    return np.ascontiguousarray(image[top : top + SIZE, left : left + SIZE])


def variants() -> Iterator[tuple[str, str, DegradationsSection]]:
    """(degradation, mode, section): the whole mixture under "all", then each mode alone."""
    section = DegradationsSection()
    for name in CLASSES:
        if not hasattr(section, name):
            continue
        yield name, "all", section
        if name == "blur":
            physical = section.blur.modes.model_copy(update={"web": 0.0})
            yield (
                name,
                "physical",
                section.model_copy(update={"blur": section.blur.model_copy(update={"modes": physical})}),
            )
        for mode in section.modes(name):
            if (name, mode) != ("blur", "video"):  # needs a clip
                yield name, mode, section.only(name, mode)


def measure(name: str, section: DegradationsSection, photos: list[tuple[Image, Scene]], seeds: int) -> list[float]:
    """Milliseconds of each application; of compression, the first generation alone."""
    degradation = build(name, section)
    times = []
    for seed in range(-1, seeds):
        image, scene = photos[seed % len(photos)]
        rng = generator(seed, name)
        params = degradation.draw(rng, scene, float(rng.random()))
        if isinstance(params, CompressionParams):
            params = params.model_copy(update={"generations": params.generations[:1]})
        for need in degradation.needs(params):
            if need.startswith("patterns."):
                _load(scene.banks[need.removeprefix("patterns.")], params)  # type: ignore[index]
        start = time.perf_counter()
        degradation.apply(image, params, scene)
        times.append((time.perf_counter() - start) * 1e3)
    return times[1:]


def _load(bank: PatternBank, params: BaseModel) -> None:
    """Loads the patterns that `params` chose, so that "bank loaded" holds."""
    text = params.model_dump_json()
    for name in bank.names:
        if f'"{name}"' in text:
            bank.load(name)


def cue_times(photos: list[tuple[Image, Scene]]) -> list[float]:
    """Milliseconds of depth and masks together, by the embedded providers."""
    times = []
    for image, _ in photos + photos[:1]:
        start = time.perf_counter()
        with_cues(bare_scene(image), image, frozenset({"depth", "masks"}))
        times.append((time.perf_counter() - start) * 1e3)
    return times[1:]


def codec_times(photos: list[tuple[Image, Scene]], seeds: int) -> tuple[list[float], list[float]]:
    """Milliseconds to decode and to encode a JPEG of quality 90."""
    decoding, encoding = [], []
    for seed in range(seeds):
        image = photos[seed % len(photos)][0]
        start = time.perf_counter()
        encoded = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, 90])[1]
        encoding.append((time.perf_counter() - start) * 1e3)
        start = time.perf_counter()
        cv2.imdecode(encoded, cv2.IMREAD_COLOR)
        decoding.append((time.perf_counter() - start) * 1e3)
    return decoding, encoding


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--photos", type=Path, help="folder of photographs (default: ../shared/photos, else demo's)")
    parser.add_argument("--count", type=int, default=8, help="photographs taken from the folder")
    parser.add_argument("--seeds", type=int, default=24, help="draws of each mode")
    parser.add_argument("--only", choices=list(CLASSES), action="append", help="this degradation alone (repeatable)")
    parser.add_argument("--json", type=Path, help="write the same figures to this file")
    arguments = parser.parse_args()

    cv2.setNumThreads(1)
    keep_freed_memory()
    folder = arguments.photos or SHARED_PHOTOS
    paths = sorted(p for p in folder.glob("*") if p.suffix.lower() in (".jpg", ".jpeg", ".png")) or demo_photos()
    images = [square(path) for path in paths[:: max(1, len(paths) // arguments.count)][: arguments.count]]
    photos = [(image, with_cues(bare_scene(image), image, frozenset({"depth", "masks"}))) for image in images]

    table = Table(title=f"{SIZE}×{SIZE}, one thread, {len(photos)} photographs, {arguments.seeds} draws a mode")
    for column in ("degradation", "mode", "target ms", "median ms", "mean ms", "p90 ms"):
        table.add_column(column, justify="right" if column.endswith("ms") else "left")
    figures: list[dict[str, Any]] = []

    def add(name: str, mode: str, times: list[float]) -> None:
        median, mean, high = float(np.median(times)), float(np.mean(times)), float(np.quantile(times, 0.9))
        row = {"degradation": name, "mode": mode, "median_ms": median, "mean_ms": mean, "p90_ms": high}
        target = TARGETS.get((name, mode))
        figures.append({**row, "draws": len(times), "target_ms": target})
        aimed = f"{target:.0f}" if target else ""
        style = "bold" if target else None
        table.add_row(name, mode, aimed, f"{median:.1f}", f"{mean:.1f}", f"{high:.1f}", style=style)

    for name, mode, section in variants():
        if arguments.only and name not in arguments.only:
            continue
        seeds = arguments.seeds * (4 if mode in ("all", "physical") else 1)
        add(name, mode, measure(name, section, photos, seeds))
    add("cues", "depth and masks", cue_times(photos))
    decoding, encoding = codec_times(photos, arguments.seeds)
    add("JPEG decode", "quality 90", decoding)
    add("JPEG encode", "quality 90", encoding)
    Console().print(table)
    if arguments.json:
        arguments.json.write_text(json.dumps({"size": SIZE, "rows": figures}, indent=2) + "\n")


if __name__ == "__main__":
    main()
