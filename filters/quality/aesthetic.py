"""How much people liked pictures like this one: a linear head over image features."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from filters.inference import digest, require
from schemas.errors import RecipeError

_FIELD = "filters.quality.aesthetic"


class AestheticHead:
    """Weight (1, d) and bias (1,) of a safetensors file, LAION's form (Schuhmann 2022, "LAION-Aesthetics").

    version: 16 hex of the sha256 of the file. Raises RecipeError when there is no such file or it holds something else.
    """

    def __init__(self, path: str) -> None:
        file = Path(path).expanduser()
        require(_FIELD, path, ("safetensors",), "semantics")
        from safetensors import SafetensorError
        from safetensors.numpy import load_file

        if not file.is_file():
            raise RecipeError(f"{_FIELD}: {path!r} is no file here; name a safetensors file")
        try:
            tensors = load_file(file)
        except (SafetensorError, OSError) as error:
            raise RecipeError(f"{_FIELD}: {path!r} is no readable safetensors file ({error}); convert it") from error
        found = {name: tensor.shape for name, tensor in tensors.items()}
        weight = tensors.get("weight")
        if (
            found.keys() != {"weight", "bias"}
            or found["bias"] != (1,)
            or weight is None
            or found["weight"][:-1] != (1,)
        ):
            raise RecipeError(
                f"{_FIELD}: {path!r} holds {found}; a linear head has weight (1, d) and bias (1,) and nothing else"
            )
        self._path = path
        self._weight: NDArray[np.float64] = weight[0].astype(np.float64)
        self._bias = float(tensors["bias"][0])
        self.version = digest(file)

    def check(self, features: int, model: str) -> None:
        """Raises RecipeError when the head was made for another number of `features` than `model` gives."""
        if self._weight.size != features:
            raise RecipeError(
                f"{_FIELD}: {self._path!r} reads {self._weight.size} features, {model} gives {features}; "
                "take the head of that model"
            )

    def score(self, feature: NDArray[np.float64]) -> float:
        """The head's answer to an embedding of unit length, (d,)."""
        return float((self._weight * feature).sum() + self._bias)
