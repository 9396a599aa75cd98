"""Segments by SAM 2's automatic mask generator.

Source: Ravi et al. (2024), "SAM 2: Segment Anything in Images and Videos", by its own package.
"""

from __future__ import annotations

import importlib
import json
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from pickle import UnpicklingError
from typing import Any

import numpy as np
import yaml
from numpy.typing import NDArray

from degradations.contract import Image, check_image
from degradations.cues.inference import Device, batch_size, choose_device, full_batches, inference
from degradations.cues.shrink import shrink_to
from degradations.cues.weights import digest, hub_files, require
from degradations.scene import DepthCue, MaskCue
from schemas.errors import RecipeError
from schemas.recipe.cues import MasksSection

PROVIDER = "sam2"
_CHECKPOINT, _CONFIG = "cues.masks.checkpoint", "cues.masks.config"

#: Pixels that the network is shown at most (it resizes further), and the pixels of the labels.
_SEEN_PIXELS, _LABEL_PIXELS = 1_000_000, 250_000
#: Version of what is made of the network's masks here.
_LABELLING = "1"


def model_files(section: MasksSection) -> tuple[Path, Path]:
    """(YAML of the architecture, checkpoint) that the section names.

    Raises RecipeError when the package or a file is missing, or the YAML builds anything but a network of sam2.
    """
    require("cues.masks.provider", PROVIDER, ("torch", "torchvision", "sam2", "hydra", "safetensors"))
    checkpoint, config = Path(section.checkpoint).expanduser(), section.config
    if not checkpoint.is_file():
        from sam2.build_sam import HF_MODEL_ID_TO_FILENAMES

        if section.checkpoint not in HF_MODEL_ID_TO_FILENAMES:
            ids = ", ".join(HF_MODEL_ID_TO_FILENAMES)
            raise RecipeError(
                f"{_CHECKPOINT}: {section.checkpoint!r} is no file here; name one, or a hub id, one of {ids}"
            )
        own, name = HF_MODEL_ID_TO_FILENAMES[section.checkpoint]
        checkpoint = hub_files(_CHECKPOINT, section.checkpoint, [name]) / name
        config = config or Path(own).stem
    if checkpoint.suffix not in (".pt", ".safetensors"):
        raise RecipeError(f"{_CHECKPOINT}: {section.checkpoint!r} is neither .pt nor .safetensors")
    path = _shipped_configs().get(config) or Path(config).expanduser()
    if not config or not path.is_file():
        known = ", ".join(sorted(_shipped_configs()))
        raise RecipeError(f"{_CONFIG}: {config!r} is no YAML file; name one, or one of {known}")
    _architecture(path)
    return path, checkpoint


def _shipped_configs() -> dict[str, Path]:
    """The architectures that come with sam2, by name."""
    import sam2

    folder = Path(str(sam2.__file__)).parent / "configs"
    return {path.stem: path for name in ("sam2", "sam2.1") for path in sorted((folder / name).glob("*.yaml"))}


def _architecture(path: Path) -> dict[str, Any]:
    """The node `model` of a YAML in sam2's form, all of whose targets are networks of sam2. Raises RecipeError."""
    from omegaconf import OmegaConf
    from omegaconf.errors import OmegaConfBaseException

    try:
        node = OmegaConf.to_container(OmegaConf.load(path), resolve=True)["model"]
        if not isinstance(node, dict) or "_target_" not in node:
            raise KeyError("model._target_")
    except (OmegaConfBaseException, yaml.YAMLError, OSError, UnicodeDecodeError, KeyError, TypeError) as error:
        raise RecipeError(
            f"{_CONFIG}: {path} is not in the form of sam2's configs ({error}); copy one of them"
        ) from error
    for target in _targets(node):
        module, _, name = str(target).rpartition(".")
        try:
            found = getattr(importlib.import_module(module), name) if module.startswith("sam2.modeling.") else None
        except (ImportError, AttributeError):
            found = None
        if not (isinstance(found, type) and found.__module__ == module):
            raise RecipeError(
                f"{_CONFIG}: {path} builds {target!r}, which is no network of sam2; copy one of its configs"
            )
    return dict(node)


def _targets(node: Any) -> list[Any]:
    """Every `_target_` inside `node`."""
    if isinstance(node, list):
        return [target for inner in node for target in _targets(inner)]
    if isinstance(node, dict):
        own = [node["_target_"]] if "_target_" in node else []
        return own + [target for inner in node.values() for target in _targets(inner)]
    return []


class Sam2Masks:
    """SAM 2 with the checkpoint that the section names; its weights are loaded when they are first needed.

    version: 16 hex of the sha256 of configuration, weights and settings, with "-half" where it runs in half precision.
    Raises RecipeError as `model_files`, and for a device that is not there.
    """

    provider = PROVIDER

    def __init__(self, section: MasksSection, device: Device = "auto", batch: int = 0) -> None:
        self._section = section
        self._config, self._checkpoint = model_files(section)
        self._device = choose_device(device)
        self.batch = batch or batch_size(self._device)
        settings = section.model_dump(include={"points_per_side", "predicted_iou", "stability"})
        self.version = digest(self._config, self._checkpoint, json.dumps(settings, sort_keys=True), _LABELLING)
        self.version += "-half" if self._device == "cuda" else ""

    @cached_property
    def _generator(self) -> Any:
        import torch
        from hydra.utils import instantiate
        from omegaconf import OmegaConf
        from safetensors import SafetensorError
        from safetensors.torch import load_file
        from sam2.automatic_mask_generator import SAM2AutomaticMaskGenerator

        network = instantiate(OmegaConf.create(_architecture(self._config)), _recursive_=True)
        try:
            if self._checkpoint.suffix == ".safetensors":
                weights = load_file(str(self._checkpoint))
            else:
                weights = torch.load(self._checkpoint, map_location="cpu", weights_only=True)["model"]
            network.load_state_dict(weights)
        except (OSError, KeyError, RuntimeError, UnpicklingError, SafetensorError) as error:
            raise RecipeError(
                f"{_CHECKPOINT}: {self._checkpoint} does not hold the weights of {self._config.stem} "
                f"({str(error)[:200]}); name the checkpoint and config that belong together"
            ) from error
        generator = SAM2AutomaticMaskGenerator(
            network.to(self._device).eval(),
            points_per_side=self._section.points_per_side,
            pred_iou_thresh=self._section.predicted_iou,
            stability_score_thresh=self._section.stability,
        )
        generator.predictor = _batched_predictor(network)
        return generator

    def load(self) -> None:
        """Loads the weights. Raises RecipeError when they cannot be used."""
        self._generator  # noqa: B018

    def segment(self, images: Sequence[Image], depths: Sequence[DepthCue | None]) -> list[MaskCue]:
        """Segments of each image (uint8 (H, W, 3), sRGB), of at most about 250,000 pixels.

        Smaller masks lie over larger ones; what no mask covers is one segment.
        """
        for image in images:
            check_image(image)
        generator = self._generator
        cues: dict[int, MaskCue] = {}
        with inference(self._device, "bfloat16"):
            for positions, batch in full_batches([()] * len(images), self.batch):
                generator.predictor.encode([shrink_to(images[n], _SEEN_PIXELS) for n in batch])
                for position in positions:
                    canvas = shrink_to(images[position], _LABEL_PIXELS)
                    masks = [record["segmentation"] for record in generator.generate(canvas)]
                    labels = paint(masks, canvas.shape[:2])
                    cues[position] = MaskCue(labels, self.provider, self.version)
        return [cues[n] for n in range(len(images))]


def _batched_predictor(network: Any) -> Any:
    """SAM 2's image predictor for its mask generator, with pictures encoded together beforehand.

    The generator sets one picture after the other, in the order in which they were encoded, and its masks have the size
    of the picture that it sets, which is not looked at again.
    """
    from sam2.sam2_image_predictor import SAM2ImagePredictor

    class Predictor(SAM2ImagePredictor):
        _features: Any
        _orig_hw: Any

        def encode(self, images: list[Image]) -> None:
            self.set_image_batch(images)
            self._encoded, self._next = self._features, 0

        def set_image(self, image: Image) -> None:
            at, self._next = self._next, self._next + 1
            self._features = {
                "image_embed": self._encoded["image_embed"][at : at + 1],
                "high_res_feats": [level[at : at + 1] for level in self._encoded["high_res_feats"]],
            }
            self._orig_hw, self._is_image_set, self._is_batch = [image.shape[:2]], True, False

    return Predictor(network)


def paint(masks: Sequence[NDArray[np.bool_]], shape: tuple[int, int]) -> NDArray[np.int32]:
    """Labels int32 of `shape` from masks (bool, the same) that may overlap: smaller ones on top, numbered 0, 1, ..."""
    labels = np.zeros(shape, dtype=np.int32)
    order = sorted(range(len(masks)), key=lambda n: (-int(masks[n].sum()), n))
    for number, n in enumerate(order, 1):
        labels[masks[n]] = number
    return np.asarray(np.unique(labels, return_inverse=True)[1].reshape(shape), dtype=np.int32)
