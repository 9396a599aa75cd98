"""Snapshots: clean photographs as cameras and the web show them, with one degradation or none."""

from __future__ import annotations

import cv2
import numpy as np

from degradations.chain import apply_chain, draw_chain, needed_cues
from degradations.contract import Image
from degradations.rng import generator
from pipeline.scenes import bare_scene, with_cues
from schemas.recipe.degradations import DegradationsSection

#: Severities drawn: from where damage shows at a glance.
_SEVERITY = (0.25, 1.0)


def snapshot(photo: Image, label: str, seed: int, number: int) -> Image:
    """Snapshot `number` of `photo` (uint8 (H, W, 3), sRGB) with the degradation `label`, or "clean".

    All classes share crop, size (long side 300-1400), exposure, colour, and the camera's own JPEG and sharpening,
    so that only the degradation tells them apart.
    """
    rng = generator(seed, "snapshot", label, number)
    view = _exposed(_framed(photo, rng), rng)
    if label != "clean":
        steps = draw_chain([label], DegradationsSection(), bare_scene(view), rng.uniform(*_SEVERITY), seed, f"{number}")
        view = apply_chain(view, steps, with_cues(bare_scene(view), view, needed_cues(steps)))
    return _written(view, rng)


def _framed(photo: Image, rng: np.random.Generator) -> Image:
    height, width = photo.shape[:2]
    aspect = float(np.exp(rng.uniform(np.log(0.7), np.log(1.5))))
    share = float(rng.uniform(0.35, 1.0))
    h = min(height, round(share * min(height, width / aspect)))
    w = min(width, round(h * aspect))
    top, left = int(rng.integers(height - h + 1)), int(rng.integers(width - w + 1))
    cut = photo[top : top + h, left : left + w]
    factor = min(1.0, float(np.exp(rng.uniform(np.log(300), np.log(1400)))) / max(h, w))
    size = (max(32, round(w * factor)), max(32, round(h * factor)))
    how = cv2.INTER_AREA if rng.uniform() < 0.7 else cv2.INTER_LINEAR
    view = np.asarray(cv2.resize(cut, size, interpolation=how), dtype=np.uint8)
    return np.ascontiguousarray(view[:, ::-1] if rng.uniform() < 0.5 else view)


def _exposed(view: Image, rng: np.random.Generator) -> Image:
    """Another exposure, contrast and white balance, by one table a channel."""
    codes = np.arange(256) / 255.0
    gamma, contrast = float(np.exp(rng.normal(0, 0.25))), float(np.exp(rng.normal(0, 0.15)))
    out = np.empty_like(view)
    for channel in range(3):
        curve = np.clip(codes * np.exp(rng.normal(0, 0.06)), 0, 1) ** gamma
        curve = np.clip(0.5 + contrast * (curve - 0.5), 0, 1) if rng.uniform() < 0.7 else curve
        out[..., channel] = (curve * 255 + 0.5).astype(np.uint8)[view[..., channel]]
    return out


def _written(view: Image, rng: np.random.Generator) -> Image:
    """What the camera and the site leave: slight sharpening, faint noise, JPEG."""
    picture = view.astype(np.float32)
    if rng.uniform() < 0.4:
        picture += rng.uniform(0.1, 0.7) * (picture - cv2.GaussianBlur(picture, (0, 0), rng.uniform(0.6, 1.5)))
    if rng.uniform() < 0.4:
        picture += rng.normal(0, rng.uniform(0.3, 2.0), picture.shape).astype(np.float32)
    codes = np.clip(picture + 0.5, 0, 255).astype(np.uint8)
    encoded = cv2.imencode(".jpg", codes[:, :, ::-1], [cv2.IMWRITE_JPEG_QUALITY, int(rng.integers(55, 98))])[1]
    return np.ascontiguousarray(cv2.imdecode(encoded, cv2.IMREAD_COLOR)[:, :, ::-1])
