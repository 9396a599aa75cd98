"""Convolution of float pictures with small kernels, by the cheapest way that the kernel allows."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from degradations.kernels import Kernel

Float = NDArray[np.float32]

#: Weight that may be cut from a kernel's rim: moves a code by at most 255·1e-3, a quarter.
_NEGLIGIBLE = 1e-3
#: Largest kernel that is faster summed directly than by Fourier transform, taps a side.
_DIRECT = 11
#: Side of a block of the Fourier transform: fits the second-level cache.
_BLOCK = 288


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


def convolve(image: Float, kernel: Kernel) -> Float:
    """`image` (float32 (H, W, 3)) convolved with a centre-symmetric `kernel` (odd size); mirrored borders.

    A product of two profiles runs as two passes, another small kernel directly, a large one by Fourier transform;
    taps of negligible weight are left out (see `trimmed`).
    """
    kernel = trimmed(kernel)
    if kernel.shape[0] == 1:
        return image
    centre = kernel.shape[0] // 2
    column, row = kernel[:, centre], kernel[centre] / kernel[centre, centre]
    if np.allclose(np.outer(column, row), kernel, rtol=0, atol=1e-7):
        return np.asarray(cv2.sepFilter2D(image, -1, row.astype(np.float32), column.astype(np.float32)))
    if kernel.shape[0] <= _DIRECT:
        return np.asarray(cv2.filter2D(image, -1, kernel.astype(np.float32)))
    return _convolve_by_transform(image, kernel)


def _convolve_by_transform(image: Float, kernel: Kernel) -> Float:
    """Overlap-save: blocks are transformed, multiplied and kept where they do not wrap around."""
    reach = kernel.shape[0] // 2
    step = _BLOCK - 2 * reach
    height, width = image.shape[:2]
    down, right = -(-height // step) * step, -(-width // step) * step
    padded = cv2.copyMakeBorder(
        image, reach, reach + down - height, reach, reach + right - width, cv2.BORDER_REFLECT_101
    )
    response = _packed_response(kernel)
    out = np.empty((height, width, 3), dtype=np.float32)
    for y in range(0, height, step):
        for x in range(0, width, step):
            planes = cv2.split(padded[y : y + _BLOCK, x : x + _BLOCK])
            planes = [cv2.idft(cv2.multiply(cv2.dft(p), response), flags=cv2.DFT_SCALE) for p in planes]
            target = out[y : y + step, x : x + step]
            rows, columns = target.shape[:2]
            target[:] = cv2.merge(planes)[reach : reach + rows, reach : reach + columns]
    return out


def _packed_response(kernel: Kernel) -> Float:
    """The kernel's frequency response, real by symmetry, as the factor of each entry of OpenCV's packed spectrum.

    There a column holds real parts and the next one imaginary parts, but for the first and last columns, which
    alternate down the rows.
    """
    reach, half = kernel.shape[0] // 2, _BLOCK // 2
    taps = np.zeros((_BLOCK, _BLOCK))
    taps[: 2 * reach + 1, : 2 * reach + 1] = kernel
    full = np.fft.rfft2(np.roll(taps, (-reach, -reach), axis=(0, 1))).real
    packed = np.empty((_BLOCK, _BLOCK), dtype=np.float32)
    packed[:, 1:-1] = np.repeat(full[:, 1:half], 2, axis=1)
    rows = np.concatenate([[0], np.repeat(np.arange(1, half), 2), [half]])
    packed[:, 0], packed[:, -1] = full[rows, 0], full[rows, half]
    return packed
