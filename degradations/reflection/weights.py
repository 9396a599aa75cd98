"""The mixing network and its weights: a safetensors file that the recipe names."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from degradations import weights
from degradations.contract import Image
from degradations.cues.inference import inference
from degradations.weights import WeightsError as WeightsError

#: Dilations of the middle layers.
DILATIONS = (1, 2, 4, 8)

#: The recipe's field that names the network.
FIELD = "degradations.reflection.weights"

Network = Callable[[Image], NDArray[np.float32]]


def sha256_of(path: str) -> str:
    """Hex sha256 of the file, read once a process. Raises WeightsError."""
    return weights.sha256_of(FIELD, path)


def layers(width: int) -> dict[str, tuple[int, ...]]:
    """Names and shapes of the tensors of a network with `width` channels: 3×3 convolutions 6 → width, four dilated
    ones of `width` that add to what they are given, and width → 3."""
    shapes: dict[str, tuple[int, ...]] = {"first.weight": (width, 6, 3, 3), "first.bias": (width,)}
    for number in range(len(DILATIONS)):
        shapes |= {f"middle.{number}.weight": (width, width, 3, 3), f"middle.{number}.bias": (width,)}
    return shapes | {"last.weight": (3, width, 3, 3), "last.bias": (3,)}


@lru_cache(maxsize=4)
def mixing_network(path: str, sha256: str) -> Network:
    """The network of the file at `path`: a function of both pictures, uint8 (h, w, 6), to the weight of the second,
    float32 (h, w, 3) in [0, 1].

    Raises WeightsError where the file is missing, is not the one of this sha256, or holds another network, and
    ModuleNotFoundError without torch and safetensors.
    """
    tensors = weights.read_tensors(FIELD, path, sha256)
    found = {name: tuple(tensor.shape) for name, tensor in tensors.items()}
    wanted = layers(found["first.bias"][0] if len(found.get("first.bias", ())) == 1 else 1)
    if found != wanted:
        wrong = sorted({name for name, _ in found.items() ^ wanted.items()})
        raise WeightsError(f"{FIELD}: {path!r} has no or other tensors {', '.join(wrong)}")
    return _Mixing(tensors)


class _Mixing:
    def __init__(self, tensors: dict[str, Any]) -> None:
        self._tensors = tensors

    def __call__(self, pictures: Image) -> NDArray[np.float32]:
        import torch
        from torch.nn import functional

        def convolve(x: torch.Tensor, name: str, dilation: int = 1) -> torch.Tensor:
            weight, bias = self._tensors[f"{name}.weight"], self._tensors[f"{name}.bias"]
            return functional.conv2d(x, weight, bias, padding=dilation, dilation=dilation)

        with inference("cpu", "float16"):
            x = torch.from_numpy(np.ascontiguousarray(pictures.transpose(2, 0, 1)))[None].float() / 255.0
            x = convolve(x, "first").relu()
            for number, dilation in enumerate(DILATIONS):
                x = x + convolve(x, f"middle.{number}", dilation).relu()
            answer = convolve(x, "last").sigmoid()[0].permute(1, 2, 0)
        return np.ascontiguousarray(answer.numpy(), dtype=np.float32)
