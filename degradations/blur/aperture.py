"""The image of a point out of focus: the shape of the aperture."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

#: Samples a side of each pixel when the shape is rasterised: at least this many, and this many along the radius.
SUPERSAMPLING, ALONG_RADIUS = 4, 16


def aperture(radius: float, blades: int, rotation: float, ring: float) -> NDArray[np.float32]:
    """Point-spread function, float32 (odd, odd), sum 1, centroid at its middle.

    radius: of the disc, or of the disc of equal area for a regular polygon, pixels. blades: sides of the polygon, 0 for
    a disc. rotation: radians. ring: weight 1 + ring·(2ρ² − 1) at the relative radius ρ, bright rim above 0, soft edge
    below.
    """
    angle = np.pi / blades if blades else 0.0
    # A polygon of circumradius c has the area n/2·c²·sin(2π/n).
    circumradius = radius * (np.pi / (blades / 2 * np.sin(2 * angle))) ** 0.5 if blades else radius
    reach = int(np.ceil(circumradius))
    side = 2 * reach + 1
    samples = max(SUPERSAMPLING, int(np.ceil(ALONG_RADIUS / max(radius, 0.5))))
    axis = (np.arange(side * samples) + 0.5) / samples - side / 2.0
    y, x = axis[:, None], axis[None, :]
    rho = np.hypot(y, x)
    if blades:
        sector = np.mod(np.arctan2(y, x) - rotation, 2 * angle) - angle
        inside = rho * np.cos(sector) <= circumradius * np.cos(angle)
    else:
        inside = rho <= radius
    weight = inside * (1.0 + ring * (2.0 * np.minimum(rho / circumradius, 1.0) ** 2 - 1.0))
    kernel = weight.reshape(side, samples, side, samples).sum(axis=(1, 3))
    if kernel.sum() <= 0.0:
        kernel[reach, reach] = 1.0
    return np.asarray(_centred(kernel / kernel.sum()), dtype=np.float32)


def _centred(kernel: NDArray[np.float64]) -> NDArray[np.float64]:
    """The kernel, a pixel larger on each side, moved by linear interpolation so that its centroid is its middle.

    A polygon with an odd number of sides has lost its centroid to the pixels.
    """
    kernel = np.pad(kernel, 1)
    for direction in (0, 1):
        place = np.arange(kernel.shape[direction]) - kernel.shape[direction] // 2
        offset = float((kernel.sum(axis=1 - direction) * place).sum())
        share = min(abs(offset), 1.0)
        kernel = (1.0 - share) * kernel + share * np.roll(kernel, -int(np.sign(offset)), axis=direction)
    return kernel
