"""The recogniser as a filter: a folder with config.json and model.safetensors."""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import ValidationError

from filters.contract import Finding, Image
from filters.inference import Device, choose_device, digest, full_batches, inference, require
from filters.recogniser.views import Planes, grid_tiles, measure_names, measures_of, whole_of
from schemas.errors import RecipeError
from schemas.recogniser import CLEAN, RecogniserConfig

FIELD = "filters.recogniser.model"
CONFIG, WEIGHTS = "config.json", "model.safetensors"

#: Pictures that a GPU takes at once; short batches are filled up, so that a picture's last bits depend on nothing else.
_GPU_BATCH = 8


def read_config(folder: Path) -> RecogniserConfig:
    """The configuration in `folder`. Raises RecipeError for a folder that `tarnish recogniser train` did not finish."""
    for name in (CONFIG, WEIGHTS):
        if not (folder / name).is_file():
            raise RecipeError(
                f"{FIELD}: {str(folder)!r} has no {name}; name a folder that `tarnish recogniser train` finished"
            )
    try:
        told = json.loads((folder / CONFIG).read_text(encoding="utf-8"))
        if missing := sorted(RecogniserConfig.model_fields.keys() - told.keys()):
            raise ValueError(f"{missing[0]} is missing")
        config = RecogniserConfig.model_validate(told)
        if config.statistics != measure_names():
            raise ValueError("statistics are those of another version of tarnish")
        return config
    except (ValidationError, ValueError, AttributeError) as error:
        first = error.errors()[0] if isinstance(error, ValidationError) else None
        why = f"{'.'.join(map(str, first['loc']))}: {first['msg']}" if first else str(error)
        raise RecipeError(
            f"{FIELD}: {folder / CONFIG} is not understood ({why}); train the recogniser again"
        ) from error


def load_network(folder: Path, config: RecogniserConfig) -> Any:
    """The network of `folder` with its weights, for inference, on the CPU. Raises RecipeError when they do not fit."""
    import torch
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    from filters.recogniser.network import RecogniserNetwork

    try:
        with torch.random.fork_rng(devices=[]):
            network = RecogniserNetwork(config.backbone, len(config.names), len(config.statistics))
        network.load_state_dict(load_file(folder / WEIGHTS))
    except (ValueError, RuntimeError, SafetensorError) as error:
        why = " ".join(str(error).split())[:300]
        raise RecipeError(
            f"{FIELD}: {folder / WEIGHTS} does not fit backbone {config.backbone!r} with {len(config.names)} names "
            f"({why}); bring the whole folder, or train again with this version of timm"
        ) from error
    return network.eval()


class RecogniserFilter:
    """Names the degradations of a picture, with severities, by the network in the folder `model`.

    recognised.NAME, recognised.clean: probability in [0, 1] that the picture shows the degradation, or none; they need
    not sum to 1. recognised.severity.NAME in [0, 1]: that probability times the severity if it is there, so 0 where it
    is absent; the scale is that of the recipes that made the training data.

    version: 16 hex of the sha256 of configuration and weights, with "-half" on a GPU.
    Raises RecipeError for a folder that is not understood, and for a device that is not there.
    """

    name = "recogniser"
    provider = "recogniser"

    def __init__(self, model: str, device: Device = "auto") -> None:
        require(FIELD, model, ("torch", "timm", "safetensors"), "recogniser")
        self._folder = Path(model).expanduser()
        self.config = read_config(self._folder)
        self._device = choose_device(device)
        half = "-half" if self._device == "cuda" else ""
        self.version = digest(self._folder / CONFIG, self._folder / WEIGHTS) + half

    @cached_property
    def _network(self) -> Any:
        return load_network(self._folder, self.config).to(self._device)

    def load(self) -> None:
        """Loads the weights. Raises RecipeError when they cannot be used."""
        self._network  # noqa: B018

    def score(self, images: Sequence[Image]) -> list[Finding]:
        """Probabilities and severities of each picture (uint8 (H, W, 3), sRGB, any size), in order."""
        import torch

        network = self._network
        found: list[Finding] = []
        with inference(self._device):
            for positions in full_batches(len(images), _GPU_BATCH if self._device == "cuda" else 1):
                views = {n: _views(images[n], self.config) for n in set(positions)}
                shown = [np.stack([views[n][part] for n in positions]) for part in range(3)]
                answers = network(*(torch.from_numpy(one).to(self._device) for one in shown))
                presence, severity = (one.float().sigmoid().cpu().numpy() for one in answers)
                found += [self._finding(presence[n], severity[n]) for n in range(len(views))]
        return found

    def _finding(self, presence: Any, severity: Any) -> Finding:
        names = self.config.names
        scores = {f"recognised.{name}": float(presence[n]) for n, name in enumerate((*names, CLEAN))}
        scores |= {f"recognised.severity.{name}": float(presence[n] * severity[n]) for n, name in enumerate(names)}
        return Finding(scores)


def _views(image: Image, config: RecogniserConfig) -> tuple[Planes, Planes, Planes]:
    return grid_tiles(image, config.tile), whole_of(image, config.whole), measures_of(image)
