"""The colours of diffraction: a pattern that grows in proportion to the wavelength, seen by an RGB sensor.

A scaling of the radius is a shift of its logarithm, so the sum over wavelengths is a convolution along the radius of a
log-polar picture, and as fine as its samples: no rings of separate wavelengths show.
"""

from __future__ import annotations

import math

import cv2
import numpy as np
from numpy.typing import NDArray

Float = NDArray[np.float32]

#: Visible light in nm; diffraction patterns are computed at the first.
SHORTEST, LONGEST = 400.0, 700.0
_XYZ_TO_RGB = np.array([[3.2406, -1.5372, -0.4986], [-0.9689, 1.8758, 0.0415], [0.0557, -0.2040, 1.0570]])
#: Radius in pixels of the innermost sample.
_INNERMOST = 0.5


def colour_matching(wavelength: NDArray[np.float64]) -> NDArray[np.float64]:
    """Linear sRGB (n, 3) of monochromatic light in nm, not below 0, in the fit of Wyman, Sloan and Shirley (2013)."""

    def lobe(mean: float, below: float, above: float) -> NDArray[np.float64]:
        sigma = np.where(wavelength < mean, below, above)
        return np.asarray(np.exp(-0.5 * ((wavelength - mean) / sigma) ** 2))

    x = 1.056 * lobe(599.8, 37.9, 31.0) + 0.362 * lobe(442.0, 16.0, 26.7) - 0.065 * lobe(501.1, 20.4, 26.2)
    y = 0.821 * lobe(568.8, 46.9, 40.5) + 0.286 * lobe(530.9, 16.3, 31.1)
    z = 1.217 * lobe(437.0, 11.8, 36.0) + 0.681 * lobe(459.0, 26.0, 13.8)
    return np.asarray(np.maximum(np.einsum("kn,ck->nc", np.stack([x, y, z]), _XYZ_TO_RGB), 0.0))


class LogPolar:
    """Samples of a square picture of `side` pixels, spaced evenly in angle and in the logarithm of the radius."""

    def __init__(self, side: int) -> None:
        self.side = side
        self.angles, self.radii = 2 * side, side
        middle = (side - 1) / 2
        self.step = math.log(middle * math.sqrt(2.0) / _INNERMOST) / (self.radii - 1)
        self.radius = (_INNERMOST * np.exp(self.step * np.arange(self.radii))).astype(np.float32)
        self.angle = (2.0 * np.pi * np.arange(self.angles) / self.angles).astype(np.float32)

    def unroll(self, picture: Float, middle: tuple[float, float]) -> Float:
        """Values of `picture` around `middle` (x, y), float32 (angles, radii)."""
        x = np.float32(middle[0]) + np.cos(self.angle)[:, None] * self.radius
        y = np.float32(middle[1]) + np.sin(self.angle)[:, None] * self.radius
        return np.asarray(cv2.remap(picture, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE))

    def roll(self, samples: Float) -> Float:
        """The picture, float32 (side, side, channels), of `samples` (angles, radii, channels) around its middle."""
        axis = np.arange(self.side, dtype=np.float32) - np.float32((self.side - 1) / 2)
        x, y = np.meshgrid(axis, axis)
        distance, angle = cv2.cartToPolar(x, y)
        column = np.log(np.maximum(distance, np.float32(_INNERMOST)) / np.float32(_INNERMOST)) / np.float32(self.step)
        row = angle * np.float32(self.angles / (2.0 * np.pi))
        wrapped = np.concatenate([samples, samples[:1]])
        return np.asarray(cv2.remap(wrapped, column, row, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE))


def disperse(samples: Float, polar: LogPolar, smoothing: float) -> Float:
    """Linear sRGB, float32 (angles, radii, 3), of diffracted white light, from `samples` (angles, radii) at 400 nm.

    A wavelength λ shows at the radius r what 400 nm shows at r·400/λ, fainter by (400/λ)². smoothing: σ of the
    logarithm of the radius, for a lamp that is no point and a pupil that is not one coherent piece.
    """
    taps = math.ceil(math.log(LONGEST / SHORTEST) / polar.step)
    wavelength = SHORTEST * np.exp(polar.step * np.arange(taps + 1))
    weight = colour_matching(wavelength) / wavelength[:, None]
    reach = math.ceil(3.0 * smoothing / polar.step)
    bell = np.exp(-0.5 * (np.arange(-reach, reach + 1) * polar.step / smoothing) ** 2)
    length = samples.shape[1] + taps + 2 * reach
    padded = np.pad(samples, ((0, 0), (taps + reach, reach)), mode="edge")
    size = cv2.getOptimalDFTSize(length + taps + 2 * reach)
    spectrum = np.fft.rfft(padded, size, axis=1)
    out = np.empty((*samples.shape, 3), dtype=np.float32)
    for channel in range(3):
        kernel = np.convolve(weight[:, channel] / weight[:, channel].sum(), bell / bell.sum())
        response = np.fft.rfft(kernel, size).astype(np.complex64)
        out[:, :, channel] = np.fft.irfft(spectrum * response, size, axis=1)[:, taps + 2 * reach :][
            :, : samples.shape[1]
        ]
    return np.maximum(out, np.float32(0.0))


def black_body(kelvin: float) -> Float:
    """Linear sRGB of luminance 1, float32 (3,), of a black body (Planck 1900), white at 6504 K."""
    wavelength = np.linspace(380.0, 720.0, 69)

    def response(temperature: float) -> NDArray[np.float64]:
        emitted = wavelength**-5 / np.expm1(1.4388e7 / (wavelength * temperature))
        return np.asarray((emitted[:, None] * colour_matching(wavelength)).sum(axis=0))

    colour = response(kelvin) / response(6504.0)
    return np.asarray(colour / (colour * np.array([0.2126, 0.7152, 0.0722])).sum(), dtype=np.float32)
