"""A dim scene on a sensor: its light, and what the sensor adds to it, in one pass over the picture."""

from __future__ import annotations

from typing import NamedTuple

import numba
import numpy as np
from numpy.typing import NDArray

from degradations.contract import Image
from degradations.lowlight.illumination import STEP
from degradations.noise.camera import bent_gain
from degradations.noise.sensor import SATURATION, Sensor, read_table, row_offsets
from degradations.sampling import COUNTS, NORMAL, mix, part, poisson, stream

Float = NDArray[np.float32]

#: Shares of the next node from one node to it.
_RAMP = (np.arange(STEP) / STEP).astype(np.float32)


class Light(NamedTuple):
    """How codes become light. decode: linear light of a code, float32 (256,). lift: factor by the code of the smallest
    channel, float32 (256,). field: at the nodes, float32 (rows, columns, 3)."""

    decode: Float
    lift: Float
    field: Float


@numba.njit(cache=True, nogil=True)
def lit_scratch(light: Light) -> tuple[Float, Float]:
    """A row of light, zeros (3, at least W), a whole number of nodes wide, and scratch for `lit_row`."""
    columns = light.field.shape[1]
    return np.zeros((3, (columns - 1) * STEP), dtype=np.float32), np.empty(columns, dtype=np.float32)


@numba.njit(cache=True, nogil=True)
def lit_row(image: Image, y: int, light: Light, nodes: Float, out: Float) -> None:
    """Row y of the scene's light, float32 (3, at least W), the field interpolated between its nodes.

    out, nodes: as `lit_scratch` makes them. Light is made anew wherever it is needed: that is cheaper than to store it.
    """
    decode, lift, field = light
    above, share = y // STEP, np.float32(y % STEP) * _RAMP[1]
    row = image[y]
    for x in range(row.shape[0]):
        red, green, blue = row[x, 0], row[x, 1], row[x, 2]
        factor = lift[min(red, min(green, blue))]
        out[0, x], out[1, x], out[2, x] = decode[red] * factor, decode[green] * factor, decode[blue] * factor
    for c in range(3):
        line = out[c]
        for j in range(field.shape[1]):
            nodes[j] = field[above, j, c] + share * (field[above + 1, j, c] - field[above, j, c])
        for j in range(field.shape[1] - 1):
            value, step = nodes[j], nodes[j + 1] - nodes[j]
            part_of_line = line[j * STEP : (j + 1) * STEP]
            for i in range(STEP):
                part_of_line[i] *= value + step * _RAMP[i]


@numba.njit(cache=True, nogil=True)
def mirror(padded: Float) -> None:
    """Fills the rim, one wide, with what lies one inside the edge (the edge itself where there is nothing inside)."""
    height, width = padded.shape
    for y in range(1, height - 1):
        padded[y, 0], padded[y, width - 1] = padded[y, min(2, width - 2)], padded[y, max(width - 3, 1)]
    for x in range(width):
        padded[0, x], padded[height - 1, x] = padded[min(2, height - 2), x], padded[max(height - 3, 1), x]


@numba.njit(cache=True, nogil=True)
def _sense(
    image: Image,
    light: Light,
    matrix: Float,
    gains: Float,
    exposure: np.float32,
    gain: np.float32,
    saturation: np.float32,
    offsets: Float,
    read: Float,
    rows: Float,
    seed: np.uint64,
    normal: Float,
    counts: NDArray[np.int8],
    out: Float,
) -> None:
    height, width = image.shape[:2]
    lit, nodes = lit_scratch(light)
    ideal, undo = np.empty(width, dtype=np.float32), np.empty(width, dtype=np.float32)
    one, zero, third = np.float32(1.0), np.float32(0.0), np.float32(1.0 / 3.0)
    undo_gains = one / (gains * saturation)
    to_digital, per_gain, half = exposure * saturation, one / gain, np.float32(0.5)
    for y in range(height):
        lit_row(image, y, light, nodes, lit)
        for x in range(width):
            site = (y & 1) + (x & 1)
            white, undone = gains[site], undo_gains[site]
            green = light.decode[image[y, x, 1]]
            if green > np.float32(0.7):  # else the mean is below .9
                mean = (light.decode[image[y, x, 0]] + green + light.decode[image[y, x, 2]]) * third
                white = bent_gain(mean, white)
                undone = one / (white * saturation)
            value = matrix[site, 0] * lit[0, x] + matrix[site, 1] * lit[1, x] + matrix[site, 2] * lit[2, x]
            ideal[x] = max(value, zero) * white * to_digital
            undo[x] = undone
        for x in range(width):
            bits = mix(seed, y * width + x)
            count = poisson(ideal[x] * per_gain, bits, normal, counts)
            drift = rows[y] + offsets[(y & 1) + (x & 1)] + half
            value = min(np.floor(count * gain + read[part(bits, 1)] + drift), saturation)
            out[y + 1, x + 1] = (value - ideal[x]) * undo[x]
    mirror(out)


def sense(
    image: Image,
    light: Light,
    matrix: NDArray[np.float64],
    gains: Float,
    exposure: float,
    sensor: Sensor,
    offsets: tuple[float, float, float],
    seed: int,
) -> Float:
    """What an RGGB sensor adds to a dim scene: float32 (H + 2, W + 2), white-balanced, 1 at saturation, not amplified.

    Its first photosite is at (1, 1); the rim mirrors its neighbours.

    image: uint8 (H, W, 3), contiguous. matrix: linear sRGB → camera RGB. gains: float32 (3,), inverse white balance,
    bent to 1 above a mean linear code of .9 so that white saturates (Brooks et al. 2019). offsets: errors of the black
    level of red, green and blue, DN.

    The digital number is Poisson(light/K)·K + read noise + row noise + offset, rounded and cut at saturation; from it
    the ideal one is taken away.
    """
    out = np.empty((image.shape[0] + 2, image.shape[1] + 2), dtype=np.float32)
    rows = row_offsets(sensor, seed, image.shape[0])
    _sense(
        image, light, matrix.astype(np.float32), gains, np.float32(exposure), np.float32(sensor.gain),
        np.float32(SATURATION), np.array(offsets, dtype=np.float32), read_table(sensor), rows, stream(seed, 0),
        NORMAL, COUNTS, out,
    )  # fmt: skip
    return out
