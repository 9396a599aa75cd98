"""A picture and a question as chat messages, in the form of OpenAI's API that vLLM and others speak too."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from filters.judge.answers import Answer
from filters.judge.questions import Question

#: The most likely answer, the same each time. The tokens suffice for a model that looks aloud before it answers.
MAX_TOKENS = 256
SAMPLING: dict[str, Any] = {"temperature": 0.0, "seed": 0, "max_tokens": MAX_TOKENS}

_QUALITY = 95


def encoded(pixels: NDArray[np.uint8], long_side: int) -> bytes:
    """JPEG (quality 95, full colour resolution) of `pixels`, uint8 (H, W, 3) sRGB, shrunk to at most `long_side` px.

    Equal pixels give equal bytes.
    """
    height, width = pixels.shape[:2]
    if (longest := max(height, width)) > long_side:
        size = (max(1, round(width * long_side / longest)), max(1, round(height * long_side / longest)))
        pixels = np.asarray(cv2.resize(pixels, size, interpolation=cv2.INTER_AREA), dtype=np.uint8)
    options = [
        cv2.IMWRITE_JPEG_QUALITY,
        _QUALITY,
        cv2.IMWRITE_JPEG_SAMPLING_FACTOR,
        cv2.IMWRITE_JPEG_SAMPLING_FACTOR_444,
    ]
    return bytes(cv2.imencode(".jpg", cv2.cvtColor(pixels, cv2.COLOR_RGB2BGR), options)[1])


def messages(picture: bytes, question: Question, malformed: Sequence[Answer] = ()) -> list[dict[str, Any]]:
    """The picture (JPEG) with the question, then each malformed answer so far with the reminder of the form."""
    url = "data:image/jpeg;base64," + base64.b64encode(picture).decode("ascii")
    chat = [_said("user", {"type": "image_url", "image_url": {"url": url}}, _text(question.text))]
    for answer in malformed:
        chat += [_said("assistant", _text(answer.text)), _said("user", _text(question.reminder))]
    return chat


def _said(role: str, *parts: dict[str, Any]) -> dict[str, Any]:
    return {"role": role, "content": list(parts)}


def _text(text: str) -> dict[str, Any]:
    return {"type": "text", "text": text}
