"""Marks found by an open-vocabulary detector: OWLv2, as transformers loads it.

Source: Minderer, Gritsenko and Houlsby (2023), "Scaling Open-Vocabulary Object Detection".
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from filters.contract import Finding, Image
from filters.inference import Device, choose_device, digest, full_batches, inference, require
from schemas.errors import RecipeError

FIELD = "filters.watermark.model"

_PATTERNS = ("*.json", "merges.txt", "vocab.json", "*.safetensors")
_HUB_ID = re.compile(r"[\w-][\w.-]*/[\w-][\w.-]*")
#: Detections kept in the answer at most.
_KEPT = 20


class Owlv2Watermark:
    """The model of a local folder or hub id; its weights, safetensors alone, are loaded when first needed.

    queries: what is looked for. threshold: the detection score, in [0, 1], at which a watermark is as likely as not.
    batch: pictures at once on a GPU, where short batches are filled up so that a result never depends on its
    neighbours; on a CPU they go one by one.

    Scores: watermark.detector, the highest detection score of any query in [0, 1]; watermark, a probability in [0, 1]:
    the odds of that score over the odds of the threshold. The answer watermark.detections is JSON: query, score and
    box (left, top, right, bottom in pixels) of up to 20 detections from the threshold on.
    Raises RecipeError for packages, files or a GPU that are not there. GPU memory errors are the caller's.
    """

    name = "watermark"
    provider = "owlv2"

    def __init__(
        self, model: str, queries: Sequence[str], threshold: float, device: Device = "auto", batch: int = 16
    ) -> None:
        self._folder = model_folder(model)
        self._queries = tuple(queries)
        self._threshold = threshold
        self._device = choose_device(device)
        self._batch = batch if self._device == "cuda" else 1

    @cached_property
    def version(self) -> str:
        """16 hex of the sha256 of the model's files, the queries and the threshold; "-half" in half precision."""
        files = sorted({path for pattern in _PATTERNS for path in self._folder.glob(pattern)})
        return digest(*files, json.dumps([self._queries, self._threshold])) + (
            "-half" if self._device == "cuda" else ""
        )

    @cached_property
    def _model(self) -> tuple[Any, Any, Any]:
        """(image processor, network, token ids of the queries)."""
        import torch
        from safetensors import SafetensorError
        from transformers import Owlv2ForObjectDetection, Owlv2Processor
        from transformers.utils.logging import disable_progress_bar

        disable_progress_bar()
        local = {"local_files_only": True, "trust_remote_code": False}
        try:
            processor = Owlv2Processor.from_pretrained(self._folder, **local)
            network, told = Owlv2ForObjectDetection.from_pretrained(
                self._folder, use_safetensors=True, dtype=torch.float32, output_loading_info=True, **local
            )
        except (OSError, ValueError, RuntimeError, SafetensorError) as error:
            raise RecipeError(f"{FIELD}: {self._folder} cannot be loaded ({error}); bring the whole model") from error
        if lacking := sorted(told["missing_keys"]) + sorted(map(str, told["mismatched_keys"])):
            raise RecipeError(f"{FIELD}: the weights in {self._folder} lack {lacking[0]}; bring the whole model")
        longest = network.config.text_config.max_position_embeddings
        for query in self._queries:
            if len(processor.tokenizer(query)["input_ids"]) > longest:
                raise RecipeError(
                    f"filters.watermark.queries: {query!r} has more than the {longest} tokens that the model reads; "
                    "shorten it"
                )
        tokens = processor.tokenizer(list(self._queries), padding="max_length", max_length=longest, return_tensors="pt")
        network = network.to(self._device).eval()
        return processor.image_processor, network, tokens.to(self._device)

    def load(self) -> None:
        """Loads the weights. Raises RecipeError when they cannot be used."""
        self._model  # noqa: B018

    def score(self, images: Sequence[Image]) -> list[Finding]:
        """A finding for each picture, uint8 (H, W, 3) sRGB of any size."""
        found: list[Finding] = []
        for positions in full_batches(len(images), self._batch):
            found += self._detect([images[n] for n in positions])
        return found[: len(images)]

    def _detect(self, images: Sequence[Image]) -> list[Finding]:
        import torch

        prepare, network, tokens = self._model
        side = max(prepare.size["height"], prepare.size["width"])
        with inference(self._device):
            seen = [prepare(images=_fitting(image, side), input_data_format="channels_last", return_tensors="pt")
                    for image in images]  # fmt: skip
            output = network(
                pixel_values=torch.cat([one["pixel_values"] for one in seen]).to(self._device),
                input_ids=tokens["input_ids"].repeat(len(images), 1),
                attention_mask=tokens["attention_mask"].repeat(len(images), 1),
            )
            scores = torch.sigmoid(output.logits).float().cpu().numpy()
            boxes = output.pred_boxes.float().cpu().numpy()
        return [self._finding(*three) for three in zip(images, scores, boxes, strict=True)]

    def _finding(self, image: Image, scores: np.ndarray, boxes: np.ndarray) -> Finding:
        """scores: (boxes, queries); boxes: (boxes, 4), centre and size in parts of the picture's long side."""
        best = scores.max(axis=1)
        highest = float(best.max(initial=0.0))
        found = {"watermark": _odds_ratio(highest, self._threshold), "watermark.detector": highest}
        kept = [int(n) for n in np.argsort(-best, kind="stable")[:_KEPT] if best[n] >= self._threshold]
        if not kept:
            return Finding(found)
        height, width = image.shape[:2]
        corners = np.concatenate((boxes[:, :2] - boxes[:, 2:] / 2, boxes[:, :2] + boxes[:, 2:] / 2), axis=1)
        corners = np.clip(corners * max(height, width), 0, [width, height, width, height])
        detections = [
            {
                "query": self._queries[int(scores[n].argmax())],
                "score": round(float(best[n]), 4),
                "box": [round(float(value), 1) for value in corners[n]],
            }
            for n in kept
        ]
        return Finding(found, {"watermark.detections": json.dumps(detections, ensure_ascii=False)})


def model_folder(model: str) -> Path:
    """The folder with the files of `model`, a local folder or a hub id (downloaded where the hub's cache lacks it).

    Raises RecipeError when packages or files are missing, the weights are no safetensors, or it is no OWLv2.
    """
    require(FIELD, model, ("torch", "torchvision", "transformers", "safetensors"), "watermark")
    folder = Path(model).expanduser()
    if not folder.is_dir():
        if _HUB_ID.fullmatch(model) is None or ".." in model:
            raise RecipeError(f"{FIELD}: {model!r} is no folder here and no hub id; name a folder or owner/name")
        folder = _from_hub(model)
    if not (folder / "config.json").is_file():
        raise RecipeError(f"{FIELD}: {model!r} has no config.json; write it with transformers' save_pretrained")
    if not list(folder.glob("*.safetensors")):
        raise RecipeError(f"{FIELD}: {model!r} has no *.safetensors; convert it with transformers' save_pretrained")
    kind = json.loads((folder / "config.json").read_text(encoding="utf-8")).get("model_type")
    if kind != "owlv2":
        raise RecipeError(
            f"{FIELD}: {model!r} is a model of type {kind!r}, not owlv2; take e.g. google/owlv2-base-patch16-ensemble"
        )
    return folder


def _from_hub(model: str) -> Path:
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError, LocalEntryNotFoundError

    try:
        return Path(snapshot_download(model, allow_patterns=list(_PATTERNS)))
    except (HfHubHTTPError, HFValidationError, LocalEntryNotFoundError, OSError) as error:
        reason = str(error).strip().split("\n")[0]
        raise RecipeError(
            f"{FIELD}: {model!r} is neither a folder here nor a model that the hub gives ({reason}); name a local "
            "folder, or a hub id while the hub can be reached"
        ) from error


def _fitting(image: Image, side: int) -> Image:
    """`image` with its long side at most `side` pixels: the network resizes no better and much more slowly."""
    scale = side / max(image.shape[:2])
    if scale >= 1.0:
        return image
    size = (max(1, round(image.shape[1] * scale)), max(1, round(image.shape[0] * scale)))
    return np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA))


def _odds_ratio(score: float, threshold: float) -> float:
    """Odds of `score` over those of `threshold`, as a probability: a half where they are equal."""
    if math.isnan(score):
        return math.nan
    favour, against = score * (1.0 - threshold), threshold * (1.0 - score)
    return favour / (favour + against) if favour + against > 0.0 else 0.0
