"""Are the synthetic degradations like real ones? A recogniser trained on them alone, tested on real photographs.

    python benchmarks/realism.py --real DIR [--photos DIR] [--synthetic DIR | --write DIR] [--json FILE]

DIR of --real has one folder of photographs a class: clean, and names of degradations. Prints recall, precision and F1
of each class, the confusion and macro-F1. --synthetic DIR takes pictures that another synthesis made, one folder a
class, at equal network and budget; --write DIR keeps ours.
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

from benchmarks.recogniser import Image, Recogniser, recognise, train
from benchmarks.snapshots import snapshot
from degradations.registry import CLASSES
from jobs.demo_photos import demo_photos

SHARED_PHOTOS = Path(__file__).resolve().parents[2] / "shared" / "photos"
SUFFIXES = (".jpg", ".jpeg", ".png", ".webp", ".bmp", ".tif", ".tiff")


def pictures_in(folder: Path) -> list[tuple[Path, Image]]:
    """All pictures of a folder, sRGB uint8, by name."""
    found = []
    for path in sorted(p for p in folder.iterdir() if p.suffix.lower() in SUFFIXES):
        image = cv2.imread(str(path), cv2.IMREAD_COLOR_RGB)
        if image is None:
            raise SystemExit(f"{path} is no image that OpenCV can read; remove it")
        found.append((path, np.asarray(image, dtype=np.uint8)))
    return found


def classes_of(real: Path) -> list[str]:
    """Class names: the folders of `real`."""
    if not real.is_dir():
        raise SystemExit(f"--real: {real} is no folder; give one with a folder of photographs a class")
    names = sorted(p.name for p in real.iterdir() if p.is_dir())
    unknown = [name for name in names if name != "clean" and name not in CLASSES]
    if unknown or len(names) < 2:
        known = ", ".join(["clean", *CLASSES])
        raise SystemExit(f"--real: {real} has folders {names}; name at least two after classes: {known}")
    return names


def made(classes: list[str], photos: list[Image], count: int, seed: int, console: Console) -> list[list[Image]]:
    """`count` synthetic pictures of each class."""
    by_class: list[list[Image]] = [[] for _ in classes]
    for number in track(range(count * len(classes)), "synthesise", console=console):
        label, place = number % len(classes), number // len(classes)
        by_class[label].append(snapshot(photos[place % len(photos)], classes[label], seed, place))
    return by_class


def confusion(model: Recogniser, classes: list[str], real: Path, console: Console) -> Any:
    """Counts [true, recognised]."""
    counts = np.zeros((len(classes), len(classes)), dtype=int)
    for label, name in enumerate(classes):
        for _, image in track(pictures_in(real / name), f"test {name}", console=console):
            counts[label, recognise(model, image)] += 1
    return counts


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--real", type=Path, required=True, help="real photographs, one folder a class")
    parser.add_argument("--photos", type=Path, help="clean photographs (default: ../shared/photos, else the demo's)")
    parser.add_argument("--synthetic", type=Path, help="pictures of another synthesis, one folder a class")
    parser.add_argument("--write", type=Path, help="keep our synthetic pictures here")
    parser.add_argument("--per-class", type=int, default=480, help="synthetic pictures a class")
    parser.add_argument("--steps", type=int, default=1500, help="training steps")
    parser.add_argument("--batch", type=int, default=40, help="pictures a step")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", type=Path, help="write the figures to this file")
    arguments = parser.parse_args()
    console = Console()
    classes = classes_of(arguments.real)

    if arguments.synthetic:
        pictures = [[image for _, image in pictures_in(arguments.synthetic / name)] for name in classes]
    else:
        folder = arguments.photos or (SHARED_PHOTOS if SHARED_PHOTOS.is_dir() else None)
        paths = sorted(p for p in folder.iterdir() if p.suffix.lower() in SUFFIXES) if folder else demo_photos()
        photos = [np.asarray(cv2.imread(str(path), cv2.IMREAD_COLOR_RGB), dtype=np.uint8) for path in paths]
        pictures = made(classes, photos, arguments.per_class, arguments.seed, console)
    if arguments.write:
        for name, images in zip(classes, pictures, strict=True):
            (arguments.write / name).mkdir(parents=True, exist_ok=True)
            for number, image in enumerate(images):
                cv2.imwrite(str(arguments.write / name / f"{number:05d}.png"), image[:, :, ::-1])

    with console.status("train") as status:
        model = train(
            pictures,
            arguments.steps,
            arguments.batch,
            arguments.seed,
            lambda step, loss: status.update(f"train {step}/{arguments.steps} loss {loss:.3f}"),
        )
    counts = confusion(model, classes, arguments.real, console)
    recall = np.diag(counts) / np.maximum(counts.sum(1), 1)
    precision = np.diag(counts) / np.maximum(counts.sum(0), 1)
    f1 = 2 * recall * precision / np.maximum(recall + precision, 1e-9)

    table = Table(title=f"Trained on {sum(map(len, pictures))} synthetic, tested on {counts.sum()} real photographs")
    for column in ("true class", "n", *(f"→ {name}" for name in classes), "recall", "precision", "F1"):
        table.add_column(column, justify="left" if column == "true class" else "right")
    for label, name in enumerate(classes):
        figures = (f"{value:.2f}" for value in (recall[label], precision[label], f1[label]))
        table.add_row(name, str(counts[label].sum()), *map(str, counts[label]), *figures)
    console.print(table)
    console.print(f"macro-F1 {f1.mean():.3f}   accuracy {np.trace(counts) / max(counts.sum(), 1):.3f}")
    if arguments.json:
        rows = {
            name: {"recall": r, "precision": p, "f1": f}
            for name, r, p, f in zip(classes, recall, precision, f1, strict=True)
        }
        figures = {"classes": rows, "confusion": counts.tolist(), "macro_f1": float(f1.mean())}
        arguments.json.write_text(json.dumps(figures, indent=2) + "\n")


if __name__ == "__main__":
    main()
