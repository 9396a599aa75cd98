"""Convolution of pictures with small kernels, by the cheapest way that the kernel allows."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from degradations.contract import Image
from degradations.kernels import Kernel

Float = NDArray[np.float32]

#: Weight that may be cut from a kernel's rim, and again from its sum of products: an eighth of a code each.
_NEGLIGIBLE = 5e-4
#: Taps below this make products too small for float32's normal range, which processors handle a hundred times slower.
_DENORMAL = 1e-12
#: Side of a block of the Fourier transform: fits the second-level cache.
_BLOCK = 288
# Cost in ns a pixel of three channels, measured at 1024×1024: of a tap of a product of profiles, of a product, of a tap
# of a direct sum, of the transform. OpenCV sums directly up to 11 taps a side.
_TAP, _PRODUCT, _DIRECT_TAP, _TRANSFORM = 0.26, 1.6, 0.1, 16.0
_DIRECT = 11


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
    kernel = np.where(np.abs(kernel) < _DENORMAL * total, 0.0, kernel)
    return kernel / kernel.sum()


def convolve(image: Image | Float, kernel: Kernel) -> Float:
    """`image` (uint8 or float32 (H, W, 3)) convolved with a centre-symmetric `kernel` (odd size), float32.

    Mirrored borders. As a sum of a few products of profiles (singular vectors), directly, or by Fourier transform,
    whichever is cheapest; what moves a value by less than a thousandth of the picture's range is left out.
    """
    kernel = trimmed(kernel)
    size = kernel.shape[0]
    if size == 1:
        return image.astype(np.float32) if image.dtype == np.uint8 else image  # type: ignore[return-value]
    direct = _DIRECT_TAP * size * size if size <= _DIRECT else np.inf
    profiles = _profiles(kernel, (min(direct, _TRANSFORM) + _PRODUCT) / (_TAP * size + _PRODUCT))
    if profiles is not None:
        out = None
        for column, row in profiles:
            product = cv2.sepFilter2D(image, cv2.CV_32F, row, column)
            out = product if out is None else cv2.add(out, product, dst=out)
        return np.asarray(out)
    if direct <= _TRANSFORM:
        return np.asarray(cv2.filter2D(image.astype(np.float32, copy=False), -1, kernel.astype(np.float32)))
    return _convolve_by_transform(image, kernel)


def _profiles(kernel: Kernel, most: float) -> list[tuple[Float, Float]] | None:
    """Columns and rows whose products sum to the kernel but for negligible weight; None if more than `most`."""
    left, values, right = np.linalg.svd(kernel)
    for rank in range(1, min(int(most), len(values)) + 1):
        columns, rows = left[:, :rank] * values[:rank], right[:rank]
        if np.abs(columns @ rows - kernel).sum() <= _NEGLIGIBLE:
            gain = 1.0 / (columns.sum(axis=0) @ rows.sum(axis=1))
            return [(_normal(column * gain), _normal(row)) for column, row in zip(columns.T, rows, strict=True)]
    return None


def _normal(profile: NDArray[np.float64]) -> Float:
    return np.where(np.abs(profile) < _DENORMAL, 0.0, profile).astype(np.float32)


def _convolve_by_transform(image: Image | Float, kernel: Kernel) -> Float:
    """Overlap-save: blocks are transformed, multiplied and kept where they do not wrap around."""
    reach = kernel.shape[0] // 2
    step = _BLOCK - 2 * reach
    height, width = image.shape[:2]
    down, right = -(-height // step) * step, -(-width // step) * step
    response = _packed_response(kernel)
    spectrum, block = np.empty((_BLOCK, _BLOCK), dtype=np.float32), np.empty((_BLOCK, _BLOCK), dtype=np.float32)
    planes = []
    for channel in cv2.split(image):
        padded = cv2.copyMakeBorder(
            channel, reach, reach + down - height, reach, reach + right - width, cv2.BORDER_REFLECT_101
        ).astype(np.float32, copy=False)
        out = np.empty((height, width), dtype=np.float32)
        for y in range(0, height, step):
            for x in range(0, width, step):
                cv2.dft(padded[y : y + _BLOCK, x : x + _BLOCK], dst=spectrum)
                cv2.multiply(spectrum, response, dst=spectrum)
                cv2.idft(spectrum, dst=block)
                target = out[y : y + step, x : x + step]
                rows, columns = target.shape
                target[:] = block[reach : reach + rows, reach : reach + columns]
        planes.append(out)
    return np.asarray(cv2.merge(planes))


def _packed_response(kernel: Kernel) -> Float:
    """The kernel's frequency response, real by symmetry, as the factor of each entry of OpenCV's packed spectrum.

    There a column holds real parts and the next one imaginary parts, but for the first and last columns, which
    alternate down the rows. The inverse transform's scale is included.
    """
    reach = kernel.shape[0] // 2
    taps = np.zeros((_BLOCK, _BLOCK), dtype=np.float32)
    taps[: 2 * reach + 1, : 2 * reach + 1] = kernel
    packed = cv2.dft(np.roll(taps, (-reach, -reach), axis=(0, 1)))
    packed[:, 2:-1:2] = packed[:, 1:-1:2]
    packed[2:-1:2, 0], packed[2:-1:2, -1] = packed[1:-1:2, 0], packed[1:-1:2, -1]
    return np.asarray(packed / np.float32(_BLOCK * _BLOCK))
