"""Pictures and sentences in one space: any model of open_clip.

Sources: Radford et al. (2021), "Learning Transferable Visual Models From Natural Language Supervision" (CLIP); Cherti
et al. (2023), "Reproducible scaling laws for contrastive language-image learning" (OpenCLIP).
"""

from __future__ import annotations

import hashlib
import pickle
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from filters.contract import Image
from filters.inference import Device, choose_device, digest, full_batches, inference, require
from schemas.errors import RecipeError
from schemas.record import canonical_json

_PACKAGES = ("torch", "torchvision", "open_clip", "safetensors")
_FOLDER, _HUB = "local-dir:", "hf-hub:"
_SUFFIXES = (".safetensors", ".pt", ".pth", ".bin")
#: Longest aspect that a model is shown; of longer pictures it is shown the middle.
_LONGEST_ASPECT = 8
#: Version of what is made of a picture and of the model's output here.
_CONVERSION = "1"


@dataclass(frozen=True)
class _Loaded:
    network: Any
    transform: Any
    version: str


class ClipModel:
    """An open_clip model; its weights are loaded when they are first needed.

    model: an architecture that open_clip knows, with a checkpoint: a file (.safetensors, or .pt, .pth, .bin holding
    nothing but tensors) or a tag that open_clip knows for it; or `local-dir:FOLDER` or `hf-hub:OWNER/NAME` without,
    which hold open_clip_config.json and weights. A file is shown pictures as open_clip prepares them by default; where
    a model needs another mean or size, a folder says so.
    device: `auto` takes a GPU if there is one. batch: pictures shown at once on a GPU, in half precision; a CPU takes
    them one by one, so that the batch changes nothing.
    field: the recipe's section, for messages. Raises RecipeError, which names it, when a package is not installed, the
    device is not there, or model or checkpoint is unknown.
    """

    def __init__(self, model: str, checkpoint: str, device: Device = "auto", batch: int = 16, field: str = "") -> None:
        self._field = field or "filters.semantics"
        require(f"{self._field}.provider", "open_clip", _PACKAGES, "semantics")
        self._model, self._checkpoint = model, checkpoint
        self._device = choose_device(device)
        self._batch = batch if self._device == "cuda" else 1
        self._check()

    def _check(self) -> None:
        """Raises RecipeError for what can be told without loading anything."""
        name, checkpoint = self._model, self._checkpoint
        if name.startswith((_FOLDER, _HUB)):
            if checkpoint:
                raise RecipeError(
                    f"{self._field}.checkpoint: {checkpoint!r}, but {name!r} brings its own; leave it empty"
                )
            folder = Path(name.removeprefix(_FOLDER)).expanduser()
            if name.startswith(_FOLDER) and not (folder / "open_clip_config.json").is_file():
                raise RecipeError(
                    f"{self._field}.model: {str(folder)!r} has no open_clip_config.json; name a folder that open_clip "
                    "saved (push_to_hf_hub's layout)"
                )
            return
        import open_clip

        if name not in open_clip.list_models():
            raise RecipeError(
                f"{self._field}.model: open_clip {open_clip.__version__} knows no architecture {name!r}{_near(name)}; "
                "name one of open_clip.list_models(), or hf-hub:OWNER/NAME or local-dir:FOLDER"
            )
        if self._file is not None:
            if self._file.suffix not in _SUFFIXES:
                raise RecipeError(
                    f"{self._field}.checkpoint: {checkpoint!r} is no {', '.join(_SUFFIXES)} file; convert it"
                )
        elif not open_clip.get_pretrained_cfg(name, checkpoint):
            tags = ", ".join(open_clip.list_pretrained_tags_by_model(name)) or "none"
            raise RecipeError(
                f"{self._field}.checkpoint: {checkpoint!r} is neither a file here nor a tag of {name}; its tags: {tags}"
            )

    @property
    def _file(self) -> Path | None:
        path = Path(self._checkpoint).expanduser()
        return path if self._checkpoint and path.is_file() else None

    @property
    def version(self) -> str:
        """16 hex of the sha256 of weights, architecture and preprocessing, with "-half" where it runs in half
        precision. Loads the weights."""
        return self._loaded.version

    @cached_property
    def _loaded(self) -> _Loaded:
        import open_clip
        from open_clip.transform import PreprocessCfg, image_transform_v2
        from safetensors import SafetensorError

        name = self._model
        if name.startswith(_FOLDER):
            name = _FOLDER + str(Path(name.removeprefix(_FOLDER)).expanduser())
        # OpenAI's weights were trained with another GELU than the architecture of the same name has.
        known = None if self._file or not self._checkpoint else open_clip.get_pretrained_cfg(name, self._checkpoint)
        quick = bool(known and known.get("quick_gelu"))
        try:
            config = open_clip.get_model_config(name)
            network = open_clip.create_model_from_pretrained(
                name,
                str(self._file) if self._file else self._checkpoint or None,
                force_quick_gelu=quick,
                weights_only=True,
                return_transform=False,
            )
        except pickle.UnpicklingError as error:
            raise RecipeError(
                f"{self._field}.checkpoint: {self._checkpoint or name!r} holds more than tensors and is not opened; "
                "save its state_dict as safetensors"
            ) from error
        except (RuntimeError, OSError, ValueError, KeyError, TypeError, AttributeError, SafetensorError) as error:
            raise RecipeError(
                f"{self._field}: {self._model!r} with checkpoint {self._checkpoint!r} cannot be loaded "
                f"({type(error).__name__}: {_first_lines(error)}); bring the whole checkpoint of that architecture"
            ) from error
        prepare = PreprocessCfg(**network.visual.preprocess_cfg)
        said = canonical_json({"model": config, "quick_gelu": quick, "preprocess": asdict(prepare)})
        version = digest(_weights(network), said, _CONVERSION) + ("-half" if self._device == "cuda" else "")
        network = network.to(self._device).eval().requires_grad_(False)
        return _Loaded(network, image_transform_v2(prepare, is_train=False), version)

    def load(self) -> None:
        """Loads the weights. Raises RecipeError when they cannot be used."""
        self._loaded  # noqa: B018

    @property
    def logit_scale(self) -> float:
        """What cosines were multiplied with before the softmax in training."""
        return float(self._loaded.network.logit_scale.detach().exp().reshape(-1)[0])

    def embed(self, images: Sequence[Image]) -> NDArray[np.float32]:
        """Float32 (n, d) of unit length: an embedding of each picture (uint8 (H, W, 3), sRGB)."""
        import torch

        loaded = self._loaded
        prepared = [loaded.transform(_seen(image)) for image in images]
        parts = []
        with inference(self._device):
            for positions in full_batches(len(images), self._batch):
                pixels = torch.stack([prepared[n] for n in positions]).to(self._device)
                features = loaded.network.encode_image(pixels)
                parts.append(features.float().cpu().numpy())
        if not parts:
            return np.zeros((0, 0), dtype=np.float32)
        return _unit(np.concatenate(parts)[: len(images)])

    def embed_texts(self, sentences: Sequence[str]) -> NDArray[np.float32]:
        """Float32 (n, d) of unit length: an embedding of each sentence, cut off where the model stops reading."""
        import open_clip

        name = self._model
        try:
            tokens = open_clip.get_tokenizer(name)(list(sentences))
        except (RuntimeError, OSError, ValueError, ImportError) as error:
            raise RecipeError(
                f"{self._field}.model: the tokenizer of {name!r} cannot be loaded ({type(error).__name__}: "
                f"{_first_lines(error)}); bring its files, or take a model with open_clip's own"
            ) from error
        with inference(self._device):
            features = self._loaded.network.encode_text(tokens.to(self._device))
        return _unit(features.float().cpu().numpy())


def _seen(image: Image) -> Any:
    """`image` as a Pillow image, of one that is very long the middle."""
    from PIL import Image as Pillow

    height, width = image.shape[:2]
    most = _LONGEST_ASPECT * min(height, width)
    top, left = max(0, height - most) // 2, max(0, width - most) // 2
    return Pillow.fromarray(np.ascontiguousarray(image[top : top + most, left : left + most]))


def _unit(features: NDArray[np.float32]) -> NDArray[np.float32]:
    length = np.sqrt(np.square(features.astype(np.float64)).sum(axis=1, keepdims=True))
    return (features / np.maximum(length, 1e-12)).astype(np.float32)


def _weights(network: Any) -> str:
    """Hex sha256 of the weights: names, shapes and values."""
    whole = hashlib.sha256()
    for name, tensor in sorted(network.state_dict().items()):
        value = np.ascontiguousarray(tensor.float().numpy())
        whole.update(f"{name}{value.shape}".encode())
        whole.update(value.reshape(-1).view(np.uint8).data)
    return whole.hexdigest()


def _near(name: str) -> str:
    import difflib

    import open_clip

    near = difflib.get_close_matches(name, open_clip.list_models(), n=1, cutoff=0.6)
    return f" (did you mean {near[0]}?)" if near else ""


def _first_lines(error: Exception) -> str:
    return " ".join(str(error).split("\n")[:2]).strip()[:300]
