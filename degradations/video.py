"""One intra frame of a video codec, encoded and decoded in memory through PyAV (extra `codecs`)."""

from __future__ import annotations

from fractions import Fraction
from typing import Any, Literal

import cv2
import numpy as np

from degradations.contract import Image
from schemas.errors import TarnishError

VideoCodec = Literal["h264", "h265"]
MpegCodec = Literal["mpeg2", "mpeg4"]
_ENCODERS = {"h264": "libx264", "h265": "libx265", "mpeg2": "mpeg2video", "mpeg4": "mpeg4"}
_DECODERS = {"h264": "h264", "h265": "hevc", "mpeg2": "mpeg2video", "mpeg4": "mpeg4"}
_SINGLE_THREAD = {
    "h264": {"tune": "psnr", "x264-params": "sliced-threads=0:mbtree=0:rc-lookahead=0:log-level=-1"},
    "h265": {"x265-params": "log-level=none:pools=none:frame-threads=1:wpp=0"},
}
_SMALLEST = 64  # of an encoded side: below it libx265 refuses the frame
_LARGEST = 4000  # MPEG-2 knows no side of 4096, MPEG-4 none above 8191


def _pyav() -> Any:
    try:
        import av
    except ImportError as error:
        raise TarnishError(
            "video codecs (degradations.compression.modes.video, degradations.apisr.modes) need PyAV; install the "
            "extra: pip install 'tarnish[codecs]', or set the weight to 0"
        ) from error
    return av


def _to_planes(image: Image) -> Image:
    """Full-range BT.601 4:2:0 of an even-sized picture: luma rows, then those of both chroma planes (H·3/2, W)."""
    height, width = image.shape[:2]
    ycc = cv2.cvtColor(image, cv2.COLOR_RGB2YCrCb)
    half = cv2.resize(ycc[..., 1:], (width // 2, height // 2), interpolation=cv2.INTER_AREA)
    planes = [ycc[..., 0].reshape(-1), half[..., 1].reshape(-1), half[..., 0].reshape(-1)]
    return np.concatenate(planes).reshape(height * 3 // 2, width)


def _from_planes(planes: Image, height: int, width: int) -> Image:
    flat = planes.reshape(-1)
    luma, rest = flat[: height * width].reshape(height, width), flat[height * width :]
    blue, red = rest.reshape(2, height // 2, width // 2)
    full = cv2.resize(cv2.merge([red, blue]), (width, height), interpolation=cv2.INTER_LINEAR)
    return np.asarray(cv2.cvtColor(cv2.merge([luma, full]), cv2.COLOR_YCrCb2RGB), dtype=np.uint8)


def _frame(image: Image, codec: str, options: dict[str, str]) -> Image:
    """One intra frame of a picture of at most _LARGEST a side."""
    av = _pyav()
    height, width = image.shape[:2]
    bottom = max(_SMALLEST - height, height % 2)
    right = max(_SMALLEST - width, width % 2)
    padded = cv2.copyMakeBorder(image, 0, bottom, 0, right, cv2.BORDER_REPLICATE)
    encoder = av.CodecContext.create(_ENCODERS[codec], "w")
    encoder.width, encoder.height = padded.shape[1], padded.shape[0]
    encoder.pix_fmt, encoder.time_base, encoder.thread_count = "yuv420p", Fraction(1, 25), 1
    encoder.options = options
    frame = av.VideoFrame.from_ndarray(_to_planes(padded), format="yuv420p")
    packets = [*encoder.encode(frame), *encoder.encode(None)]
    decoder = av.CodecContext.create(_DECODERS[codec], "r")
    decoder.thread_count = 1
    frames = [decoded for packet in packets for decoded in decoder.decode(packet)] + list(decoder.decode(None))
    decoded = _from_planes(frames[0].to_ndarray(), *padded.shape[:2])
    return np.ascontiguousarray(decoded[:height, :width])


def _tiles(image: Image, codec: str, options: dict[str, str]) -> Image:
    """A larger picture as several frames, side by side."""
    if max(image.shape) <= _LARGEST:
        return _frame(image, codec, options)
    out = np.empty_like(image)
    for y in range(0, image.shape[0], _LARGEST):
        for x in range(0, image.shape[1], _LARGEST):
            tile = np.s_[y : y + _LARGEST, x : x + _LARGEST]
            out[tile] = _frame(np.ascontiguousarray(image[tile]), codec, options)
    return out


def intra_frame(image: Image, codec: VideoCodec, crf: int, preset: str) -> Image:
    """A single H.264 or H.265 intra frame of `image` (uint8 (H, W, 3), sRGB), as decoded.

    crf: constant rate factor, 0-51. preset: of libx264 and libx265, "ultrafast" to "veryslow". Colour travels as
    full-range BT.601 with centred 4:2:0 chroma, converted here: FFmpeg's own converter darkens by a code and shifts
    chroma. The frame is padded by its last row and column to an even size of at least 64 and cropped afterwards;
    pictures of more than 4000 px a side are several frames. Raises TarnishError without PyAV.
    """
    return _tiles(image, codec, {"crf": str(crf), "preset": preset, **_SINGLE_THREAD[codec]})


def mpeg_frame(image: Image, codec: MpegCodec, qscale: int) -> Image:
    """A single MPEG-2 or MPEG-4 part 2 intra frame with the quantiser scale `qscale` (1-31); else as `intra_frame`."""
    return _tiles(image, codec, {"qmin": str(qscale), "qmax": str(qscale)})
