"""Blur as software makes it: Gaussian, sinc, zoom."""

from __future__ import annotations

import math
from typing import Literal

import cv2
import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from degradations.contract import Params, pick
from degradations.filtering import convolve
from degradations.scene import Scene
from degradations.severity import logarithmic

#: Standard deviation of a Gaussian, pixels at a short side of 1024 (RealRestorer draws .5-6).
SIGMA_PX = (0.7, 6.0)
#: Cut-off of a sinc, radians a pixel at a short side of 1024 (RealRestorer draws π/4-π; near π nothing changes).
CUTOFF = (0.7 * np.pi, np.pi / 5)
#: Half-side of the sinc's kernel, pixels of the picture that it filters: it holds two ripples and more.
SINC_RADIUS = 5
#: Magnification over the exposure of a zoom.
ZOOM = (1.008, 1.15)
#: Standard deviation from which on a Gaussian is computed at half size, pixels.
HALVED = 2.5
#: Cut-off from which down a sinc is computed at half size, radians a pixel.
HALVED_CUTOFF = 1.4
#: Relative frequency of each.
KINDS = {"gaussian": 0.5, "sinc": 0.25, "zoom": 0.25}


class GaussianParams(Params):
    """sigma: standard deviation in pixels."""

    kind: Literal["gaussian"] = "gaussian"
    sigma: float = Field(gt=0)


class SincParams(Params):
    """cutoff: radians a pixel."""

    kind: Literal["sinc"] = "sinc"
    cutoff: float = Field(gt=0, le=float(np.pi))


class ZoomParams(Params):
    """magnification: over the exposure. centre: (y, x) as shares of height and width."""

    kind: Literal["zoom"] = "zoom"
    magnification: float = Field(gt=1)
    centre: tuple[float, float]


class WebParams(Params):
    """One of the three filters."""

    mode: Literal["web"] = "web"
    filter: GaussianParams | SincParams | ZoomParams = Field(discriminator="kind")


def draw_web(rng: np.random.Generator, scene: Scene, q: float) -> WebParams:
    """Gaussian, sinc or zoom with the strength at quantile `q`."""
    kind = pick(rng, KINDS)
    if kind == "gaussian":
        return WebParams(filter=GaussianParams(sigma=logarithmic(q, *SIGMA_PX) * scene.scale))
    if kind == "sinc":
        return WebParams(filter=SincParams(cutoff=min(0.85 * np.pi, logarithmic(q, *CUTOFF) / scene.scale)))
    centre = (rng.uniform(0.35, 0.65), rng.uniform(0.35, 0.65))
    return WebParams(filter=ZoomParams(magnification=1.0 + logarithmic(q, ZOOM[0] - 1.0, ZOOM[1] - 1.0), centre=centre))


def sinc_kernel(cutoff: float, reach: int) -> NDArray[np.float32]:
    """A circular low-pass, float32 (2·reach + 1, as many), sum 1: ω·J₁(ωr)/(2πr), Real-ESRGAN (Wang et al. 2021).

    J₁ is integrated from its definition, (1/π)∫cos(θ − x·sin θ)dθ over [0, π].
    """
    axis = np.arange(-reach, reach + 1)
    radius = np.hypot(axis[:, None], axis[None, :])
    theta = (np.arange(64) + 0.5) * (np.pi / 64)
    bessel = np.cos(theta - (cutoff * radius)[..., None] * np.sin(theta)).mean(axis=-1)
    centre = radius == 0
    kernel = np.where(
        centre, cutoff * cutoff / (4 * np.pi), cutoff * bessel / (2 * np.pi * np.where(centre, 1, radius))
    )
    return np.asarray(kernel / kernel.sum(), dtype=np.float32)


def _zoom(light: NDArray[np.float32], params: ZoomParams) -> NDArray[np.float32]:
    """The mean of 2^n magnifications about the centre, by n doublings: each averages the picture with itself moved."""
    height, width = light.shape[:2]
    cy, cx = params.centre[0] * (height - 1), params.centre[1] * (width - 1)
    travel = (params.magnification - 1.0) * float(np.hypot(max(cy, height - cy), max(cx, width - cx)))
    doublings = int(np.clip(np.ceil(np.log2(max(travel, 2.0))), 1, 7))
    step = np.log(params.magnification) / (2**doublings - 1)

    def magnified(source: NDArray[np.float32], exponent: float) -> NDArray[np.float32]:
        m = np.exp(exponent)
        matrix = np.array([[1 / m, 0.0, cx - cx / m], [0.0, 1 / m, cy - cy / m]])
        return np.asarray(
            cv2.warpAffine(
                source,
                matrix,
                (width, height),
                flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
                borderMode=cv2.BORDER_REFLECT_101,
            )
        )

    for doubling in range(doublings):
        half = 0.5 * step * 2**doubling
        light = np.float32(0.5) * (magnified(light, half) + magnified(light, -half))
    return light


def _gaussian(light: NDArray[np.float32], sigma: float) -> NDArray[np.float32]:
    """A Gaussian; a wide one on half the picture, whose averaging and interpolation have a variance of 1 px²."""
    height, width = light.shape[:2]
    if sigma < HALVED or min(height, width) < 4:
        return np.asarray(cv2.GaussianBlur(light, (0, 0), sigma, borderType=cv2.BORDER_REFLECT_101))
    half = cv2.resize(light, (-(-width // 2), -(-height // 2)), interpolation=cv2.INTER_AREA)
    small = math.sqrt(sigma * sigma - 1.0) / 2.0
    half = cv2.GaussianBlur(half, (0, 0), small, borderType=cv2.BORDER_REFLECT_101)
    return np.asarray(cv2.resize(half, (width, height), interpolation=cv2.INTER_LINEAR))


def _sinc(light: NDArray[np.float32], cutoff: float) -> NDArray[np.float32]:
    """A sinc; a narrow one on half the picture, where its cut-off is twice as high."""
    height, width = light.shape[:2]
    if cutoff > HALVED_CUTOFF or min(height, width) < 4:
        return convolve(light, sinc_kernel(cutoff, SINC_RADIUS).astype(np.float64))
    half = cv2.resize(light, (-(-width // 2), -(-height // 2)), interpolation=cv2.INTER_AREA)
    kernel = sinc_kernel(2.0 * cutoff, SINC_RADIUS)
    half = cv2.filter2D(half, -1, kernel, borderType=cv2.BORDER_REFLECT_101)
    return np.asarray(cv2.resize(half, (width, height), interpolation=cv2.INTER_CUBIC))


def web(light: NDArray[np.float32], params: WebParams) -> NDArray[np.float32]:
    """`light` (float32 (H, W, 3), linear) through the filter, mirrored beyond its edges. A sinc may overshoot."""
    match params.filter:
        case GaussianParams(sigma=sigma):
            return _gaussian(light, sigma)
        case SincParams(cutoff=cutoff):
            return _sinc(light, cutoff)
        case ZoomParams():
            return _zoom(light, params.filter)
