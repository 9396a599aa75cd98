"""Sources for the recogniser's training: cuts of photographs at four scales, in two folders that share no photograph.

    python benchmarks/recogniser_sources.py PHOTOS OUT [--heldout 4]

Every N-th photograph by name goes to OUT/heldout, the others to OUT/train, each as four PNGs of about 640×480: the
whole, and cuts that show less of it at a higher magnification, the last at the photograph's own resolution.
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


def cuts(photo: NDArray[np.uint8], rng: np.random.Generator) -> list[NDArray[np.uint8]]:
    """One cut for each of SHARES, uint8 (480, 640, 3) or upright; a share of 0 is the photograph's own resolution."""
    height, width = photo.shape[:2]
    size = (LONG, SHORT) if width >= height else (SHORT, LONG)
    largest = min(width / size[0], height / size[1])
    made = []
    for share in SHARES:
        factor = max(share * largest, min(1.0, largest))
        w, h = round(size[0] * factor), round(size[1] * factor)
        left, top = int(rng.integers(width - w + 1)), int(rng.integers(height - h + 1))
        cut = cv2.resize(photo[top : top + h, left : left + w], size, interpolation=cv2.INTER_AREA)
        made.append(np.asarray(cut, dtype=np.uint8))
    return made


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("photos", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--heldout", type=int, default=4, help="every N-th photograph is held out")
    arguments = parser.parse_args()
    for number, path in enumerate(sorted(arguments.photos.glob("*.jpg"))):
        photo = cv2.imread(str(path), cv2.IMREAD_COLOR)
        if photo is None:
            raise SystemExit(f"{path} is no picture that OpenCV can read; remove it")
        folder = arguments.out / ("heldout" if number % arguments.heldout == arguments.heldout - 1 else "train")
        folder.mkdir(parents=True, exist_ok=True)
        seed = int.from_bytes(hashlib.sha256(path.name.encode()).digest()[:8], "little")
        for place, cut in enumerate(cuts(np.asarray(photo, dtype=np.uint8), np.random.default_rng(seed))):
            cv2.imwrite(str(folder / f"{path.stem}-{place}.png"), cut)


if __name__ == "__main__":
    main()
