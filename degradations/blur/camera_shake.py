"""Blur by rotations of a hand-held camera."""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from degradations.blur.taps import Taps, splat
from degradations.contract import Params
from degradations.rng import generator, pixel_seed
from degradations.scene import Scene
from degradations.severity import logarithmic

#: Extent of the path of a corner, pixels at a short side of 1024, at the weakest and strongest.
CORNER_PX = (4.0, 60.0)
#: Times at which the path is drawn; frames between them are interpolated.
KNOTS = 64
#: Sides of tiles with one point-spread function, pixels.
TILES = (16, 32, 64, 128)
#: The most that a point-spread function may differ between neighbouring tiles, pixels.
TILE_STEP_PX = 0.75


class CameraShakeParams(Params):
    """corner_px: extent of the path of the corner that moves most, pixels. focal: focal length / width. roll: rotation
    about the optical axis beside the others, as displacement at the corner. memory: correlation time of the angular
    velocity / exposure."""

    mode: Literal["camera_shake"] = "camera_shake"
    corner_px: float = Field(gt=0)
    focal: float = Field(gt=0)
    roll: float = Field(ge=0)
    memory: float = Field(gt=0)
    seed: int


def draw_camera_shake(rng: np.random.Generator, scene: Scene, q: float) -> CameraShakeParams:
    """Corner path logU(4, 60) px at quantile `q`, focal length U(.8, 1.5) widths."""
    return CameraShakeParams(
        corner_px=logarithmic(q, *CORNER_PX) * scene.scale,
        focal=rng.uniform(0.8, 1.5),
        roll=rng.uniform(0.05, 0.6),
        memory=logarithmic(rng.uniform(), 0.15, 2.0),
        seed=pixel_seed(rng),
    )


def rotations(params: CameraShakeParams) -> NDArray[np.float64]:
    """Yaw, pitch and roll over the exposure, float64 (64, 3), in arbitrary units, mean 0.

    Angular velocity is an Ornstein-Uhlenbeck process, begun in its stationary state, and the angle its integral.
    """
    rng = generator(params.seed)
    keep = np.exp(-1.0 / (KNOTS * params.memory))
    shocks = rng.standard_normal((KNOTS, 3))
    velocity = np.empty((KNOTS, 3))
    velocity[0] = shocks[0]
    for t in range(1, KNOTS):
        velocity[t] = keep * velocity[t - 1] + np.sqrt(1.0 - keep * keep) * shocks[t]
    angles = np.cumsum(velocity, axis=0)
    return np.asarray((angles - angles.mean(axis=0)) * (1.0, 1.0, params.roll))


def displacements(angles: NDArray[np.float64], points: NDArray[np.float64], focal: float) -> NDArray[np.float64]:
    """Where a rotating camera sees points of the still picture move: H_t·x − x with H_t = K·R_t·K⁻¹.

    angles: (T, 3) yaw, pitch, roll in radians. points: (N, 2) (y, x) from the optical axis, pixels. focal: pixels.
    Returns float64 (N, T, 2), (dy, dx).
    """
    rays = np.stack([points[:, 1] / focal, points[:, 0] / focal, np.ones(len(points))], axis=1)
    yaw, pitch, roll = angles.T
    zero, one = np.zeros_like(yaw), np.ones_like(yaw)

    def matrix(*rows: tuple[NDArray[np.float64], ...]) -> NDArray[np.float64]:
        return np.stack([np.stack(row, axis=-1) for row in rows], axis=-2)

    about_y = matrix((np.cos(yaw), zero, np.sin(yaw)), (zero, one, zero), (-np.sin(yaw), zero, np.cos(yaw)))
    about_x = matrix((one, zero, zero), (zero, np.cos(pitch), -np.sin(pitch)), (zero, np.sin(pitch), np.cos(pitch)))
    about_z = matrix((np.cos(roll), -np.sin(roll), zero), (np.sin(roll), np.cos(roll), zero), (zero, zero, one))
    turned = np.einsum("tij,nj->nti", about_z @ about_x @ about_y, rays)
    seen = focal * turned[..., :2] / turned[..., 2:]
    return np.asarray(seen[..., ::-1] - points[:, None, :])


def extent(paths: NDArray[np.float64]) -> float:
    """The largest side of a box around any of the paths (N, T, 2)."""
    return float((paths.max(axis=1) - paths.min(axis=1)).max())


def shake_taps(params: CameraShakeParams, height: int, width: int) -> Taps:
    """The point-spread functions of the tiles of a (height, width) picture: the exposure's mean, with each tile's mean
    displacement at 0."""
    focal = params.focal * max(height, width)
    corner = np.array([height, width]) / 2.0
    corners = corner * np.array([[-1, -1], [-1, 1], [1, -1], [1, 1]])
    # Yaw and pitch move a point by about f·θ, roll by the radius: equal displacements at the corner, then to size.
    angles = rotations(params) * (1.0 / focal, 1.0 / focal, 1.0 / float(np.hypot(*corner)))
    for _ in range(3):
        angles = angles * (params.corner_px / max(extent(displacements(angles, corners, focal)), 1e-9))
    edges = displacements(angles, corners, focal)
    travel = float(np.linalg.norm(np.diff(edges, axis=1), axis=2).sum(axis=1).max())
    frames = int(np.clip(np.ceil(1.5 * travel), 8, 128))
    times = np.linspace(0.0, KNOTS - 1.0, frames)
    angles = np.stack([np.interp(times, np.arange(KNOTS), angles[:, i]) for i in range(3)], axis=1)

    slope = extent(edges[:1] - edges[3:]) / float(np.hypot(height, width))
    tile = max((side for side in TILES if side * slope <= TILE_STEP_PX), default=TILES[0])
    ys = np.minimum(np.arange(0, height, tile) + tile / 2.0, height) - corner[0]
    xs = np.minimum(np.arange(0, width, tile) + tile / 2.0, width) - corner[1]
    centres = np.stack(np.meshgrid(ys, xs, indexing="ij"), axis=-1).reshape(-1, 2)
    return splat(displacements(angles, centres, focal), np.ones(frames), columns=len(xs), tile=tile)
