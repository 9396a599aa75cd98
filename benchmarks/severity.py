"""Does severity move every degradation from barely visible to severe, step by step?

    python benchmarks/severity.py [--photos DIR] [--count 12] [--seeds 4] [--modes] [--json FILE]

Mean distance of degraded from clean over photographs and draws, by severity: 1 − SSIM of luma (7×7 windows, Wang et
al. 2004), and in the last columns the colour difference ΔE (CIE 1976, mean over pixels) at the mildest and the most
severe. A row that ever falls is marked.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # a script beside this one has the name of a package

import cv2
import numpy as np
from rich.console import Console
from rich.progress import track
from rich.table import Table
from skimage.metrics import structural_similarity

from degradations.chain import apply_chain, draw_chain
from degradations.contract import Image
from degradations.registry import CLASSES
from jobs.demo_photos import demo_photos
from jobs.preview import single_modes
from pipeline.scenes import bare_scene, with_cues
from schemas.recipe.degradations import DegradationsSection

SEVERITIES = (0.0, 0.1, 0.3, 0.5, 0.7, 0.9, 1.0)
SHARED_PHOTOS = Path(__file__).resolve().parents[2] / "shared" / "photos"


def distances(clean: Image, degraded: Image) -> tuple[float, float]:
    """1 − SSIM of luma, and mean ΔE."""
    luma = [cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY) for picture in (clean, degraded)]
    lab = [cv2.cvtColor(picture.astype(np.float32) / 255, cv2.COLOR_RGB2LAB) for picture in (clean, degraded)]
    return 1 - float(structural_similarity(*luma)), float(np.linalg.norm(lab[0] - lab[1], axis=2).mean())


def measure(name: str, section: DegradationsSection, photos: list[Image], seeds: int) -> Any:
    """Mean distances, (severities, 2)."""
    out = np.zeros((len(SEVERITIES), 2))
    for photo_number, clean in enumerate(photos):
        scene = with_cues(bare_scene(clean, section.patterns), clean, frozenset({"depth", "masks"}))
        for seed in range(seeds):
            for row, severity in enumerate(SEVERITIES):
                steps = draw_chain([name], section, scene, severity, seed, str(photo_number))
                out[row] += distances(clean, apply_chain(clean, steps, scene))
    return out / (len(photos) * seeds)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--photos", type=Path, help="folder of photographs (default: ../shared/photos, else the demo's)"
    )
    parser.add_argument("--count", type=int, default=12, help="photographs taken from the folder")
    parser.add_argument("--seeds", type=int, default=4, help="draws a photograph and severity")
    parser.add_argument("--short", type=int, default=384, help="short side of the photographs, pixels")
    parser.add_argument("--modes", action="store_true", help="each mode alone instead of the mixtures")
    parser.add_argument("--only", choices=list(CLASSES), action="append", help="this degradation alone (repeatable)")
    parser.add_argument("--json", type=Path, help="write the same figures to this file")
    arguments = parser.parse_args()
    folder = arguments.photos or SHARED_PHOTOS
    paths = sorted(p for p in folder.glob("*") if p.suffix.lower() in (".jpg", ".jpeg", ".png")) or demo_photos()
    photos = []
    for path in paths[:: max(1, len(paths) // arguments.count)][: arguments.count]:
        picture = cv2.imread(str(path), cv2.IMREAD_COLOR_RGB)
        factor = arguments.short / min(picture.shape[:2])
        photos.append(
            np.asarray(cv2.resize(picture, None, fx=factor, fy=factor, interpolation=cv2.INTER_AREA), np.uint8)
        )

    section = DegradationsSection()
    names = arguments.only or [name for name in CLASSES if name in section.weights()]
    rows = [(name, name, section) for name in names]
    if arguments.modes:
        rows = [variant for name in names for variant in single_modes(section, name)]
    console = Console()
    table = Table(padding=0, title=f"1 − SSIM by severity, {len(photos)} photographs × {arguments.seeds} draws")
    for column in ("", *map(str, SEVERITIES), "ΔE at 0", "ΔE at 1"):
        table.add_column(column, justify="right" if column else "left", no_wrap=True)
    figures = {}
    for label, name, alone in track(rows, "measure", console=console):
        found = measure(name, alone, photos, arguments.seeds)
        figures[label] = found.tolist()
        mark = "" if np.all(np.diff(found[:, 0]) > -1e-3) else " falls"
        table.add_row(label + mark, *(f"{v:.3f}" for v in found[:, 0]), f"{found[0, 1]:.1f}", f"{found[-1, 1]:.1f}")
    console.print(table)
    if arguments.json:
        arguments.json.write_text(json.dumps({"severities": SEVERITIES, "distances": figures}, indent=2) + "\n")


if __name__ == "__main__":
    main()
