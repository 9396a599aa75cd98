"""Superpixels by graph merging.

Source: Felzenszwalb and Huttenlocher (2004), "Efficient Graph-Based Image Segmentation", on the 4-connected grid.
"""

from __future__ import annotations

import numba
import numpy as np
from numpy.typing import NDArray


@numba.njit(cache=True, nogil=True)
def _root(parent: NDArray[np.int32], i: int) -> int:
    while parent[i] != i:
        parent[i] = parent[parent[i]]
        i = parent[i]
    return i


@numba.njit(cache=True, nogil=True)
def _merge(
    first: NDArray[np.int32],
    second: NDArray[np.int32],
    weight: NDArray[np.int32],
    order: NDArray[np.int64],
    count: int,
    tolerance: float,
    smallest: int,
) -> NDArray[np.int32]:
    parent = np.arange(count).astype(np.int32)
    size = np.ones(count, dtype=np.int32)
    limit = np.full(count, tolerance, dtype=np.float64)
    for merging_small in range(2):
        for edge in order:
            a, b = _root(parent, first[edge]), _root(parent, second[edge])
            if a == b:
                continue
            if merging_small == 1:
                join = size[a] < smallest or size[b] < smallest
            else:
                join = weight[edge] <= limit[a] and weight[edge] <= limit[b]
            if join:
                parent[b] = a
                size[a] += size[b]
                limit[a] = weight[edge] + tolerance / size[a]
    labels = np.empty(count, dtype=np.int32)
    number = np.full(count, -1, dtype=np.int32)
    found = 0
    for i in range(count):
        root = _root(parent, i)
        if number[root] < 0:
            number[root] = found
            found += 1
        labels[i] = number[root]
    return labels


def superpixels(image: NDArray[np.uint8], tolerance: float, smallest: int) -> NDArray[np.int32]:
    """Labels 0, 1, 2, ... int32 (h, w), in reading order, of a smoothed uint8 (h, w, 3) picture.

    tolerance: the paper's k, in units of the summed colour difference. smallest: pixels below which a segment joins its
    most similar neighbour.
    """
    height, width = image.shape[:2]
    index = np.arange(height * width, dtype=np.int32).reshape(height, width)
    first = np.concatenate([index[:, :-1].ravel(), index[:-1].ravel()])
    second = np.concatenate([index[:, 1:].ravel(), index[1:].ravel()])
    flat = image.reshape(-1, 3).astype(np.int32)
    weight = np.abs(flat[first] - flat[second]).sum(axis=1, dtype=np.int32)
    order = np.argsort(weight.astype(np.uint16), kind="stable")
    labels = _merge(first, second, weight, order, height * width, tolerance, smallest)
    return np.asarray(labels.reshape(height, width))
