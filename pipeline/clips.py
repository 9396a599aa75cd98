"""Cutting videos into clips: windows with motion and without cuts, the middle frame sharp."""

from __future__ import annotations

import hashlib
import io
from collections import deque
from collections.abc import Iterator
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from schemas.errors import TarnishError

VIDEO_SUFFIXES = frozenset({".mp4", ".mov", ".mkv", ".webm", ".avi", ".m4v", ".mpg", ".mpeg", ".ts"})
#: Mean difference of neighbouring frames, codes of a 64×36 luma: a cut from the first on, standing still up to the
#: second (as a mean over the window).
CUT, STILL = 28.0, 0.6
#: Share of the window's median sharpness that its middle frame needs.
SHARP = 0.9
_THUMB = (64, 36)


class Window(NamedTuple):
    """first: number of its first frame. verdict: "clip", or the reason against it. data: the bytes of a clip."""

    first: int
    verdict: str
    data: bytes = b""

    @property
    def name(self) -> str:
        """The file of a clip, after its content."""
        return f"{hashlib.sha256(self.data).hexdigest()[:16]}.mkv"


class _Seen(NamedTuple):
    planes: NDArray[np.uint8]
    thumb: NDArray[np.float32]
    sharpness: float


def windows(video: Path, length: int = 31, stride: int | None = None) -> Iterator[Window]:
    """The windows of `video`, `length` frames (odd) each, every `stride` frames (default: `length`), with verdicts.

    still: too little moves; cut: the scene changes; soft: the middle frame is less sharp than its neighbours.
    Raises TarnishError for a file that is no readable video.
    """
    if length < 3 or length % 2 == 0:
        raise TarnishError(f"--length: {length} has no middle frame; give an odd number from 3 on")
    step = stride or length
    kept: deque[_Seen] = deque()
    first, skip = 0, 0
    for frame in _frames(video):
        if skip:
            skip -= 1
            first += 1
            continue
        kept.append(_look(frame))
        if len(kept) < length:
            continue
        verdict = _judge(kept)
        yield Window(first, verdict, write_clip([seen.planes for seen in kept]) if verdict == "clip" else b"")
        for _ in range(min(step, length)):
            kept.popleft()
        first += min(step, length)
        skip = max(0, step - length)


def _frames(video: Path) -> Iterator[Any]:
    import av

    try:
        with av.open(str(video)) as container:
            if not container.streams.video:
                raise TarnishError(f"{video} holds no video; leave it out")
            stream = container.streams.video[0]
            stream.thread_type = "AUTO"
            yield from container.decode(stream)
    except av.FFmpegError as error:
        raise TarnishError(f"{video} is no readable video ({error}); leave it out or repair it") from error


def _look(frame: Any) -> _Seen:
    size = {"width": frame.width // 2 * 2, "height": frame.height // 2 * 2}
    planes = frame.reformat(format="yuv420p", **size).to_ndarray()
    luma = planes[: size["height"]]
    thumb = np.asarray(cv2.resize(luma, _THUMB, interpolation=cv2.INTER_AREA), dtype=np.float32)
    return _Seen(planes, thumb, float(cv2.Laplacian(luma, cv2.CV_32F).std()))


def _judge(kept: deque[_Seen]) -> str:
    thumbs = [seen.thumb for seen in kept]
    changes = [float(np.abs(b - a).mean()) for a, b in pairwise(thumbs)]
    if max(changes) >= CUT or max(changes) > 8.0 * (float(np.median(changes)) + 1.0):
        return "cut"
    if float(np.mean(changes)) < STILL:
        return "still"
    sharpness = [seen.sharpness for seen in kept]
    return "clip" if sharpness[len(sharpness) // 2] >= SHARP * float(np.median(sharpness)) else "soft"


def write_clip(frames: list[NDArray[np.uint8]]) -> bytes:
    """Frames (4:2:0 planes, uint8 (H·3/2, W), H and W even) as a Matroska file of H.264 at a quantiser of 4.

    The same frames give the same bytes, which x264 does not promise with a rate factor and its macroblock tree.
    """
    import av

    target = io.BytesIO()
    with av.open(target, "w", format="matroska", options={"fflags": "+bitexact"}) as container:
        stream = container.add_stream("libx264", rate=25)
        stream.width, stream.height = frames[0].shape[1], frames[0].shape[0] * 2 // 3
        stream.pix_fmt = "yuv420p"
        stream.codec_context.thread_count = 1
        stream.options = {"qp": "4", "preset": "veryfast", "x264-params": "sliced-threads=0:log-level=-1"}
        stream.codec_context.flags |= 1 << 23  # AV_CODEC_FLAG_BITEXACT
        for number, planes in enumerate(frames):
            frame = av.VideoFrame.from_ndarray(planes, format="yuv420p")
            frame.pts, frame.time_base = number, Fraction(1, 25)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return target.getvalue()
