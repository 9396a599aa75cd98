"""The sheets of docs/gallery.md, from the photographs that scikit-image and scikit-learn carry.

python docs/make_gallery.py [--out docs/gallery]
"""

from __future__ import annotations

import argparse
from pathlib import Path

import cv2
import numpy as np

from degradations.contract import Image
from evaluation.sheet import labelled_grid
from jobs.demo_photos import demo_photos
from jobs.preview import LEVELS, degraded_levels, single_modes
from schemas.recipe.degradations import DegradationsSection

#: The photograph that shows a degradation well, and the seed of its draws.
SHOWN = {
    "blur": ("chelsea.png", 1),
    "compression": ("astronaut.png", 1),
    "moire": ("coffee.png", 3),
    "lowlight": ("china.jpg", 1),
    "noise": ("astronaut.png", 2),
    "flare": ("rocket.jpg", 1),
    "reflection": ("astronaut.png", 1),
    "haze": ("china.jpg", 1),
    "rain": ("china.jpg", 2),
    "realesrgan": ("chelsea.png", 1),
    "apisr": ("coffee.png", 1),
    "web_style": ("coffee.png", 1),
    "agenticir": ("china.jpg", 1),
    "depictqa": ("chelsea.png", 1),
}
#: Width of a cell in pixels, and of one among many rows.
WIDTH, NARROW, MANY = 250, 130, 12


def cell(picture: Image, width: int) -> Image:
    height = round(picture.shape[0] * width / picture.shape[1])
    return np.asarray(cv2.resize(picture, (width, height), interpolation=cv2.INTER_AREA), dtype=np.uint8)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "gallery", help="folder of the sheets")
    parser.add_argument("--only", choices=list(SHOWN), action="append", help="this degradation alone (repeatable)")
    arguments = parser.parse_args()
    arguments.out.mkdir(parents=True, exist_ok=True)
    photos = {path.name: path for path in demo_photos()}
    for name in arguments.only or SHOWN:
        photo, seed = SHOWN[name]
        clean = np.asarray(cv2.imread(str(photos[photo]), cv2.IMREAD_COLOR_RGB), dtype=np.uint8)
        rows = []
        modes = single_modes(DegradationsSection(), name)
        width = NARROW if len(modes) > MANY else WIDTH
        for label, degradation, section in modes:
            pictures = [clean, *degraded_levels(clean, degradation, section, seed)]
            rows.append((label, [cell(picture, width) for picture in pictures]))
        sheet = labelled_grid(rows, ["clean", *(f"level {n}" for n in range(1, len(LEVELS) + 1))])
        path = arguments.out / f"{name}.jpg"
        cv2.imwrite(str(path), cv2.cvtColor(sheet, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_JPEG_QUALITY, 82])
        print(f"{path}  {len(rows)} modes  {path.stat().st_size // 1024} KiB")


if __name__ == "__main__":
    main()
