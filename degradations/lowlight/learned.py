"""Low light by a network trained on reversed pairs, bright → dark; RealRestorer (2026) trains one on LOL and LSRW."""

from __future__ import annotations

from functools import lru_cache
from typing import Any, Literal

import cv2
import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from degradations.contract import Image, Params
from degradations.cues.inference import inference
from degradations.lowlight.network import layers, maps
from degradations.quantise import to_codes
from degradations.severity import linear, position
from degradations.weights import WeightsError, read_tensors, sha256_of

#: The recipe's field that names the network.
FIELD = "degradations.lowlight.network"
#: Darkness, mildest and worst, stops of mean light.
STOPS = (0.3, 5.0)
#: Longest side of the pictures that the network sees, pixels: that of the pairs it learns from.
LONGEST = 512
#: Steps of the network's answers between 0 and 1.
FINENESS = np.float32(2048.0)


class LearnedDark(Params):
    """stops: darkness asked of the network, U(.3, 5). network: its file, with its sha256."""

    mode: Literal["learned"] = "learned"
    stops: float = Field(ge=0)
    network: str
    sha256: str

    @classmethod
    def draw(cls, rng: np.random.Generator, severity: float, network: str) -> LearnedDark:
        """Raises WeightsError where the file cannot be read."""
        return cls(stops=linear(position(rng, severity), *STOPS), network=network, sha256=sha256_of(FIELD, network))

    def apply(self, image: Image) -> Image:
        """The network runs on at most 512 pixels a side, on one CPU thread so that neither their number nor an
        accelerator changes the bytes; its answers are rounded to 1/2048 and stretched over the picture, which keeps
        its detail."""
        height, width = image.shape[:2]
        scale = min(1.0, LONGEST / max(height, width))
        size = max(1, round(width * scale)), max(1, round(height * scale))
        small = cv2.resize(image, size, interpolation=cv2.INTER_AREA).reshape(size[1], size[0], 3)
        tensors = _network(self.network, self.sha256)
        factor, residual = (
            cv2.resize(answer, (width, height), interpolation=cv2.INTER_LINEAR).reshape(image.shape)
            for answer in _answers(tensors, small, self.stops)
        )
        return to_codes(image * factor + residual * np.float32(255.0))


@lru_cache(maxsize=4)
def _network(path: str, sha256: str) -> dict[str, Any]:
    tensors = read_tensors(FIELD, path, sha256)
    found = {name: tuple(tensor.shape) for name, tensor in tensors.items()}
    a, b, c = (found.get(f"{name}.0.bias", (1,))[0] for name in ("full", "half", "quarter"))
    wanted = layers((a, b, c))
    if found != wanted:
        wrong = sorted({name for name, _ in found.items() ^ wanted.items()})
        raise WeightsError(
            f"{FIELD}: {path!r} has no or other tensors {', '.join(wrong)}; name a file of `tarnish lowlight train`"
        )
    return tensors


def _answers(tensors: dict[str, Any], small: Image, stops: float) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Factor and addend of sRGB values, float32 (h, w, 3)."""
    import torch

    with inference("cpu", "float16"):
        bright = torch.from_numpy(small.transpose(2, 0, 1)[None].astype(np.float32) / np.float32(255.0))
        m, r = maps(tensors, bright, torch.tensor([stops]))
        factor, residual = (-stops * m).exp2()[0], (1.0 - 2.0**-stops) * r[0]
    both = [np.ascontiguousarray(answer.permute(1, 2, 0).numpy()) for answer in (factor, residual)]
    return tuple(np.round(answer * FINENESS) / FINENESS for answer in both)  # type: ignore[return-value]
