"""Which copies of a photograph are known again, what it costs, and how a search among many compares.

    python benchmarks/duplicates.py [--photos DIR] [--searched 100000] [--json FILE]

Copies of each photograph against the photograph: bits of perceptual hash, cosine of the weightless embedding, cosine
with the nearest of the views that the leak check knows of a benchmark picture. Then pictures that are no copies: other
photographs, quarters of others (with the mirrored ones), and, in place of further photographs of one place, the two
halves of a photograph and two framings of it that share 40% of the view. Costs are processor time on one thread,
medians.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # a script beside this one has the name of a package

import cv2
import numpy as np
from rich.console import Console
from rich.table import Table

from filters.decoding import decode
from filters.embedding import layout_embedding, mirrored, to_unit_steps
from filters.leak import benchmark_views
from filters.perceptual_hash import perceptual_hash
from filters.similar import nearest_earlier_by_graph, nearest_earlier_exactly
from jobs.demo_photos import demo_photos
from pipeline.engines.local import LocalEngine
from pipeline.manifest import scan_sources
from schemas.recipe import Recipe, parse_recipe

SHARED_PHOTOS = Path(__file__).resolve().parents[2] / "shared" / "photos"
LONG_SIDE = 1024
Image = np.ndarray


def crop(pixels: Image, share: float, rng: np.random.Generator) -> Image:
    """A crop with `share` of each side, anywhere."""
    height, width = pixels.shape[:2]
    rows, columns = round(height * share), round(width * share)
    top, left = int(rng.integers(height - rows + 1)), int(rng.integers(width - columns + 1))
    return np.ascontiguousarray(pixels[top : top + rows, left : left + columns])


def jpeg(pixels: Image, quality: int) -> Image:
    data = cv2.imencode(".jpg", pixels[:, :, ::-1], [cv2.IMWRITE_JPEG_QUALITY, quality])[1]
    return np.ascontiguousarray(cv2.imdecode(data, cv2.IMREAD_COLOR)[:, :, ::-1])


def graded(pixels: Image, rng: np.random.Generator) -> Image:
    """Another exposure, contrast, white balance and saturation."""
    codes = np.arange(256) / 255.0
    gamma, contrast = float(np.exp(rng.normal(0, 0.25))), float(np.exp(rng.normal(0.1, 0.15)))
    out = np.empty_like(pixels)
    for channel in range(3):
        curve = np.clip(codes * np.exp(rng.normal(0, 0.08)), 0, 1) ** gamma
        curve = np.clip(0.5 + contrast * (curve - 0.5), 0, 1)
        out[..., channel] = (curve * 255 + 0.5).astype(np.uint8)[pixels[..., channel]]
    hsv = cv2.cvtColor(out, cv2.COLOR_RGB2HSV).astype(np.float32)
    hsv[..., 1] = np.clip(hsv[..., 1] * rng.uniform(0.4, 1.5), 0, 255)
    return np.asarray(cv2.cvtColor(hsv.astype(np.uint8), cv2.COLOR_HSV2RGB))


COPIES: dict[str, Callable[[Image, np.random.Generator], Image]] = {
    "JPEG, quality 30": lambda pixels, rng: jpeg(pixels, 30),
    "a third of the size": lambda pixels, rng: cv2.resize(pixels, None, fx=1 / 3, fy=1 / 3, interpolation=3),
    "colour-graded": graded,
    "grey": lambda pixels, rng: np.repeat(cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY)[..., None], 3, axis=2),
    "mirrored": lambda pixels, rng: np.ascontiguousarray(pixels[:, ::-1]),
    "crop, 90% of each side": lambda pixels, rng: crop(pixels, 0.9, rng),
    "crop, 70% of the area": lambda pixels, rng: crop(pixels, 0.7**0.5, rng),
    "crop, 80% of each side": lambda pixels, rng: crop(pixels, 0.8, rng),
    "crop, 70% of each side": lambda pixels, rng: crop(pixels, 0.7, rng),
    "crop 80%, graded, JPEG 50": lambda pixels, rng: jpeg(graded(crop(pixels, 0.8, rng), rng), 50),
}


def embed(pixels: Image) -> np.ndarray:
    """Float64 (2, d): of the picture and of its mirror image."""
    embedding = layout_embedding(pixels)[None]
    return np.concatenate([embedding, mirrored(embedding)]).astype(np.float64)


def compare(photos: list[Image], plan: Any) -> list[dict[str, Any]]:
    """A row for each kind of copy."""
    hashes = [int(perceptual_hash(photo), 16) for photo in photos]
    known = [embed(photo)[0] for photo in photos]
    views = [np.stack([embed(view)[0] for view in benchmark_views(photo)]) for photo in photos]
    rows = []
    for name, change in COPIES.items():
        rng = np.random.default_rng(7)
        copies = [change(photo, rng) for photo in photos]
        asked = [embed(copy) for copy in copies]
        bits = [(int(perceptual_hash(copy), 16) ^ own).bit_count() for copy, own in zip(copies, hashes, strict=True)]
        cosine = np.array([(one @ own).max() for one, own in zip(asked, known, strict=True)])
        leak = np.array([(own @ one.T).max() for one, own in zip(asked, views, strict=True)])
        rows.append(
            {
                "copy": name,
                "hash": float(np.mean(np.array(bits) < 6)),
                "tenth": float(np.quantile(cosine, 0.1)),
                "median": float(np.median(cosine)),
                "found": float(np.mean(cosine >= plan.embedding.similarity)),
                "leak tenth": float(np.quantile(leak, 0.1)),
                "leak found": float(np.mean(leak >= plan.benchmark_similarity)),
            }
        )
    return rows


def others(photos: list[Image]) -> list[dict[str, Any]]:
    """A row for each kind of pair that is no copy."""
    whole = [embed(photo) for photo in photos]
    quarters = [[embed(part) for part in _quarters(photo)] for photo in photos]
    pairs = [(a, b) for a in range(len(photos)) for b in range(a)]
    views = [np.stack([embed(view)[0] for view in benchmark_views(photo)]) for photo in photos]
    cosines = {
        "other photographs": [(whole[a] @ whole[b][0]).max() for a, b in pairs],
        "quarters of others": [(x @ y[0]).max() for a, b in pairs for x in quarters[a] for y in quarters[b]],
        "views and quarters of others": [(views[a] @ x.T).max() for a, b in pairs for x in quarters[b]],
        "halves of one": [(embed(a) @ embed(b)[0]).max() for a, b in (_framings(photo, 0.5) for photo in photos)],
        "framings that share 40%": [(embed(a) @ embed(b)[0]).max() for a, b in (_framings(p, 0.7) for p in photos)],
    }
    return [
        {
            "pair": name,
            "pairs": len(found),
            "median": float(np.median(found)),
            "99.9%": float(np.quantile(found, 0.999)),
            "largest": float(np.max(found)),
        }
        for name, found in cosines.items()
    ]


def _quarters(photo: Image) -> list[Image]:
    height, width = photo.shape[0] // 2, photo.shape[1] // 2
    return [photo[t : t + height, le : le + width] for t in (0, height) for le in (0, width)]


def _framings(photo: Image, share: float) -> tuple[Image, Image]:
    columns = round(photo.shape[1] * share)
    return np.ascontiguousarray(photo[:, :columns]), np.ascontiguousarray(photo[:, -columns:])


def milliseconds(function: Callable[[], object], rounds: int) -> float:
    times = []
    for _ in range(rounds):
        start = time.process_time()
        function()
        times.append(time.process_time() - start)
    return 1000 * statistics.median(times)


def costs(photos: list[Image]) -> dict[str, float]:
    """Milliseconds at 1024×1024, and the scan of the photographs with the embedding over the scan without."""
    square = cv2.resize(photos[0], (1024, 1024), interpolation=cv2.INTER_AREA)
    data = cv2.imencode(".jpg", square[:, :, ::-1], [cv2.IMWRITE_JPEG_QUALITY, 92])[1].tobytes()
    with tempfile.TemporaryDirectory() as folder:
        for number, photo in enumerate(photos):
            cv2.imwrite(f"{folder}/{number}.jpg", photo[:, :, ::-1], [cv2.IMWRITE_JPEG_QUALITY, 92])
        recipes: list[Recipe] = [
            parse_recipe({"sources": [{"path": folder}], "plan": {"embedding": {"provider": provider}}})
            for provider in ("none", "layout")
        ]
        scans: list[list[float]] = [[], []]
        for _ in range(5):
            for recipe, times in zip(recipes, scans, strict=True):
                times.append(milliseconds(lambda recipe=recipe: scan_sources(recipe, [], LocalEngine()), 1))
    return {
        "decode a JPEG, ms": milliseconds(lambda: decode(data, 10**8), 21),
        "perceptual hash, ms": milliseconds(lambda: perceptual_hash(square), 21),
        "embedding, ms": milliseconds(lambda: layout_embedding(square), 21),
        "views of a benchmark picture, ms": milliseconds(lambda: [*map(layout_embedding, benchmark_views(square))], 5),
        "scan with it over without": statistics.median(b / a for a, b in zip(*scans, strict=True)),
    }


def search(count: int) -> dict[str, float]:
    """Seconds of both searches among `count` embeddings, a tenth of them copies, and how many the graph finds."""
    rng = np.random.default_rng(0)
    centres = rng.normal(size=(count - count // 10, 248))
    copies = centres[: count // 10] + 0.4 * rng.normal(size=(count // 10, 248))
    vectors = to_unit_steps(np.concatenate([centres, copies]))[rng.permutation(count)]
    start = time.process_time()
    exact = nearest_earlier_exactly(vectors, vectors[:0], [mirrored(vectors)])
    between = time.process_time()
    graph = nearest_earlier_by_graph(vectors, vectors[:0], [mirrored(vectors)])
    end = time.process_time()
    near = exact[1] > 0.85
    return {
        "embeddings": count,
        "all pairs, s": between - start,
        "by graph, s": end - between,
        "copies": int(near.sum()),
        "copies that the graph finds": float((graph[0] == exact[0])[near].mean()),
    }


def table(rows: list[dict[str, Any]]) -> Table:
    made = Table()
    for name in rows[0]:
        made.add_column(name, justify="left" if isinstance(rows[0][name], str) else "right")
    for row in rows:
        made.add_row(*(f"{value:.2f}" if isinstance(value, float) else str(value) for value in row.values()))
    return made


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--photos", type=Path, default=SHARED_PHOTOS)
    parser.add_argument("--searched", type=int, default=100_000)
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    cv2.setNumThreads(1)
    paths = sorted(arguments.photos.glob("*.jpg")) or demo_photos()
    photos = []
    for path in paths:
        pixels = decode(path.read_bytes(), 10**8).pixels
        factor = min(1.0, LONG_SIDE / max(pixels.shape[:2]))
        photos.append(np.asarray(cv2.resize(pixels, None, fx=factor, fy=factor, interpolation=cv2.INTER_AREA)))
    plan = parse_recipe({}).plan
    console = Console()
    console.print(
        f"{len(photos)} photographs, long side {LONG_SIDE}. hash: share less than 6 bits apart. tenth, median: cosines."
        f" found: share at {plan.embedding.similarity} and above; leak: by views, at {plan.benchmark_similarity}."
    )
    results = {"copies": compare(photos, plan), "others": others(photos), "costs": [costs(photos)]}
    results["search"] = [search(arguments.searched)]
    for rows in results.values():
        console.print(table(rows))
    if arguments.json:
        arguments.json.write_text(json.dumps(results, indent=2))


if __name__ == "__main__":
    main()
