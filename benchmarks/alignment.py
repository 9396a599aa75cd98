"""Are pairs that were shifted, bent or changed told from those that were not?

    python benchmarks/alignment.py [--photos DIR] [--count 8] [--short 512] [--only NAME] [--times]

Photographs are reduced to a short side, moved by 0 to 4 px at an angle of their own, or bent by a smooth field of that
largest displacement, degraded at severities .1, .5 and .9 and scored against the photograph in place; references are
changed by an ellipse of 5% of the area. Tables by degradation: mean scores at each shift and warp; pairs whose scores
are not in the order of their shifts; shares dropped for shift at the default bounds; shares that the default rules for
generated references drop, unchanged and changed; with --times, milliseconds a pair of each filter at 1024×1024 on one
thread.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # a script beside this one has the name of a package

import cv2
import numpy as np
from rich.console import Console
from rich.progress import track
from rich.table import Table

from filters.luma import luma
from filters.pair.alignment import alignment, correlate
from filters.pair.flow import flow
from filters.pair.skeleton import skeleton
from filters.pair.structure import structure
from filters.policy import decide
from jobs.demo_photos import demo_photos
from schemas.recipe.policy import PolicySection
from schemas.tasks import TASKS
from tests.filters.displaced import change, degrade, direction, sample, warp_field

SEVERITIES = (0.1, 0.5, 0.9)
SHIFTS, WARPS = (0, 0.25, 0.5, 1, 2, 4), (0.5, 1, 2, 4)
KINDS = ("added", "removed", "moved")
NAMES = [*(name for name in TASKS if name != "mixed"), "realesrgan", "apisr", "web_style", "agenticir"]
SHARED_PHOTOS = Path(__file__).resolve().parents[2] / "shared" / "photos"
MOVED = ("pair.shift", "pair.local", "pair.structure", "pair.changed", "pair.skeleton")
POLICY = PolicySection()

Scores = dict[str, float]
Image = np.ndarray[Any, np.dtype[np.uint8]]


def score(degraded: Image, clean: Image, name: str) -> Scores:
    grey = luma(degraded), luma(clean)
    spectra, rest = correlate(*grey, name)
    return {**alignment(spectra, rest, name), **flow(spectra), **structure(*grey, name), **skeleton(*grey, name)}


def dropped(scores: Scores, name: str, role: str) -> bool:
    return any(reason.startswith(MOVED) for reason in decide(scores, name, role, POLICY))


def measure(name: str, photos: list[Image], short: int) -> dict[tuple[str, float | str], list[Scores]]:
    """Scores by (shift, pixels), (warp, pixels) and (change, kind), in the order of photographs and severities."""
    found: dict[tuple[str, float | str], list[Scores]] = {}
    for number, photo in enumerate(photos):
        clean = sample(photo, short)
        field = warp_field(*clean.shape[:2], 1.0, number)
        moved: dict[tuple[str, float | str], Image] = {
            **{("shift", px): sample(photo, short, direction(px, 2.4 * number)) for px in SHIFTS},
            **{("warp", px): sample(photo, short, field * np.float32(px)) for px in WARPS},
        }
        others = {kind: change(clean, photos[number - 1], kind, number) for kind in KINDS}
        for severity in SEVERITIES:
            for key, picture in moved.items():
                degraded = degrade(picture, name, severity, number)
                found.setdefault(key, []).append(score(degraded, clean, name))
                if key == ("shift", 0):
                    for kind, reference in others.items():
                        found.setdefault(("change", kind), []).append(score(degraded, reference, name))
    return found


def mean(scores: list[Scores], name: str) -> str:
    values = np.array([entry[name] for entry in scores])
    return f"{values[np.isfinite(values)].mean():.2f}" if np.isfinite(values).any() else "-"


def share(values: list[bool]) -> str:
    return f"{100 * np.mean(values):.0f}%"


def report(found: dict[str, Any], console: Console) -> None:
    shift, warp = [("shift", px) for px in SHIFTS], [("shift", 0), *(("warp", px) for px in WARPS)]
    changes = [("shift", 0), *(("change", kind) for kind in KINDS)]
    for title, score_name, keys in (
        ("pair.shift, mean px, by shift", "pair.shift", shift),
        ("pair.skeleton_shift, mean px, by shift", "pair.skeleton_shift", shift),
        ("pair.local_shift, mean px, by warp", "pair.local_shift", warp),
        ("pair.warp, mean px, by warp", "pair.warp", warp),
        ("pair.structure, mean, by change of the reference", "pair.structure", changes),
        ("pair.changed, mean, by change of the reference", "pair.changed", changes),
    ):
        rows = {name: [mean(by[key], score_name) for key in keys] for name, by in found.items()}
        console.print(table(title, keys, rows))
    rows = {}
    for name, by in found.items():
        orders = np.array([[entry["pair.shift"] for entry in by[key]] for key in shift])
        rows[name] = [share([dropped(entry, name, "synthetic") for entry in by[key]]) for key in shift]
        rows[name].append(share(list(np.any(np.diff(orders, axis=0) <= 0, axis=0))))
    console.print(table("dropped for shift, by shift", [*shift, ("", "unordered")], rows))
    rows = {
        name: [share([dropped(entry, name, "real") for entry in by[key]]) for key in changes]
        for name, by in found.items()
        if name in TASKS
    }
    console.print(table("references dropped, by change", changes, rows))


def table(title: str, keys: list[Any], rows: dict[str, list[str]]) -> Table:
    out = Table(padding=(0, 1), title=title)
    out.add_column("", no_wrap=True)
    for _, value in keys:
        out.add_column(f"{value:g}" if isinstance(value, int | float) else value, justify="right", no_wrap=True)
    for name, cells in rows.items():
        out.add_row(name, *cells)
    return out


def times(photo: Image, console: Console) -> None:
    """Medians of 15 runs in CPU time of one thread, beside the decoding of the same picture as JPEG."""
    cv2.setNumThreads(1)
    clean = cv2.resize(photo, (1024, 1024), interpolation=cv2.INTER_AREA)
    encoded = cv2.imencode(".jpg", clean, [cv2.IMWRITE_JPEG_QUALITY, 92])[1]
    out = Table(title="ms a pair of 1024×1024, one thread")
    for column in ("", "noise", "blur"):
        out.add_column(column, justify="right" if column else "left")
    rows: dict[str, list[str]] = {}
    for name in ("noise", "blur"):
        grey = luma(degrade(clean, name, 0.5, 0)), luma(clean)
        spectra, rest = correlate(*grey, name)
        calls: dict[str, Callable[[], Any]] = {
            "correlate": lambda grey=grey, name=name: correlate(*grey, name),
            "alignment": lambda spectra=spectra, rest=rest, name=name: alignment(spectra, rest, name),
            "flow": lambda spectra=spectra: flow(spectra),
            "structure": lambda grey=grey, name=name: structure(*grey, name),
            "skeleton": lambda grey=grey, name=name: skeleton(*grey, name),
            "(decode one JPEG)": lambda: cv2.imdecode(encoded, cv2.IMREAD_COLOR_RGB),
        }
        for label, call in calls.items():
            rows.setdefault(label, []).append(f"{median_ms(call):.1f}")
    for label, cells in rows.items():
        out.add_row(label, *cells)
    console.print(out)


def median_ms(call: Callable[[], Any]) -> float:
    call()
    spent = []
    for _ in range(15):
        start = time.thread_time()
        call()
        spent.append(time.thread_time() - start)
    return 1e3 * float(np.median(spent))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--photos", type=Path, help="folder of photographs (default: ../shared/photos, else the demo's)"
    )
    parser.add_argument("--count", type=int, default=8, help="photographs taken from the folder")
    parser.add_argument("--short", type=int, default=512, help="short side of the photographs, pixels")
    parser.add_argument("--only", choices=NAMES, action="append", help="this degradation alone (repeatable)")
    parser.add_argument("--times", action="store_true", help="milliseconds of each filter, nothing else")
    arguments = parser.parse_args()
    folder = arguments.photos or SHARED_PHOTOS
    paths = sorted(p for p in folder.glob("*") if p.suffix.lower() in (".jpg", ".jpeg", ".png")) or demo_photos()
    chosen = paths[:: max(1, len(paths) // arguments.count)][: arguments.count]
    photos = [np.asarray(cv2.imread(str(path), cv2.IMREAD_COLOR_RGB), np.uint8) for path in chosen]
    console = Console()
    if arguments.times:
        times(photos[0], console)
        return
    console.print(f"{len(photos)} photographs, short side {arguments.short} px, severities {SEVERITIES}")
    names = arguments.only or NAMES
    report({name: measure(name, photos, arguments.short) for name in track(names, "measure", console=console)}, console)


if __name__ == "__main__":
    main()
