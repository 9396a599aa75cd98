"""Convolution of float pictures with small symmetric kernels, by the cheapest way that the kernel allows."""

from __future__ import annotations

import cv2
import numba
import numpy as np
from numpy.typing import NDArray

from degradations.kernels import Kernel

Float = NDArray[np.float32]

#: Weight that may be cut from a kernel's rim: moves a code by at most 255·1e-3, a quarter.
_NEGLIGIBLE = 1e-3


def trimmed(kernel: Kernel) -> Kernel:
    """`kernel` without outer rings of negligible weight, its sum restored to 1."""
    total = np.abs(kernel).sum()
    margin = 0
    while margin < kernel.shape[0] // 2:
        inner = kernel[margin + 1 : -margin - 1, margin + 1 : -margin - 1]
        if total - np.abs(inner).sum() > _NEGLIGIBLE:
            break
        margin += 1
    if margin:
        kernel = kernel[margin:-margin, margin:-margin]
    return kernel / kernel.sum()


@numba.njit(cache=True, nogil=True)
def _correlate_quadrant(padded: Float, quadrant: Float, out: Float) -> None:
    """Correlation with a kernel symmetric in x and in y, given by its quadrant (r + 1, r + 1) from the centre on.

    padded: (H + 2r, 3·(W + 2r)), out: (H, 3·W), interleaved channels. Mirrored taps share one multiplication, and
    strips of 768 values stay in the first-level cache.
    """
    height, width = out.shape
    radius = quadrant.shape[0] - 1
    folded = np.empty(768 + 6 * radius, dtype=np.float32)
    for y in range(height):
        for start in range(0, width, 768):
            n = min(768, width - start)
            m = n + 6 * radius
            line = folded[:m]
            total = out[y, start : start + n]
            total[:] = np.float32(0.0)
            for j in range(radius + 1):
                above = padded[y + radius - j, start : start + m]
                below = padded[y + radius + j, start : start + m]
                if j == 0:
                    line[:] = above
                else:
                    for x in range(m):
                        line[x] = above[x] + below[x]
                weight = quadrant[j, 0]
                middle = line[3 * radius : 3 * radius + n]
                for x in range(n):
                    total[x] += weight * middle[x]
                for i in range(1, radius + 1):
                    weight = quadrant[j, i]
                    left = line[3 * (radius - i) : 3 * (radius - i) + n]
                    right = line[3 * (radius + i) : 3 * (radius + i) + n]
                    for x in range(n):
                        total[x] += weight * (left[x] + right[x])


def convolve(image: Float, kernel: Kernel) -> Float:
    """`image` (float32 (H, W, 3)) convolved with a centre-symmetric `kernel` (odd size); mirrored borders.

    Kernels that are a product of two profiles run as two passes, kernels symmetric in x and in y with shared
    multiplications, the rest directly; taps of negligible weight are left out (see `trimmed`).
    """
    kernel = trimmed(kernel)
    if kernel.shape[0] == 1:
        return image
    centre = kernel.shape[0] // 2
    column, row = kernel[:, centre], kernel[centre] / kernel[centre, centre]
    if np.allclose(np.outer(column, row), kernel, rtol=0, atol=1e-7):
        return cv2.sepFilter2D(image, -1, row.astype(np.float32), column.astype(np.float32))
    if kernel.shape[0] < 9 or not np.allclose(kernel, kernel[:, ::-1], rtol=0, atol=1e-9):
        return cv2.filter2D(image, -1, kernel.astype(np.float32))
    height, width = image.shape[:2]
    padded = cv2.copyMakeBorder(image, centre, centre, centre, centre, cv2.BORDER_REFLECT_101)
    out = np.empty((height, 3 * width), dtype=np.float32)
    quadrant = np.ascontiguousarray(kernel[centre:, centre:], dtype=np.float32)
    _correlate_quadrant(padded.reshape(height + 2 * centre, -1), quadrant, out)
    return out.reshape(height, width, 3)
