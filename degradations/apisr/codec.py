"""The codecs of APISR."""

from __future__ import annotations

from typing import Literal

import numpy as np

from degradations import codecs
from degradations.contract import Image, Params, pick
from degradations.severity import LOOSE, linear, position
from degradations.video import intra_frame, mpeg_frame

Name = Literal["jpeg", "webp", "avif", "mpeg2", "mpeg4", "h264", "h265"]
Preset = Literal["slow", "medium", "fast", "faster", "superfast"]

#: Best and worst setting: quality of JPEG, WebP and AVIF, quantiser scale of MPEG, rate factor of H.264 and H.265.
RANGES: dict[str, tuple[int, int]] = {
    "jpeg": (95, 20),
    "webp": (95, 20),
    "avif": (95, 20),
    "mpeg2": (8, 31),
    "mpeg4": (8, 31),
    "h264": (23, 38),
    "h265": (28, 42),
}
PRESETS = {"slow": 0.05, "medium": 0.35, "fast": 0.3, "faster": 0.2, "superfast": 0.1}
_AVIF_SPEED = 9


class ApisrCodec(Params):
    """setting: see RANGES. method: of WebP, 0-6. preset: of H.264 and H.265."""

    codec: Name
    setting: int
    method: int | None = None
    preset: Preset | None = None

    @classmethod
    def draw(cls, rng: np.random.Generator, weights: dict[str, float], severity: float) -> ApisrCodec:
        codec = pick(rng, weights)
        best, worst = RANGES[codec]
        setting = round(linear(position(rng, severity, LOOSE), best, worst))
        method = int(rng.integers(7)) if codec == "webp" else None
        preset = pick(rng, PRESETS) if codec in ("h264", "h265") else None
        return cls.model_validate({"codec": codec, "setting": setting, "method": method, "preset": preset})

    def apply(self, image: Image) -> Image:
        """One generation of `image` (uint8 (H, W, 3), sRGB). Raises TarnishError for a video codec without PyAV."""
        match self.codec:
            case "jpeg":
                return codecs.jpeg(image, self.setting)
            case "webp":
                return codecs.webp(image, self.setting, self.method or 0)
            case "avif":
                return codecs.avif(image, self.setting, _AVIF_SPEED, "4:2:0")
            case "mpeg2" | "mpeg4":
                return mpeg_frame(image, self.codec, self.setting)
            case "h264" | "h265":
                return intra_frame(image, self.codec, self.setting, self.preset or "medium")
