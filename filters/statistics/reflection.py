"""Statistics of reflection: a second, weaker layer with edges twice over."""

from __future__ import annotations

import functools
import math

import cv2
import numba
import numpy as np
from numpy.typing import NDArray

from filters.luma import Luma
from filters.statistics.planes import Planes, frequencies, log_ratio


def reflection(planes: Planes) -> dict[str, float]:
    """statistics.reflection.*: of a layer over the picture.

    double: highest peak of the autocorrelation of the tiles' Laplacian, all tiles together, 3-32 px away and off the
    axes, in logarithms of its ring's deviations; echo: the same of the spectrum's logarithm (cepstrum, Bogert et al.
    1963). kurtosis: log kurtosis of the gradients of the picture at a long side of 160 px; kurtosis_fine: of the tiles.
    layer: log of the share of gradients between 1 and 6 hundredths; soft: log of power at coarse over fine scales of
    the small picture's gradients. veiled: scatter of the dark channel at scales of 4 to 16 px, which glare adds; glare:
    its skewness; bright: correlation of light with detail.
    """
    shape = planes.luma.shape[1:]
    if min(shape) >= 72:
        ring = _ring(*shape)
        double, echo = _double(planes.power, shape, ring), _echo(planes.power, shape, ring)
    else:
        double, echo = math.nan, math.nan
    grey = planes.grey
    dx, dy = np.diff(grey, axis=1), np.diff(grey, axis=0)
    slopes = np.abs(np.concatenate([dx.ravel(), dy.ravel()]))
    dark = cv2.erode(planes.small.min(axis=2), np.ones((3, 3), np.uint8))
    band = cv2.blur(dark, (9, 9), borderType=cv2.BORDER_REFLECT) - cv2.blur(
        dark, (41, 41), borderType=cv2.BORDER_REFLECT
    )
    spread = float(np.square(band).mean(dtype=np.float64))
    return {
        "statistics.reflection.double": double,
        "statistics.reflection.echo": echo,
        "statistics.reflection.kurtosis": _kurtosis(slopes),
        "statistics.reflection.kurtosis_fine": _kurtosis(np.diff(planes.luma, axis=2).ravel()),
        "statistics.reflection.layer": _share(slopes, 0.01, 0.06),
        "statistics.reflection.soft": _softness(grey),
        "statistics.reflection.veiled": math.sqrt(spread),
        "statistics.reflection.glare": float((band * band * band).mean(dtype=np.float64)) / (spread**1.5 + 1e-9),
        "statistics.reflection.bright": _bright(grey),
    }


@functools.lru_cache(maxsize=64)
def _ring(height: int, width: int) -> NDArray[np.bool_]:
    """Shifts, of the half plane that a spectrum transforms to, 3-32 px away and 2 px or more off both axes."""
    dy = np.minimum(np.arange(height), height - np.arange(height))[:, None]
    dx = np.minimum(np.arange(width), width - np.arange(width))[None, :]
    far = np.hypot(dy, dx)
    half = np.arange(width)[None, :] <= width // 2
    return (far >= 3) & (far <= 32) & (dy >= 2) & (dx >= 2) & half


def _double(power: NDArray[np.float32], shape: tuple[int, ...], ring: NDArray[np.bool_]) -> float:
    weighted = power * _weight(*shape)
    total = weighted.sum(axis=(1, 2), keepdims=True) + np.float32(1e-3)
    return _peak(_inverse((weighted / total).mean(axis=0), shape[1])[ring])


def _peak(values: NDArray[np.float32]) -> float:
    scatter = float(np.median(np.abs(values))) / 0.6745
    return log_ratio(max(0.0, float(values.max())) + 1e-9, scatter + 1e-9)


@functools.lru_cache(maxsize=64)
def _weight(height: int, width: int) -> NDArray[np.float32]:
    """Of the power of a Laplacian of Gaussian."""
    squared = np.square(frequencies(height, width)[0])
    return (squared * squared * np.exp(-40.0 * squared)).astype(np.float32)


def _inverse(half: NDArray[np.float32], width: int) -> NDArray[np.float32]:
    """Transform of a real, even spectrum of which the left `width` // 2 + 1 columns are given."""
    full = np.empty((half.shape[0], width), np.float32)
    full[:, : half.shape[1]] = half
    back = half[:, 1 : width - half.shape[1] + 1][:, ::-1]
    full[0, half.shape[1] :] = back[0]
    full[1:, half.shape[1] :] = back[1:][::-1]
    transform: NDArray[np.float32] = cv2.dft(full, flags=cv2.DFT_COMPLEX_OUTPUT | cv2.DFT_SCALE)[..., 0]
    return transform


def _echo(power: NDArray[np.float32], shape: tuple[int, ...], ring: NDArray[np.bool_]) -> float:
    logs = cv2.log(power.reshape(len(power), -1) + np.float32(power.shape[1] ** 2))
    return _peak(_inverse(logs.mean(axis=0).reshape(power.shape[1:]), shape[1])[ring])


def _kurtosis(values: NDArray[np.float32]) -> float:
    if values.size < 8:
        return math.nan
    second, fourth = _moments(values)
    return log_ratio(fourth + 1e-9, second * second + 1e-9)


@numba.njit(cache=True, nogil=True)
def _moments(values: NDArray[np.float32]) -> tuple[float, float]:
    """Means of the second and fourth powers."""
    second = fourth = 0.0
    for value in values:
        square = float(value) * float(value)
        second += square
        fourth += square * square
    return second / values.size, fourth / values.size


def _share(values: NDArray[np.float32], low: float, high: float) -> float:
    if values.size == 0:
        return math.nan
    return math.log(float(((values > low) & (values < high)).mean()) + 1e-3)


def _softness(grey: Luma) -> float:
    smooth = cv2.GaussianBlur(grey, (0, 0), 3.0, borderType=cv2.BORDER_REFLECT)
    powers = []
    for plane in (smooth, grey):
        powers.append(sum(float(np.square(np.diff(plane, axis=axis)).sum(dtype=np.float64)) for axis in (0, 1)))
    return log_ratio(powers[0] + 1e-4, powers[1] + 1e-4)


def _bright(grey: Luma) -> float:
    """Correlation of coarse light with fine detail: glare lies over both light and dark."""
    detail = np.abs(grey - cv2.GaussianBlur(grey, (5, 5), 1.0, borderType=cv2.BORDER_REFLECT))
    detail = np.log(cv2.GaussianBlur(detail, (0, 0), 5.0, borderType=cv2.BORDER_REFLECT) + np.float32(2e-3))
    light = cv2.GaussianBlur(grey, (0, 0), 5.0, borderType=cv2.BORDER_REFLECT)
    x, y = light - light.mean(dtype=np.float64), detail - detail.mean(dtype=np.float64)
    scale = math.sqrt(float(np.square(x).sum(dtype=np.float64)) * float(np.square(y).sum(dtype=np.float64)))
    return float((x * y).sum(dtype=np.float64)) / scale if scale > 1e-9 else 0.0
