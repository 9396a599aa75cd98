"""Text in a picture, found and read by the networks that rapidocr's package carries."""

from __future__ import annotations

import functools
import hashlib
import logging
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from schemas.errors import RecipeError

FIELD = "filters.watermark.provider"
#: Long side, in pixels, of the pictures that are read, and of that in which lows are filled.
_LONG_SIDE, _FILLED_SIDE = 704, 1024
#: Standard deviation of the local mean, as a part of the long side, of luma and of what is bright throughout;
#: contrast, in codes, that is not raised; codes for each local standard deviation.
_LOCAL, _LOCAL_BRIGHT, _FAINT, _GAIN = 0.03, 0.06, 4.0, 45.0
#: Recognitions less sure than this are dropped. Sides below this are not read.
_LEAST_SURE, SMALLEST = 0.5, 32


@dataclass(frozen=True)
class Text:
    """text: as read. confidence: of the recognition, in [0, 1]. corners: of the box, (x, y) in pixels of the picture,
    clockwise from the start of the line."""

    text: str
    confidence: float
    corners: tuple[tuple[float, float], ...]


def require_rapidocr() -> None:
    """Raises RecipeError where rapidocr or its engine is not installed."""
    missing = [name for name in ("rapidocr", "onnxruntime") if find_spec(name) is None]
    if missing:
        raise RecipeError(
            f"{FIELD}: 'rapidocr' needs the package {', '.join(missing)}; install tarnish[watermark], or set "
            "filters.watermark.provider=overlay, which finds repeated overlays without it"
        )


def _model_files() -> dict[str, Path]:
    """The detector (Det), the classifier of upside-down lines (Cls) and the recogniser (Rec) in the package.

    Raises RecipeError where the installed version carries others.
    """
    require_rapidocr()
    spec = find_spec("rapidocr")
    folder = Path(str(spec.origin)).parent / "models" if spec else Path()
    files = {}
    for part in ("Det", "Cls", "Rec"):
        found = sorted(folder.glob(f"*_{part.lower()}_*.onnx"))
        if len(found) != 1:
            raise RecipeError(
                f"{FIELD}: 'rapidocr' has {len(found)} models *_{part.lower()}_*.onnx in {folder.name}, not one; "
                "install the version of constraints.txt"
            )
        files[part] = found[0]
    return files


@functools.cache
def models_digest() -> str:
    """First 16 hex of the sha256 of the networks' files."""
    whole = hashlib.sha256()
    for path in _model_files().values():
        whole.update(hashlib.sha256(path.read_bytes()).digest())
    return whole.hexdigest()[:16]


@functools.cache
def _engine() -> Any:
    """The networks, loaded once a process; one thread, so that sums do not depend on the machine."""
    files = _model_files()
    import rapidocr

    settings: dict[str, Any] = {
        "Global.log_level": "critical",
        "Global.text_score": _LEAST_SURE,
        "EngineConfig.onnxruntime.intra_op_num_threads": 1,
        "EngineConfig.onnxruntime.inter_op_num_threads": 1,
        "Det.limit_type": "max",
        "Det.limit_side_len": _LONG_SIDE,
        **{f"{part}.model_path": str(path) for part, path in files.items()},
    }
    engine = rapidocr.RapidOCR(params=settings)
    logging.getLogger("RapidOCR").setLevel(logging.CRITICAL)
    return engine


def load_text_reader() -> None:
    """Loads the networks. Raises RecipeError when they cannot be used."""
    _engine()


def find_text(pixels: NDArray[np.uint8]) -> list[Text]:
    """What is written in uint8 (H, W, 3) sRGB, at any angle; empty below 32 pixels a side.

    Read is not the picture but its luma less the local mean and over the local contrast, so that faint marks stand out
    and strong texture recedes.
    """
    if min(pixels.shape[:2]) < SMALLEST:
        return []
    shown = detail_of_luma(pixels)
    return _read(shown, pixels.shape[1] / shown.shape[1], pixels.shape[0] / shown.shape[0])


def detail_of_luma(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Levelled luma of uint8 (H, W, 3), uint8 (h, w) of at most 704 pixels a side."""
    return _levelled(_shrunk(cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY), _LONG_SIDE), _LOCAL)


def detail_of_lows(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Levelled local minimum over 3×3 pixels and the channels, as `detail_of_luma`.

    A white mark of opacity α lifts it to 255 α at least, while the dark gaps of leaves, fur and water stay dark.
    """
    small = _shrunk(pixels, _FILLED_SIDE)
    lowest = cv2.min(cv2.min(small[..., 0], small[..., 1]), small[..., 2])
    return _levelled(_shrunk(cv2.erode(lowest, np.ones((3, 3), np.uint8)), _LONG_SIDE), _LOCAL_BRIGHT)


def _shrunk(plane: NDArray[np.uint8], long_side: int) -> NDArray[np.uint8]:
    scale = long_side / max(plane.shape[:2])
    if scale >= 1.0:
        return plane
    size = (max(1, round(plane.shape[1] * scale)), max(1, round(plane.shape[0] * scale)))
    return np.asarray(cv2.resize(plane, size, interpolation=cv2.INTER_AREA))


def _levelled(plane: NDArray[np.uint8], local: float) -> NDArray[np.uint8]:
    detail = plane.astype(np.float32)
    sigma = local * max(detail.shape)
    detail -= cv2.GaussianBlur(detail, (0, 0), sigma)
    spread = np.sqrt(cv2.GaussianBlur(detail * detail, (0, 0), sigma))
    return np.asarray(np.clip(128 + _GAIN * detail / (spread + _FAINT), 0, 255).astype(np.uint8))


def _read(shown: NDArray[np.uint8], across: float, down: float) -> list[Text]:
    """Texts of uint8 (h, w), their corners times (across, down)."""
    colour = cv2.cvtColor(shown, cv2.COLOR_GRAY2BGR)
    answer = _engine()(colour, use_det=True, use_cls=True, use_rec=True)
    if answer.boxes is None or answer.txts is None:
        return []
    scale = np.array([across, down])
    return [
        Text(text.strip(), float(sure), tuple((float(x), float(y)) for x, y in np.asarray(box, np.float64) * scale))
        for text, sure, box in zip(answer.txts, answer.scores, answer.boxes, strict=True)
        if text.strip()
    ]


def read_line(line: NDArray[np.uint8]) -> tuple[str, float]:
    """The text of uint8 (h, w), one level line, and how sure it is; empty below the confidence of `find_text`."""
    colour = cv2.cvtColor(line, cv2.COLOR_GRAY2BGR)
    answer = _engine()(colour, use_det=False, use_cls=False, use_rec=True)
    if not answer.txts or answer.scores[0] < _LEAST_SURE:
        return "", 0.0
    return str(answer.txts[0]).strip(), float(answer.scores[0])
