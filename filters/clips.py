"""A clip: a short video whose middle frame is a picture and whose other frames blur it."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
from numpy.typing import NDArray

from filters.decode_errors import DecodeError

#: First bytes of a Matroska file.
_MAGIC = b"\x1aE\xdf\xa3"
#: Most frames of a clip, and most pixels of all of them.
MOST_FRAMES, MOST_PIXELS = 121, 500_000_000
#: Rows from which on a video has the colours of ITU-R BT.709, else those of BT.601.
_HIGH_DEFINITION = 720


def is_clip(data: bytes) -> bool:
    """Whether `data` begins like a clip, a Matroska file."""
    return data.startswith(_MAGIC)


def rgb(frame: Any) -> NDArray[np.uint8]:
    """A PyAV video frame as uint8 (H, W, 3), red first."""
    space = "ITU709" if frame.height >= _HIGH_DEFINITION else "ITU601"
    return np.asarray(frame.reformat(format="rgb24", src_colorspace=space).to_ndarray(), dtype=np.uint8)


def read_clip(data: bytes, max_pixels: int) -> NDArray[np.uint8]:
    """All frames of a clip, uint8 (n, H, W, 3), n odd.

    Raises DecodeError: decode.too_many_pixels before decoding, decode.clip_frames for an even or excessive number of
    frames, decode.unsupported for what cannot be read, or without PyAV (the extra `codecs`).
    """
    try:
        import av
    except ImportError as error:
        raise DecodeError("decode.unsupported", "clips need PyAV; install tarnish[codecs]") from error
    frames: list[NDArray[np.uint8]] = []
    try:
        with av.open(io.BytesIO(data), format="matroska") as container:
            if not container.streams.video:
                raise DecodeError("decode.unsupported", "the clip holds no video")
            stream = container.streams.video[0]
            stream.codec_context.thread_count = 1
            size = stream.codec_context.width * stream.codec_context.height
            if size > max_pixels:
                raise DecodeError(
                    "decode.too_many_pixels",
                    f"the clip's frames have {size} pixels, more than decode.max_pixels = {max_pixels}",
                )
            for frame in container.decode(stream):
                if len(frames) == MOST_FRAMES or (len(frames) + 1) * size > MOST_PIXELS:
                    raise DecodeError("decode.clip_frames", f"the clip has more than {len(frames)} frames; cut it")
                frames.append(rgb(frame))
    except av.FFmpegError as error:
        raise DecodeError("decode.unsupported", f"the clip cannot be read ({error})") from error
    if len(frames) % 2 == 0:
        raise DecodeError(
            "decode.clip_frames", f"the clip has {len(frames)} frames and no middle one; it may be cut off"
        )
    return np.stack(frames)
