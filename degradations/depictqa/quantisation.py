"""DepictQA's quantisations."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image as Pillow

from degradations.contract import Image

Figures = tuple[float, ...]

_BINS = 30
_CODES = np.arange(256, dtype=np.float64)


def otsu(image: Image, figures: Figures, angle: float, seed: int) -> Image:
    """Each channel in classes of greatest variance between them (Otsu 1979), drawn as equal steps from its minimum."""
    out = np.empty_like(image)
    for channel in range(3):
        values = image[..., channel]
        low, high = float(values.min()), float(values.max())
        histogram = np.bincount(values.reshape(-1), minlength=256).astype(np.float64)
        thresholds = otsu_thresholds(histogram, int(figures[0]))
        table = np.digitize(_CODES, thresholds) * (high - low) / (len(thresholds) + 1) + low
        out[..., channel] = table.astype(np.uint8)[values]
    return out


def otsu_thresholds(histogram: NDArray[np.float64], classes: int) -> NDArray[np.float64]:
    """The at most `classes` − 1 thresholds between classes of a channel, on 30 bins of its range.

    histogram: counts of the 256 codes. Exact, by dynamic programming over the upper ends of classes; never more classes
    than bins with pixels in them.
    """
    occupied = np.flatnonzero(histogram)
    edges = np.linspace(occupied[0], occupied[-1], _BINS + 1)
    centres = (edges[:-1] + edges[1:]) / 2
    counts = np.histogram(_CODES, bins=edges, weights=histogram)[0]
    kept = np.flatnonzero(counts)
    counts, centres = counts[kept], centres[kept]
    n, classes = len(kept), min(classes, len(kept))
    weight = np.concatenate([[0.0], np.cumsum(counts)])
    moment = np.concatenate([[0.0], np.cumsum(counts * centres)])
    # score[i, j]: what a class of bins i to j − 1 adds to the variance between classes.
    with np.errstate(invalid="ignore", divide="ignore"):
        score = (moment[None, :] - moment[:, None]) ** 2 / (weight[None, :] - weight[:, None])
    score[np.tril_indices(n + 1)] = -np.inf
    best = score[0].copy()
    starts = []
    for _ in range(classes - 1):
        total = best[:, None] + score
        starts.append(total.argmax(axis=0))
        best = total.max(axis=0)
    end, cuts = n, []
    for start in reversed(starts):
        end = int(start[end])
        cuts.append(end)
    return np.array([(centres[cut - 1] + centres[cut]) / 2 for cut in reversed(cuts)])


def median_cut(image: Image, figures: Figures, angle: float, seed: int) -> Image:
    """Each channel in so many values by median cut (Heckbert 1982)."""
    planes = [
        Pillow.fromarray(np.ascontiguousarray(image[..., channel]))
        .quantize(colors=int(figures[0]), method=Pillow.Quantize.MEDIANCUT)
        .convert("L")
        for channel in range(3)
    ]
    return np.stack([np.asarray(plane) for plane in planes], axis=-1)


def histogram(image: Image, figures: Figures, angle: float, seed: int) -> Image:
    """All values in so many equal bins, each shown at its place in the cumulative histogram."""
    bins = int(figures[0])
    counts = np.histogram(image, bins=bins, range=(0.0, 255.0))[0]
    cumulative = np.cumsum(counts).astype(np.float64)
    first, last = cumulative[cumulative > 0][0], cumulative[-1]
    table = np.where(cumulative > 0, (cumulative - first) * 255.0 / max(last - first, 1.0), 0.0)
    return table.astype(np.uint8)[np.rint(_CODES / 255.0 * (bins - 1)).astype(np.intp)][image]
