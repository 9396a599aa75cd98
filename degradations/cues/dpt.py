"""Depth by a network: DPT (MiDaS) and Depth Anything, as transformers loads them.

Sources: Ranftl, Bochkovskiy and Koltun (2021), "Vision Transformers for Dense Prediction"; Ranftl et al. (2022),
"Towards Robust Monocular Depth Estimation" (MiDaS); Yang et al. (2024), "Depth Anything".
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from degradations.contract import Image, check_image
from degradations.cues.guided import guided_filter
from degradations.cues.inference import Device, batch_size, choose_device, full_batches, inference
from degradations.cues.shrink import fitting, shrink, shrink_to
from degradations.cues.sky import find_sky
from degradations.cues.weights import digest, hub_files, is_hub_id, require
from degradations.scene import DepthCue
from schemas.errors import RecipeError

Plane = NDArray[np.float32]

PROVIDER = "dpt"
FIELD = "cues.depth.model"

_PATTERNS = ("config.json", "preprocessor_config.json", "*.safetensors", "*.safetensors.index.json")
#: Models whose output is known to be inverse depth, or metres if their configuration says "metric".
_MODEL_TYPES = ("dpt", "depth_anything")
#: Pixels that a network is shown at most (it resizes further), its longest aspect, and the pixels of the cue.
_SEEN_PIXELS, _LONGEST_ASPECT, _DEPTH_PIXELS, _SKY_PIXELS = 1_000_000, 4, 150_000, 90_000
#: What the network takes for nearer than this (disparity) is no sky, whatever its colour.
_NEARER_THAN_SKY = 0.3
#: Version of what is made of the network's output here.
_CONVERSION = "1"
_LEVELS = np.float32(65535.0)


def model_folder(model: str) -> Path:
    """The folder with the files of `model`: a local folder, or a hub id.

    Raises RecipeError when there is no such model, a file is missing, the weights are no safetensors, or it is no
    model of a kind that is understood.
    """
    require(FIELD, model, ("torch", "torchvision", "transformers", "safetensors"))
    folder = Path(model).expanduser()
    if not folder.is_dir():
        if not is_hub_id(model):
            raise RecipeError(f"{FIELD}: {model!r} is no folder here and no hub id; name a folder or owner/name")
        folder = hub_files(FIELD, model, _PATTERNS)
    for name in ("config.json", "preprocessor_config.json"):
        if not (folder / name).is_file():
            raise RecipeError(f"{FIELD}: {model!r} has no {name}; write it with transformers' save_pretrained")
    if not list(folder.glob("*.safetensors")):
        pickles = sorted(path.name for path in folder.glob("*.bin"))
        there = f"{pickles[0]} is a pickle and is not opened" if pickles else "no weights are there"
        raise RecipeError(
            f"{FIELD}: {model!r} has no *.safetensors ({there}); convert it with transformers' save_pretrained"
        )
    kind = json.loads((folder / "config.json").read_text(encoding="utf-8")).get("model_type")
    if kind not in _MODEL_TYPES:
        raise RecipeError(
            f"{FIELD}: {model!r} is a model of type {kind!r}; known are {', '.join(_MODEL_TYPES)}, whose outputs can "
            "be told to be depth or inverse depth"
        )
    return folder


class DptDepth:
    """The model of a folder or hub id; its weights are loaded when they are first needed.

    version: 16 hex of the sha256 of configuration and weights, with "-half" where it runs in half precision.
    Raises RecipeError as `model_folder`, and for a device that is not there.
    """

    provider = PROVIDER

    def __init__(self, model: str, device: Device = "auto", batch: int = 0) -> None:
        self._folder = model_folder(model)
        self._device = choose_device(device)
        self.batch = batch or batch_size(self._device)
        files = [self._folder / "config.json", self._folder / "preprocessor_config.json"]
        files += sorted(self._folder.glob("*.safetensors"))
        self.version = digest(*files, _CONVERSION) + ("-half" if self._device == "cuda" else "")

    @cached_property
    def _model(self) -> tuple[Any, Any]:
        """(processor, network)."""
        import torch
        from safetensors import SafetensorError
        from transformers import AutoImageProcessor, AutoModelForDepthEstimation
        from transformers.utils.logging import disable_progress_bar

        disable_progress_bar()
        try:
            network, told = AutoModelForDepthEstimation.from_pretrained(
                self._folder,
                use_safetensors=True,
                local_files_only=True,
                trust_remote_code=False,
                dtype=torch.float32,
                output_loading_info=True,
            )
        except (OSError, ValueError, RuntimeError, SafetensorError) as error:
            raise RecipeError(f"{FIELD}: {self._folder} cannot be loaded ({error}); bring the whole model") from error
        if lacking := sorted(told["missing_keys"]) + sorted(map(str, told["mismatched_keys"])):
            raise RecipeError(f"{FIELD}: the weights in {self._folder} lack {lacking[0]}; bring the whole model")
        processor = AutoImageProcessor.from_pretrained(self._folder, local_files_only=True, trust_remote_code=False)
        return processor, network.to(self._device).eval()

    def load(self) -> None:
        """Loads the weights. Raises RecipeError when they cannot be used."""
        self._model  # noqa: B018

    def estimate(self, images: Sequence[Image]) -> list[DepthCue]:
        """Depth of each image (uint8 (H, W, 3), sRGB), with at most about 150,000 pixels; 16 bits fine."""
        import torch

        for image in images:
            check_image(image)
        processor, network = self._model
        inputs = [
            processor(images=_seen(image), input_data_format="channels_last", return_tensors="pt")["pixel_values"][0]
            for image in images
        ]
        cues: dict[int, DepthCue] = {}
        with inference(self._device, "float16"):
            for positions, batch in full_batches([tuple(one.shape) for one in inputs], self.batch):
                pixels = torch.stack([inputs[n] for n in batch]).to(self._device)
                output = network(pixel_values=pixels).predicted_depth.float().cpu().numpy()
                for position, plane in zip(positions, output, strict=False):
                    cues[position] = self._cue(images[position], plane)
        return [cues[n] for n in range(len(images))]

    def _cue(self, image: Image, output: Plane) -> DepthCue:
        """The cue of what the network gave for `image`: float32 of any shape, disparity or metres."""
        plane = np.nan_to_num(output, posinf=0.0, neginf=0.0)
        if getattr(self._model[1].config, "depth_estimation_type", "relative") == "metric":
            plane = np.reciprocal(np.maximum(plane, np.float32(1e-3)))
        height, width = fitting(image.shape[0], image.shape[1], _DEPTH_PIXELS)
        shrinking = height * width < plane.size
        method = cv2.INTER_AREA if shrinking else cv2.INTER_LINEAR
        disparity = np.asarray(cv2.resize(plane, (width, height), interpolation=method))
        far, near = np.quantile(disparity, (0.02, 0.98))
        disparity = np.clip((disparity - np.float32(far)) / np.float32(max(near - far, 1e-6)), 0.0, 1.0)
        sky = _sky(image, disparity)
        disparity = disparity * (np.float32(1.0) - sky)
        return DepthCue(_rounded(disparity), _rounded(sky), self.provider, self.version)


def _sky(image: Image, disparity: Plane) -> Plane:
    """Sky in [0, 1] of the shape of `disparity`: sky-coloured, and far."""
    small = shrink_to(image, _SKY_PIXELS)
    rgb = small.astype(np.float32) / np.float32(255.0)
    luma = rgb @ np.array([0.299, 0.587, 0.114], dtype=np.float32)
    size = (luma.shape[1], luma.shape[0])
    far = cv2.resize(disparity, size, interpolation=cv2.INTER_LINEAR) < np.float32(_NEARER_THAN_SKY)
    found = (find_sky(rgb, luma) & far).astype(np.float32)
    soft = np.clip(guided_filter(luma, found, max(1, round(min(luma.shape) / 40)), 1e-4), 0.0, 1.0)
    return np.asarray(cv2.resize(soft, disparity.shape[::-1], interpolation=cv2.INTER_LINEAR))


def _seen(image: Image) -> Image:
    """`image` as large and as long as a network can make use of."""
    small = shrink_to(image, _SEEN_PIXELS)
    height, width = small.shape[:2]
    most = _LONGEST_ASPECT * min(height, width)
    return shrink(small, min(height, most), min(width, most))


def _rounded(plane: Plane) -> Plane:
    """`plane` in [0, 1] rounded to 16 bits, as it is kept in a cache."""
    return np.asarray(np.rint(plane * _LEVELS) / _LEVELS, dtype=np.float32)
