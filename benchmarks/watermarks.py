"""How many drawn watermarks are found, and how many photographs without any are suspected?

    python benchmarks/watermarks.py [--photos DIR] [--each 2] [--long 1024] [--bound 0.5] [--misses FILE.png]

Forty marks (tests/filters/watermark_drawings.py), each on other photographs; recall by kind, the unmarked photographs
above the bound, and milliseconds a picture on one thread, beside those of decoding it from JPEG.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import cv2
import numpy as np
from rich.console import Console
from rich.progress import track
from rich.table import Table

from filters.contract import Finding, Image
from filters.watermark.bands import read_bands
from filters.watermark.detect import TextWatermark, overlay_probability
from filters.watermark.text import find_text
from jobs.demo_photos import demo_photos
from tests.filters.watermark_drawings import MARKS, Mark

SHARED_PHOTOS = Path(__file__).resolve().parents[2] / "shared" / "photos"
SCORES = ("watermark", "watermark.text", "watermark.overlay")
_TIMED = 8


def load(path: Path, long_side: int) -> Image:
    """A photograph with its long side at most `long_side`."""
    picture = cv2.imread(str(path), cv2.IMREAD_COLOR_RGB)
    scale = long_side / max(picture.shape[:2])
    if scale >= 1:
        return np.asarray(picture, np.uint8)
    return np.asarray(cv2.resize(picture, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA), np.uint8)


def by_kind(results: Sequence[tuple[Mark, Path, Finding]], bound: float) -> Table:
    """Recall of each mark, and of all."""
    table = Table(padding=0, title=f"marks found above {bound}")
    for column in ("mark", "group", "opacity", "found", *SCORES):
        table.add_column(column, justify="left" if column in ("mark", "group") else "right", no_wrap=True)
    for mark in MARKS:
        own = [finding.scores for other, _, finding in results if other is mark]
        means = [f"{np.mean([scores[name] for scores in own]):.2f}" for name in SCORES]
        found = sum(scores["watermark"] > bound for scores in own)
        table.add_row(mark.name, mark.group, f"{mark.opacity:.2f}", f"{found}/{len(own)}", *means)
    found = sum(finding.scores["watermark"] > bound for _, _, finding in results)
    table.add_row("all", "", "", f"{found}/{len(results)} = {found / len(results):.3f}", "", "", "")
    return table


def milliseconds(function: Callable[[Image], object], images: Sequence[Image]) -> float:
    """Median over `images`."""
    times = []
    for image in images:
        start = time.perf_counter()
        function(image)
        times.append(1e3 * (time.perf_counter() - start))
    return float(np.median(times))


def sheet(pictures: Sequence[tuple[str, Image]], path: Path, width: int = 640, columns: int = 3) -> None:
    """A contact sheet with titles."""
    cells = []
    for title, picture in pictures:
        scale = width / max(picture.shape[:2])
        small = cv2.resize(picture, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
        cell = np.zeros((width + 24, width, 3), np.uint8)
        cell[24 : 24 + small.shape[0], : small.shape[1]] = small
        ascii_title = title.encode("ascii", "replace").decode()
        cv2.putText(cell, ascii_title, (4, 17), cv2.FONT_HERSHEY_SIMPLEX, 0.5, (255, 255, 255), 1)
        cells.append(cell)
    cells += [np.zeros_like(cells[0])] * (-len(cells) % columns)
    rows = [np.hstack(cells[start : start + columns]) for start in range(0, len(cells), columns)]
    cv2.imwrite(str(path), np.vstack(rows)[..., ::-1])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--photos", type=Path, default=SHARED_PHOTOS, help="folder of photographs without watermarks")
    parser.add_argument("--each", type=int, default=2, help="photographs for each mark")
    parser.add_argument("--long", type=int, default=1024, help="long side of the photographs, pixels")
    parser.add_argument("--bound", type=float, default=0.5, help="probability above which a picture counts as marked")
    parser.add_argument("--misses", type=Path, help="write the missed marks and false alarms to this PNG")
    arguments = parser.parse_args()
    cv2.setNumThreads(1)
    console = Console()
    paths = sorted(arguments.photos.glob("*.jpg"))
    marked_on, clean = paths or demo_photos(), [*paths, *demo_photos()]
    reader = TextWatermark()
    reader.load()

    results, wrong = [], []
    for number, mark in enumerate(track(MARKS, "marked", console=console)):
        for turn in range(arguments.each):
            path = marked_on[(number * 7 + 3 + 19 * turn) % len(marked_on)]
            picture = mark.draw(load(path, arguments.long))
            finding = reader.score([picture])[0]
            results.append((mark, path, finding))
            if finding.scores["watermark"] <= arguments.bound:
                wrong.append((f"{mark.name} | {finding.scores['watermark']:.2f}", picture))
    console.print(by_kind(results, arguments.bound))

    alarms = []
    for path in track(clean, "unmarked", console=console):
        picture = load(path, arguments.long)
        finding = reader.score([picture])[0]
        if finding.scores["watermark"] > 0.1:
            alarms.append((finding.scores["watermark"], path.name, finding))
        if finding.scores["watermark"] > arguments.bound:
            wrong.append((f"false alarm {path.name}", picture))
    false = sum(score > arguments.bound for score, _, _ in alarms)
    console.print(f"false alarms: {false}/{len(clean)} = {false / len(clean):.3f}; unmarked above 0.1:")
    for score, name, finding in sorted(alarms, key=lambda alarm: (-alarm[0], alarm[1])):
        console.print(f"  {score:.2f} {name} {finding.answers.get('watermark.texts', '')[:160]}", markup=False)

    images = [np.asarray(cv2.resize(load(path, 2048), (1024, 1024)), np.uint8) for path in clean[:_TIMED]]
    encoded = {id(image): cv2.imencode(".jpg", image)[1] for image in images}
    table = Table(padding=0, title="milliseconds a picture, 1024×1024, one thread")
    for column in ("what", "ms"):
        table.add_column(column)
    table.add_row("JPEG decode", f"{milliseconds(lambda image: cv2.imdecode(encoded[id(image)], 1), images):.1f}")
    table.add_row("repeated overlay", f"{milliseconds(overlay_probability, images):.1f}")
    table.add_row("text found", f"{milliseconds(find_text, images):.0f}")
    table.add_row("bands read", f"{milliseconds(lambda image: read_bands(image, ()), images):.0f}")
    console.print(table)
    if arguments.misses and wrong:
        sheet(wrong, arguments.misses)


if __name__ == "__main__":
    main()
