"""What a pane of glass does to the scene that it mirrors."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from degradations.blur.taps import GROUP, Taps
from degradations.fractal import fractal_noise
from degradations.rng import generator

#: Refractive index of window glass.
INDEX = 1.5
#: Light of the far pane of a double glazing after two passes through the near one.
SECOND_PANE = 0.85
#: Side of the field of visibility, pixels; it spans the whole picture.
SIDE = 64
#: Steepest incidence that the field of view may reach, degrees.
STEEPEST = 80.0


def reflectance(degrees: NDArray[np.float64] | float) -> NDArray[np.float64]:
    """Share of unpolarised light that one surface of glass mirrors at an angle of incidence in degrees (Fresnel)."""
    incident = np.radians(degrees)
    cosine, refracted = np.cos(incident), np.sqrt(1.0 - (np.sin(incident) / INDEX) ** 2)
    across = (cosine - INDEX * refracted) / (cosine + INDEX * refracted)
    along = (INDEX * cosine - refracted) / (INDEX * cosine + refracted)
    return np.asarray(0.5 * (across**2 + along**2))


def surfaces(
    degrees: float, shift: tuple[float, float], second: tuple[float, float] | None
) -> list[tuple[float, float, float]]:
    """(weight, dy, dx) of the image in each surface: ρ and, moved by `shift`, (1 − ρ)²ρ.

    second: displacement of the far pane of a double glazing, whose pair is .85 times as bright.
    """
    rho = float(reflectance(degrees))
    pair = [(rho, 0.0, 0.0), ((1.0 - rho) ** 2 * rho, *shift)]
    if second is None:
        return pair
    return pair + [(SECOND_PANE * weight, dy + second[0], dx + second[1]) for weight, dy, dx in pair]


def ghosts(images: list[tuple[float, float, float]], factor: int) -> Taps:
    """The images of `surfaces` as taps, of weight 1 in all, on a grid that is coarser by `factor`.

    Shares of a pixel are split bilinearly, but at full size (factor 1) moves are by whole pixels: sharp stays sharp.
    """
    total = sum(weight for weight, _, _ in images)
    taps: dict[tuple[int, int], float] = {}
    for weight, dy, dx in images:
        y, x = (round(dy), round(dx)) if factor == 1 else (dy / factor, dx / factor)
        row, column = int(np.floor(y)), int(np.floor(x))
        for i, share_y in enumerate((1.0 - (y - row), y - row)):
            for j, share_x in enumerate((1.0 - (x - column), x - column)):
                if share_y * share_x > 0.0:
                    place = (row + i, column + j)
                    taps[place] = taps.get(place, 0.0) + weight / total * share_y * share_x
    places, weights = list(taps), list(taps.values())
    padding = -len(places) % GROUP
    places += [places[-1]] * padding
    return Taps(
        np.array([place[0] for place in places], dtype=np.int32),
        np.array([place[1] for place in places], dtype=np.int32),
        np.array(weights + [0.0] * padding, dtype=np.float32),
        np.array([0, len(places)], dtype=np.int32),
        columns=1,
        tile=1 << 30,
    )


def visibility(degrees: float, turn: tuple[float, float], patchiness: float, seed: int) -> NDArray[np.float32]:
    """How strongly the mirrored scene shows from place to place: Ω, float32 (64, 64), mean 1.

    The Fresnel reflectance relative to its mean, where the angle of incidence is `degrees` in the middle and changes
    by `turn` (down, across) from edge to edge; times the exponential of fractal noise (amplitude f^−2) of the standard
    deviation `patchiness`: what stands behind the camera is not lit evenly.
    """
    place = (np.arange(SIDE) + 0.5) / SIDE - 0.5
    angle = degrees + turn[0] * place[:, None] + turn[1] * place[None, :]
    ramp = reflectance(np.minimum(np.abs(angle), STEEPEST))
    # The middle of a larger field: a picture is not tileable.
    noise = cv2.resize(fractal_noise(generator(seed), 64, 2.0)[16:48, 16:48], (SIDE, SIDE))
    field = ramp * np.exp(patchiness * (noise - noise.mean()) / max(float(noise.std()), 1e-6))
    return np.asarray(field / field.mean(), dtype=np.float32)
