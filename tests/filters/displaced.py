"""Pairs whose degraded picture lies beside its clean one by a known amount, or shows other content."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from degradations.chain import apply_chain, draw_chain, needed_cues
from pipeline.scenes import bare_scene, with_cues
from schemas.recipe.degradations import DegradationsSection

Image = NDArray[np.uint8]


def sample(photo: Image, short: int, field: NDArray[np.float32] | tuple[float, float] = (0.0, 0.0)) -> Image:
    """The photograph reduced to a short side of `short` pixels; what lay at p comes to lie at p + field(p).

    field: (dx, dy) in pixels of the result, one for all or float32 (h, w, 2). The photograph is moved at its own size
    and averaged after, so that fractions of a pixel are exact.
    """
    height, width = photo.shape[:2]
    factor = min(height, width) / short
    size = (round(width / factor), round(height / factor))
    flow = np.broadcast_to(np.asarray(field, np.float32), (size[1], size[0], 2))
    fx, fy = width / size[0], height / size[1]
    large = cv2.resize(np.ascontiguousarray(flow), (width, height), interpolation=cv2.INTER_LINEAR)
    xs, ys = np.meshgrid(np.arange(width, dtype=np.float32), np.arange(height, dtype=np.float32))
    moved = cv2.remap(
        photo, xs - large[..., 0] * fx, ys - large[..., 1] * fy, cv2.INTER_LANCZOS4, borderMode=cv2.BORDER_REFLECT
    )
    return np.asarray(cv2.resize(moved, size, interpolation=cv2.INTER_AREA), np.uint8)


def direction(pixels: float, angle: float) -> tuple[float, float]:
    """(dx, dy) of a shift of so many pixels at an angle in radians."""
    return pixels * float(np.cos(angle)), pixels * float(np.sin(angle))


def warp_field(height: int, width: int, pixels: float, seed: int) -> NDArray[np.float32]:
    """A smooth displacement, float32 (height, width, 2), nought at the borders, its largest length `pixels`.

    Waves of about half the short side: no translation takes them back.
    """
    rng = np.random.default_rng(seed)
    coarse = rng.normal(size=(6, 6, 2)).astype(np.float32)
    coarse[[0, -1]] = coarse[:, [0, -1]] = 0.0
    field = cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC)
    return field * np.float32(pixels / np.linalg.norm(field, axis=2).max())


def degrade(clean: Image, name: str, severity: float, seed: int) -> Image:
    """A picture as `tarnish synthesize` would degrade it, with the default recipe."""
    section = DegradationsSection()
    scene = bare_scene(clean, section.patterns)
    steps = draw_chain([name], section, scene, severity, seed, "displaced")
    return apply_chain(clean, steps, with_cues(scene, clean, needed_cues(steps)))


def change(reference: Image, other: Image, kind: str, seed: int, share: float = 0.05) -> Image:
    """The reference with an ellipse of about `share` of its area changed.

    added: a piece of `other` is laid over it. removed: it is painted over from its rim (Telea 2004). moved: it is laid
    elsewhere and its place painted over.
    """
    rng = np.random.default_rng(seed)
    height, width = reference.shape[:2]
    aspect = rng.uniform(0.6, 1.6)
    ry = round(np.sqrt(share * height * width / np.pi / aspect))
    rx = round(ry * aspect)
    [(y, x), (to_y, to_x)] = rng.uniform((ry + 4, rx + 4), (height - ry - 4, width - rx - 4), (2, 2)).astype(int)
    mask = np.zeros((height, width), np.uint8)
    cv2.ellipse(mask, (int(x), int(y)), (rx, ry), 0, 0, 360, 255, -1)
    if kind == "added":
        return _laid(reference, np.asarray(cv2.resize(other, (width, height), interpolation=cv2.INTER_AREA)), mask)
    small = cv2.resize(reference, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)
    hole = cv2.dilate(cv2.resize(mask, small.shape[1::-1], interpolation=cv2.INTER_NEAREST), np.ones((3, 3), np.uint8))
    filled = cv2.resize(cv2.inpaint(small, hole, 5, cv2.INPAINT_TELEA), (width, height), interpolation=cv2.INTER_LINEAR)
    removed = _laid(reference, np.asarray(filled, np.uint8), mask)
    if kind == "removed":
        return removed
    if kind != "moved":
        raise ValueError(f"kind {kind!r}; one of added, removed, moved")
    by = (int(to_y - y), int(to_x - x))
    return _laid(removed, np.roll(reference, by, (0, 1)), np.roll(mask, by, (0, 1)))


def _laid(below: Image, above: Image, mask: Image) -> Image:
    cover = cv2.GaussianBlur(mask.astype(np.float32) / 255, (0, 0), 1.0)[..., None]
    return np.asarray((below * (1 - cover) + above * cover).round(), np.uint8)
