"""Blur by a random trajectory, the same all over the picture.

Source: Boracchi and Foi (2012), "Modeling the performance of image restoration from motion blur", with the constants
that DeblurGAN (Kupyn et al. 2018) draws.
"""

from __future__ import annotations

from typing import Literal

import numba
import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from degradations.blur.taps import Taps, splat
from degradations.contract import Params
from degradations.rng import generator, pixel_seed
from degradations.scene import Scene
from degradations.severity import logarithmic

#: Largest side of the exposed path, pixels at a short side of 1024 (DeblurGAN's canvas holds 64).
EXTENT_PX = (2.5, 45.0)
STEPS = 2000
#: Shares of the path that the exposure may cover. DeblurGAN's fourth, .001, leaves the picture sharp.
EXPOSURES = (0.1, 0.5, 1.0)


class TrajectoryParams(Params):
    """extent_px: largest side of the exposed path. anxiety: how strongly velocity is perturbed. centripetal: pull to
    the origin. tremor: Gaussian shake. jerk: chance of a sudden reversal. exposure: share of the path."""

    mode: Literal["trajectory"] = "trajectory"
    extent_px: float = Field(gt=0)
    anxiety: float = Field(ge=0)
    centripetal: float = Field(ge=0)
    tremor: float = Field(ge=0)
    jerk: float = Field(ge=0)
    exposure: float = Field(gt=0, le=1)
    seed: int


def draw_trajectory(rng: np.random.Generator, scene: Scene, q: float) -> TrajectoryParams:
    """Anxiety .005 or .1U, centripetal .7U, tremor 10U, jerk .2U; extent logU(2.5, 45) px at quantile `q`."""
    return TrajectoryParams(
        extent_px=logarithmic(q, *EXTENT_PX) * scene.scale,
        anxiety=0.005 if rng.uniform() < 0.5 else rng.uniform(0.0, 0.1),
        centripetal=rng.uniform(0.0, 0.7),
        tremor=rng.uniform(0.0, 10.0),
        jerk=rng.uniform(0.0, 0.2),
        exposure=float(rng.choice(EXPOSURES)),
        seed=pixel_seed(rng),
    )


@numba.njit(cache=True, nogil=True)
def _walk(
    start_angle: float,
    shocks: NDArray[np.float64],
    chances: NDArray[np.float64],
    turns: NDArray[np.float64],
    anxiety: float,
    centripetal: float,
    tremor: float,
    jerk: float,
    step: float,
) -> NDArray[np.float64]:
    steps = len(shocks)
    path = np.zeros((steps, 2))
    vy, vx = step * np.sin(start_angle), step * np.cos(start_angle)
    for t in range(1, steps):
        ay = anxiety * (tremor * shocks[t, 0] - centripetal * path[t - 1, 0]) * step
        ax = anxiety * (tremor * shocks[t, 1] - centripetal * path[t - 1, 1]) * step
        if chances[t] < jerk * anxiety:
            sine, cosine = np.sin(turns[t]), np.cos(turns[t])
            ay, ax = ay + 2.0 * (sine * vx + cosine * vy), ax + 2.0 * (cosine * vx - sine * vy)
        vy, vx = vy + ay, vx + ax
        scale = step / max(np.sqrt(vy * vy + vx * vx), 1e-12)
        vy, vx = vy * scale, vx * scale
        path[t, 0], path[t, 1] = path[t - 1, 0] + vy, path[t - 1, 1] + vx
    return path


def path(params: TrajectoryParams) -> NDArray[np.float64]:
    """The exposed path, float64 (points, 2), (y, x) in pixels, at constant speed."""
    rng = generator(params.seed)
    walked = _walk(
        rng.uniform(0.0, 2.0 * np.pi),
        rng.standard_normal((STEPS, 2)),
        rng.uniform(size=STEPS),
        np.pi + rng.uniform(-0.5, 0.5, STEPS),
        params.anxiety,
        params.centripetal,
        params.tremor,
        params.jerk,
        60.0 / (STEPS - 1),
    )[: max(2, round(params.exposure * STEPS))]
    size = float((walked.max(axis=0) - walked.min(axis=0)).max())
    return np.asarray(walked * (params.extent_px / size))


def trajectory_taps(params: TrajectoryParams) -> Taps:
    """The point-spread function, its centroid at 0."""
    points = path(params)
    return splat(points[None], np.ones(len(points)), columns=1, tile=1 << 30)
