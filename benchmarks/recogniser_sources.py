"""Sources for the recogniser's training: cuts of photographs at four scales, held-out photographs apart.

    python benchmarks/recogniser_sources.py PHOTOS OUT [--heldout 4] [--graded 10]

Every N-th photograph by name goes to OUT/heldout, the others to OUT/train, each as four PNGs of about 640×480: the
whole, and cuts that show less of it at a higher magnification, the last at the photograph's own resolution. Of the
others, OUT/graded has more such cuts, each with another exposure, contrast and white balance.
"""

from __future__ import annotations

import argparse
import hashlib
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

#: Long and short side of a cut, pixels, and the share of the photograph's long side that each cut shows at most.
LONG, SHORT, SHARES = 640, 480, (1.0, 0.7, 0.5, 0.0)


def cuts(photo: NDArray[np.uint8], count: int, rng: np.random.Generator) -> list[NDArray[np.uint8]]:
    """Cuts with SHARES in turn, uint8 (480, 640, 3) or upright; a share of 0 is the photograph's own resolution."""
    height, width = photo.shape[:2]
    size = (LONG, SHORT) if width >= height else (SHORT, LONG)
    largest = min(width / size[0], height / size[1])
    made = []
    for number in range(count):
        share = SHARES[number % len(SHARES)]
        factor = max(share * largest, min(1.0, largest))
        w, h = round(size[0] * factor), round(size[1] * factor)
        left, top = int(rng.integers(width - w + 1)), int(rng.integers(height - h + 1))
        cut = cv2.resize(photo[top : top + h, left : left + w], size, interpolation=cv2.INTER_AREA)
        made.append(np.asarray(cut, dtype=np.uint8))
    return made


def graded(cut: NDArray[np.uint8], rng: np.random.Generator) -> NDArray[np.uint8]:
    """Another exposure, contrast and white balance, by one table a channel."""
    codes, gamma, contrast = np.arange(256) / 255.0, np.exp(rng.normal(0, 0.25)), np.exp(rng.normal(0, 0.15))
    tables = [
        np.clip(0.5 + contrast * (np.clip(codes * np.exp(rng.normal(0, 0.06)), 0, 1) ** gamma - 0.5), 0, 1)
        for _ in range(3)
    ]
    return np.asarray(cv2.LUT(cut, (np.stack(tables, 1) * 255 + 0.5).astype(np.uint8)[None]), dtype=np.uint8)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("photos", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--heldout", type=int, default=4, help="every N-th photograph is held out")
    parser.add_argument("--graded", type=int, default=10, help="more cuts of each of the others")
    arguments = parser.parse_args()
    for number, path in enumerate(sorted(arguments.photos.glob("*.jpg"))):
        photo = cv2.imread(str(path), cv2.IMREAD_COLOR)
        if photo is None:
            raise SystemExit(f"{path} is no picture that OpenCV can read; remove it")
        held = number % arguments.heldout == arguments.heldout - 1
        rng = np.random.default_rng(int.from_bytes(hashlib.sha256(path.name.encode()).digest()[:8], "little"))
        pixels = np.asarray(photo, dtype=np.uint8)
        made = {"heldout" if held else "train": cuts(pixels, len(SHARES), rng)}
        if not held:
            made["graded"] = [graded(cut, rng) for cut in cuts(pixels, arguments.graded, rng)]
        for part, pictures in made.items():
            (arguments.out / part).mkdir(parents=True, exist_ok=True)
            for place, cut in enumerate(pictures):
                cv2.imwrite(str(arguments.out / part / f"{path.stem}-{place}.png"), cut)


if __name__ == "__main__":
    main()
