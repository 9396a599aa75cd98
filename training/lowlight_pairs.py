"""Pairs of a bright and a dark photograph of one scene, in the layout of LOL."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from degradations.light import decode
from schemas.errors import DatasetError

SUFFIXES = (".png", ".jpg", ".jpeg", ".bmp", ".webp", ".tif", ".tiff")
#: Memory for pictures, bytes: LOL fits, of larger sets the rest is read from disk.
KEPT = 4 << 30
#: Mean linear light below which a picture counts as this bright.
_LEAST_LIGHT = 1e-4


@dataclass(frozen=True)
class Pair:
    """Two files of equal name."""

    bright: Path
    dark: Path


def find_pairs(folder: Path) -> list[Pair]:
    """The pairs of `folder`/high and `folder`/low, by file name (layout of LOL), sorted.

    Raises DatasetError where a folder is missing or empty, a name has no partner, or the two sizes differ.
    """
    high, low = (_pictures(folder / part) for part in ("high", "low"))
    if alone := sorted(high.keys() ^ low.keys()):
        where = "low" if alone[0] in high else "high"
        more = f" (and {len(alone) - 1} more)" if len(alone) > 1 else ""
        raise DatasetError(f"{folder}: {alone[0]!r}{more} has no partner in {where}/; add it or remove the picture")
    return [Pair(high[name], low[name]) for name in sorted(high)]


def _pictures(folder: Path) -> dict[str, Path]:
    if not folder.is_dir():
        raise DatasetError(f"{folder} is no folder; pairs are files of equal name in low/ and high/")
    found = {path.name: path for path in folder.iterdir() if path.suffix.lower() in SUFFIXES}
    if not found:
        raise DatasetError(f"{folder} holds no picture ({', '.join(SUFFIXES)}); put the pairs there")
    return found


def read_pair(pair: Pair) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Bright and dark, uint8 (H, W, 3), sRGB. Raises DatasetError for a broken file or unequal sizes."""
    pictures = []
    for path in (pair.bright, pair.dark):
        pixels = cv2.imread(str(path), cv2.IMREAD_COLOR_RGB)
        if pixels is None:
            raise DatasetError(f"{path} cannot be decoded; replace it or remove the pair")
        pictures.append(np.asarray(pixels, dtype=np.uint8))
    bright, dark = pictures
    if bright.shape != dark.shape:
        sizes = " and ".join(f"{picture.shape[1]}×{picture.shape[0]}" for picture in pictures)
        raise DatasetError(f"{pair.bright.name}: high/ and low/ are {sizes}; make them one size")
    return bright, dark


class PairPictures:
    """The pixels of pairs: the first ones kept in memory, `kept` bytes of them, the others read whenever asked for.

    stops: between the pictures of each pair. digest: hex sha256 of all pixels. Reads every file once, and raises
    DatasetError as `read_pair` does.
    """

    def __init__(self, pairs: Iterable[Pair], kept: int = KEPT) -> None:
        self.stops: list[float] = []
        self._pairs: list[Pair] = []
        self._kept: list[tuple[NDArray[np.uint8], NDArray[np.uint8]]] = []
        digest, left = hashlib.sha256(), kept
        for pair in pairs:
            bright, dark = read_pair(pair)
            self._pairs.append(pair)
            self.stops.append(stops_between(bright, dark))
            for picture in (bright, dark):
                digest.update(f"{picture.shape}".encode() + picture.tobytes())
            left -= bright.nbytes + dark.nbytes
            if left >= 0:
                self._kept.append((bright, dark))
        self.digest = digest.hexdigest()

    def __len__(self) -> int:
        return len(self._pairs)

    def __getitem__(self, number: int) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
        """Bright and dark, uint8 (H, W, 3), sRGB."""
        return self._kept[number] if number < len(self._kept) else read_pair(self._pairs[number])


def stops_between(bright: NDArray[np.uint8], dark: NDArray[np.uint8]) -> float:
    """Stops of mean linear light from dark to bright, at least 0."""
    light = [max(float(decode(picture).mean(dtype=np.float64)), _LEAST_LIGHT) for picture in (bright, dark)]
    return max(0.0, math.log2(light[0] / light[1]))


def random_crop(
    bright: NDArray[np.uint8], dark: NDArray[np.uint8], side: int, rng: np.random.Generator
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """The same random square of both, mirrored or not, float32 in [0, 1]; mirrored at the edge of a smaller picture."""
    height, width = bright.shape[:2]
    top, left = int(rng.integers(max(height - side, 0) + 1)), int(rng.integers(max(width - side, 0) + 1))
    turned = rng.random() < 0.5
    squares = []
    for picture in (bright, dark):
        square = picture[top : top + side, left : left + side]
        below, right = side - square.shape[0], side - square.shape[1]
        square = np.pad(square, ((0, below), (0, right), (0, 0)), mode="symmetric")
        squares.append((square[:, ::-1] if turned else square).astype(np.float32) / np.float32(255.0))
    return squares[0], squares[1]
