"""Noise of an image sensor: photon shot noise, read noise, row noise, quantisation."""

from __future__ import annotations

import math

import numba
import numpy as np
from numpy.typing import NDArray

from degradations.contract import Params
from degradations.sampling import COUNTS, NORMAL, mix, part, poisson, stream

Float = NDArray[np.float32]

#: Usable range of a 14-bit sensor, in digital numbers (DN): 2¹⁴ − 1 less the black level of 800.
SATURATION = 16383.0 - 800.0
_ROWS = 1  # stream number of row noise


class Sensor(Params):
    """The noise model of ELD (Wei et al. 2020), in DN.

    gain: system gain K, DN an electron. read: scale of the read noise, the standard deviation where tail is 0, else
    the scale of a Tukey-lambda distribution of shape `tail`. row: standard deviation of the rows' offsets.
    """

    gain: float
    read: float
    tail: float
    row: float

    def read_variance(self) -> float:
        """Variance of the read noise, DN²."""
        if self.tail == 0.0:
            return self.read**2
        shape = self.tail
        beta = math.exp(2 * math.lgamma(shape + 1) - math.lgamma(2 * shape + 2))
        return self.read**2 * 2.0 / shape**2 * (1.0 / (1.0 + 2.0 * shape) - beta)


def draw_sensor(rng: np.random.Generator, gain: float) -> Sensor:
    """The other parameters of a sensor of this `gain`: log scale linear in log gain with normal scatter (ELD).

    Gaussian and Tukey-lambda read noise (shape U(.014, .2)) are equally frequent.
    """
    gaussian = bool(rng.random() < 0.5)
    slope, bias, scatter = (0.677, 1.512, 0.246) if gaussian else (0.656, 1.093, 0.286)
    log_gain = math.log(gain)
    return Sensor(
        gain=gain,
        read=math.exp(slope * log_gain + bias + scatter * float(rng.standard_normal())),
        tail=0.0 if gaussian else float(rng.uniform(0.014, 0.2)),
        row=math.exp(0.471 * log_gain - 0.808 + 0.244 * float(rng.standard_normal())),
    )


def read_table(sensor: Sensor) -> Float:
    """Quantiles of the read noise at (i + ½) / 65536, float32 (65536,)."""
    if sensor.tail == 0.0:
        return NORMAL * np.float32(sensor.read)
    u = (np.arange(65536) + 0.5) / 65536
    upper = u**sensor.tail
    return (sensor.read * (upper - upper[::-1]) / sensor.tail).astype(np.float32)


@numba.njit(cache=True, nogil=True)
def _expose(
    raw: Float,
    exposure: np.float32,
    gain: np.float32,
    saturation: np.float32,
    read: Float,
    rows: Float,
    seed: np.uint64,
    normal: Float,
    counts: NDArray[np.int8],
    out: Float,
) -> None:
    height, width = raw.shape
    to_electrons = exposure * saturation / gain
    one = np.uint64(1)
    for y in range(height):
        for x in range(width):
            i = 2 * (y * width + x)
            count = poisson(raw[y, x] * to_electrons, mix(seed, i), normal, counts)
            bits = mix(seed, np.uint64(i) + one)
            value = np.floor(count * gain + read[part(bits, 0)] + rows[y] + np.float32(0.5))
            out[y, x] = min(value, saturation)


def expose(raw: Float, exposure: float, sensor: Sensor, seed: int) -> Float:
    """Digital numbers above black, float32 (H, W), of a sensor lit by `raw` (float32 (H, W), 1 at saturation).

    Mean raw·exposure·SATURATION; variance gain·mean + read_variance + row² + 1/12 below saturation, where values are
    cut; negative values survive, as above a sensor's black level.
    """
    out = np.empty(raw.shape, dtype=np.float32)
    _expose(
        raw, np.float32(exposure), np.float32(sensor.gain), np.float32(SATURATION), read_table(sensor),
        row_offsets(sensor, seed, raw.shape[0]), stream(seed, 0), NORMAL, COUNTS, out,
    )  # fmt: skip
    return out


def row_offsets(sensor: Sensor, seed: int, height: int) -> Float:
    """Row noise, DN, float32 (height,)."""
    out = np.empty(height, dtype=np.float32)
    _row_offsets(stream(seed, _ROWS), NORMAL, np.float32(sensor.row), out)
    return out


@numba.njit(cache=True, nogil=True)
def _row_offsets(seed: np.uint64, normal: Float, deviation: np.float32, out: Float) -> None:
    for y in range(out.shape[0]):
        out[y] = deviation * normal[part(mix(seed, y), 0)]
