"""A picture as a short vector that crops, grades and recompressions hardly turn; without weights."""

from __future__ import annotations

import cv2
import numba
import numpy as np
from numpy.typing import NDArray

from filters.perceptual_hash import reduced

Embeddings = NDArray[np.float16]
Plane = NDArray[np.float32]

#: Version of what is computed here.
VERSION = "1"
#: Side that pictures are reduced to, in pixels; cells a side of colour and of gradients; orientations.
_SIDE, _COLOUR_CELLS, _CELLS, _ORIENTATIONS = 64, 4, 5, 8
_COLOUR_SHARE = 0.6
#: Contrast of colour (CIELAB, over all cells) and of slope (√luma a pixel) below which a picture shows little.
_FAINT_COLOUR, _FAINT_SLOPE = 14.0, 0.01
#: Part of a picture's mean gradient histogram that is taken off each cell's.
_COMMON = 0.5
#: Elements are multiples of 1/2048: exact in float16, and their products sum exactly in float32.
STEPS = 2048
DIMENSIONS = 3 * _COLOUR_CELLS**2 + _ORIENTATIONS * _CELLS**2


def layout_embedding(pixels: NDArray[np.uint8]) -> Embeddings:
    """Float16 (248,) of unit length, in multiples of 1/2048, of uint8 (H, W, 3) sRGB; zeros for a flat picture.

    A colour layout, CIELAB in 4×4 cells about its mean (after the MPEG-7 descriptor of Kasutani and Yamada 2001), and
    histograms of 8 gradient orientations in 5×5 soft cells, of slopes divided by those around them (after Dalal and
    Triggs 2005, and Torralba's GIST 2001), square-rooted, about the mean of the orientations and half that of the
    cells. Both are read at 64×64 pixels of the `reduced` picture. The cosine of two is near 1 for copies; see
    `benchmarks/duplicates.py`.
    """
    small = cv2.resize(reduced(pixels).astype(np.float32), (_SIDE, _SIDE), interpolation=cv2.INTER_AREA)
    small /= np.float32(255.0)
    colour = np.float32(_COLOUR_SHARE) * _colour_layout(small)
    gradients = np.float32((1.0 - _COLOUR_SHARE**2) ** 0.5) * _gradient_layout(small)
    whole = np.concatenate([colour.ravel(), gradients.ravel()]).astype(np.float64)
    return to_unit_steps(whole[None])[0]


def to_unit_steps(vectors: NDArray[np.floating]) -> Embeddings:
    """Vectors (n, d) made of unit length and rounded to multiples of 1/2048, float16; zeros and not numbers stay 0."""
    clean = np.nan_to_num(vectors.astype(np.float64), posinf=0.0, neginf=0.0)
    length = np.sqrt(np.square(clean).sum(axis=1, keepdims=True))
    unit = np.divide(clean, length, out=np.zeros_like(clean), where=length > 1e-6)
    return (np.rint(unit * STEPS) / STEPS).astype(np.float16)


def mirrored(embeddings: Embeddings) -> Embeddings:
    """What `layout_embedding` gives for the mirrored pictures, of (n, 248): the same elements in another order."""
    return embeddings[:, _MIRROR]


def _mirror_order() -> NDArray[np.intp]:
    places = np.arange(DIMENSIONS)
    split = 3 * _COLOUR_CELLS**2
    colour = places[:split].reshape(_COLOUR_CELLS, _COLOUR_CELLS, 3)[:, ::-1]
    gradients = places[split:].reshape(_CELLS, _CELLS, _ORIENTATIONS)
    opposite = (-np.arange(_ORIENTATIONS)) % _ORIENTATIONS
    return np.concatenate([colour.ravel(), gradients[:, ::-1, opposite].ravel()])


_MIRROR = _mirror_order()


def _colour_layout(small: Plane) -> Plane:
    """Float32 (4, 4, 3) of length below 1: CIELAB of the cells about its mean."""
    lab = cv2.cvtColor(small, cv2.COLOR_RGB2LAB)
    cells = cv2.resize(lab, (_COLOUR_CELLS, _COLOUR_CELLS), interpolation=cv2.INTER_AREA)
    cells = cells - cells.mean(axis=(0, 1), keepdims=True)
    return np.asarray(cells / np.sqrt(np.square(cells).sum() + np.float32(_FAINT_COLOUR**2)), dtype=np.float32)


def _gradient_layout(small: Plane) -> Plane:
    """Float32 (5, 5, 8) of length at most 1: how slopes of each orientation are spread, whatever their strength."""
    grey = cv2.GaussianBlur(np.sqrt(cv2.cvtColor(small, cv2.COLOR_RGB2GRAY)), (0, 0), 1.0)
    dx, dy = (cv2.Sobel(grey, cv2.CV_32F, 1 - axis, axis, ksize=3) for axis in (0, 1))
    slope = cv2.magnitude(dx, dy)
    slope /= cv2.GaussianBlur(slope, (0, 0), _SIDE / 8) + np.float32(_FAINT_SLOPE)
    cells = _histograms(slope, cv2.phase(dx, dy) * np.float32(_ORIENTATIONS / np.pi), _WINDOWS)
    cells = np.sqrt(cells)
    cells -= cells.mean(axis=2, keepdims=True)
    cells -= np.float32(_COMMON) * cells.mean(axis=(0, 1), keepdims=True)
    length = np.sqrt(np.square(cells).sum())
    return np.asarray(cells / max(length, np.float32(1e-3)), dtype=np.float32)


def _windows() -> Plane:
    """Float32 (5, 64): how much each row (or column) counts for each cell, a fifth of the picture with soft edges."""
    identity = np.eye(_SIDE, dtype=np.float32)
    soft = cv2.GaussianBlur(identity, (1, 0), sigmaX=0.0, sigmaY=_SIDE / _CELLS / 2.5)
    return np.asarray(cv2.resize(soft, (_SIDE, _CELLS), interpolation=cv2.INTER_AREA))


_WINDOWS = _windows()


@numba.njit(cache=True, nogil=True)
def _histograms(slope: Plane, turn: Plane, windows: Plane) -> Plane:
    """Float32 (cells, cells, 8): slopes by cell and by orientation `turn`, shared between the two nearest of 8."""
    side, cells = slope.shape[0], windows.shape[0]
    columns = np.zeros((cells, side, _ORIENTATIONS), dtype=np.float32)
    for y in range(side):
        for x in range(side):
            below = int(turn[y, x])
            upper = (turn[y, x] - np.float32(below)) * slope[y, x]
            lower = slope[y, x] - upper
            for cell in range(cells):
                columns[cell, x, below % _ORIENTATIONS] += windows[cell, y] * lower
                columns[cell, x, (below + 1) % _ORIENTATIONS] += windows[cell, y] * upper
    found = np.zeros((cells, cells, _ORIENTATIONS), dtype=np.float32)
    for cell in range(cells):
        for x in range(side):
            for column in range(cells):
                for orientation in range(_ORIENTATIONS):
                    found[cell, column, orientation] += windows[column, x] * columns[cell, x, orientation]
    return found
