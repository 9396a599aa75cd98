"""The codec step of one generation: what is drawn and what it does."""

from __future__ import annotations

from typing import Annotated, Literal

import numpy as np
from pydantic import Field

from degradations import codecs
from degradations.codecs import Chroma, Table
from degradations.contract import Image, Params, pick
from degradations.severity import linear, ordered
from degradations.video import VideoCodec, intra_frame

_CHROMA: dict[str, float] = {"4:2:0": 0.75, "4:2:2": 0.1, "4:4:4": 0.15}


class Jpeg(Params):
    """JPEG with the drawn quantisation tables (8×8, raster order, 1-255).

    quality: of the Independent JPEG Group's tables that they started from, 35% U(5, 30), 40% U(30, 60), 25% U(60, 92).
    In half of the draws each entry is then multiplied by a log-normal factor with σ = .2, as encoders differ.
    """

    codec: Literal["jpeg"] = "jpeg"
    quality: int
    luma: Table
    chroma: Table
    subsampling: Chroma

    @classmethod
    def draw(cls, rng: np.random.Generator, quantile: float) -> Jpeg:
        quality = jpeg_quality(quantile)
        luma, chroma = codecs.quality_tables(quality)
        if rng.random() < 0.5:
            luma, chroma = _jitter(rng, luma), _jitter(rng, chroma)
        subsampling = pick(rng, _CHROMA)
        return cls.model_validate({"quality": quality, "luma": luma, "chroma": chroma, "subsampling": subsampling})

    def apply(self, image: Image) -> Image:
        return codecs.decode(codecs.encode_jpeg(image, self.luma, self.chroma, self.subsampling))


def jpeg_quality(quantile: float) -> int:
    """Quality at `quantile`, 0 the best: the mixture 25% U(60, 92), 40% U(30, 60), 35% U(5, 30)."""
    if quantile < 0.25:
        return round(linear(quantile / 0.25, 92, 60))
    if quantile < 0.65:
        return round(linear((quantile - 0.25) / 0.4, 60, 30))
    return round(linear((quantile - 0.65) / 0.35, 30, 5))


def _jitter(rng: np.random.Generator, table: Table) -> Table:
    factors = np.exp(0.2 * rng.standard_normal(64))
    return tuple(int(v) for v in np.clip(np.rint(np.array(table) * factors), 1, 255))


class Webp(Params):
    """Lossy WebP, quality U(5, 90), method 0 (.5), 2 (.35) or 4 (.15)."""

    codec: Literal["webp"] = "webp"
    quality: int
    method: int

    @classmethod
    def draw(cls, rng: np.random.Generator, quantile: float) -> Webp:
        method = int(pick(rng, {"0": 0.5, "2": 0.35, "4": 0.15}))
        return cls(quality=round(linear(quantile, 90, 5)), method=method)

    def apply(self, image: Image) -> Image:
        return codecs.webp(image, self.quality, self.method)


class Avif(Params):
    """AVIF, quality U(10, 80), speed 9."""

    codec: Literal["avif"] = "avif"
    quality: int
    speed: int = 9
    subsampling: Chroma

    @classmethod
    def draw(cls, rng: np.random.Generator, quantile: float) -> Avif:
        subsampling = pick(rng, _CHROMA)
        return cls.model_validate({"quality": round(linear(quantile, 80, 10)), "subsampling": subsampling})

    def apply(self, image: Image) -> Image:
        return codecs.avif(image, self.quality, self.speed, self.subsampling)


class Video(Params):
    """An intra frame: H.264, rate factor U(23, 38), or H.265, U(28, 42), equally often (ranges: APISR, 2024).

    preset: ultrafast to medium for H.264; ultrafast alone for H.265, whose others take a quarter of a second.
    """

    codec: Literal["video"] = "video"
    format: VideoCodec
    crf: int
    preset: Literal["ultrafast", "superfast", "veryfast", "medium"]

    @classmethod
    def draw(cls, rng: np.random.Generator, quantile: float) -> Video:
        if rng.random() < 0.5:
            return cls(format="h265", crf=round(linear(quantile, 28, 42)), preset="ultrafast")
        preset = pick(rng, {"ultrafast": 0.25, "superfast": 0.25, "veryfast": 0.25, "medium": 0.25})
        return cls.model_validate({"format": "h264", "crf": round(linear(quantile, 23, 38)), "preset": preset})

    def apply(self, image: Image) -> Image:
        return intra_frame(image, self.format, self.crf, self.preset)


class Palette(Params):
    """As a GIF: {256, 128, 64, 32, 16} colours, half of them dithered."""

    codec: Literal["palette"] = "palette"
    colours: int
    dither: bool

    @classmethod
    def draw(cls, rng: np.random.Generator, quantile: float) -> Palette:
        return cls(colours=ordered(quantile, (256, 128, 64, 32, 16)), dither=bool(rng.random() < 0.5))

    def apply(self, image: Image) -> Image:
        return codecs.palette(image, self.colours, self.dither)


Coding = Annotated[Jpeg | Webp | Avif | Video | Palette, Field(discriminator="codec")]


def draw_coding(rng: np.random.Generator, modes: dict[str, float], quantile: float) -> Coding:
    """A codec by its weight in `modes`, with its quality at `quantile` of the codec's range, 0 the best."""
    kinds = {"jpeg": Jpeg, "webp": Webp, "avif": Avif, "video": Video, "palette": Palette}
    return kinds[pick(rng, modes)].draw(rng, quantile)  # type: ignore[attr-defined]
