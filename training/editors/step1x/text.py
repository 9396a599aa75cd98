"""Step1X-Edit's reading of an instruction and its picture: the last hidden states of Qwen2.5-VL."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor
from transformers import Qwen2Tokenizer, Qwen2VLImageProcessorPil
from transformers.models.qwen2_vl.image_processing_pil_qwen2_vl import smart_resize

from degradations.cues.weights import digest
from schemas.errors import CheckpointError
from training.editors.base import Request
from training.editors.file_digest import sampled_digest
from training.editors.qwen_vl import last_hidden_states, load_qwen_vl
from training.families.prompts import KEPT, step1x_pieces, step1x_prompt

#: Pixels along the side of one of Qwen2.5-VL's picture tokens, and the fewest and most tokens of a picture (2025).
TOKEN, FEWEST, MOST = 28, 256, 324
_FEWEST_SHOWN, _MOST_SHOWN = 4, 16384
_PICTURE, _PICTURE_END = "<|image_pad|>", "<|vision_end|>"
_MARKS = {"<|im_start|>", "<|im_end|>", "<|vision_start|>", _PICTURE, _PICTURE_END}
_FILES = (".safetensors", ".json", ".txt")


class Step1XReader:
    """Qwen2.5-VL of a folder, frozen, loaded at first use: bf16 on an accelerator, fp32 on a CPU.

    find: gives the folder, asked at first use: as transformers writes it, or one with `text_encoder` and `processor`.
    loaded: the model, once it is in memory.
    """

    def __init__(self, find: Callable[[], Path]) -> None:
        self._find = find
        self.loaded: Any = None

    @cached_property
    def _folder(self) -> Path:
        return self._find()

    @property
    def _model(self) -> Path:
        return _inside(self._folder, "text_encoder")

    @property
    def _processor(self) -> Path:
        return _inside(self._folder, "processor")

    @cached_property
    def digest(self) -> str:
        """Of the model's and the processor's files (see `sampled_digest`)."""
        folders = sorted({self._model, self._processor})
        return digest(*(sampled_digest(path for path in each.glob("*") if path.suffix in _FILES) for each in folders))

    @cached_property
    def _tokenizer(self) -> Any:
        """Raises CheckpointError when a mark of the chat is no token of it."""
        tokenizer = _opened(Qwen2Tokenizer, self._processor)
        if absent := sorted(_MARKS - tokenizer.get_vocab().keys()):
            raise CheckpointError(
                f"training.editor.text_encoder: the tokenizer in {self._processor} has no {', '.join(absent)}; name "
                "Qwen2.5-VL's folder"
            )
        return tokenizer

    @cached_property
    def _pictures(self) -> Any:
        """Resizes with Pillow: the published weights were trained so."""
        size = {"shortest_edge": FEWEST * TOKEN**2, "longest_edge": MOST * TOKEN**2}
        return _opened(Qwen2VLImageProcessorPil, self._processor, size=size)

    def _on(self, device: torch.device) -> Any:
        if self.loaded is None:
            dtype = torch.float32 if device.type == "cpu" else torch.bfloat16
            self.loaded = load_qwen_vl(self._model, dtype, device)
        return self.loaded.to(device)

    def read(self, request: Request, device: torch.device) -> Tensor:
        """The states (positions, width) behind the dropped ones, no more than are kept (`prompts.KEPT`).

        Without a picture the chat names none, and what stands before the instruction is dropped. Raises ValueError for
        a picture more than 200 times as long as wide.
        """
        inputs = self._inputs(request)
        states = last_hidden_states(self._on(device), {name: each.to(device) for name, each in inputs.items()})[0]
        drop, length = KEPT["step1x"]
        if request.picture is None:
            before = step1x_prompt("", picture=False).rpartition("<|im_end|>")[0]
            drop = min(drop, len(self._ids(before)))
        return states[drop:][:length]

    def _inputs(self, request: Request) -> dict[str, Tensor]:
        chat = step1x_prompt(request.prompt, picture=request.picture is not None)
        ids = self._pieced_ids(chat)
        if request.picture is None:
            return {"input_ids": torch.tensor([ids])}
        made = self._pictures(images=[shown(request.picture)], return_tensors="pt")
        tokens = int(made["image_grid_thw"].prod()) // self._pictures.merge_size**2
        before, end, _ = chat.partition(_PICTURE_END)
        (mark,), (end_id,) = self._ids(_PICTURE), self._ids(end)
        head = self._ids(before.replace(_PICTURE, _PICTURE * tokens))
        whole = torch.tensor([head + ids[ids.index(end_id) :]])
        return {"input_ids": whole, "mm_token_type_ids": (whole == mark).int(), **made}

    def _pieced_ids(self, chat: str) -> list[int]:
        """Of the chat text, quoted words spelt."""
        opening, closing = self._ids("“"), self._ids("”")
        ids: list[int] = []
        for piece in step1x_pieces(chat):
            found = self._ids(f"“{piece.text}”" if piece.quoted else piece.text)
            if piece.quoted and found[: len(opening)] == opening and found[-len(closing) :] == closing:
                found = found[len(opening) : -len(closing)]
            ids += found
        return ids

    def _ids(self, text: str) -> list[int]:
        return self._tokenizer(text, add_special_tokens=False)["input_ids"]


def shown(picture: NDArray[np.uint8]) -> Image.Image:
    """The picture, uint8 (H, W, 3), with sides that are multiples of 28 pixels, as Qwen2.5-VL's own code makes it
    before the processor brings it to 256 to 324 tokens.
    """
    height, width, _ = picture.shape
    size = smart_resize(height, width, TOKEN, _FEWEST_SHOWN * TOKEN**2, _MOST_SHOWN * TOKEN**2)
    return Image.fromarray(picture).resize(size[::-1], Image.Resampling.BICUBIC)


def _inside(folder: Path, name: str) -> Path:
    return folder / name if (folder / name).is_dir() else folder


def _opened(kind: Any, folder: Path, **settings: Any) -> Any:
    try:
        return kind.from_pretrained(folder, local_files_only=True, **settings)
    except (OSError, ValueError, KeyError, TypeError, RuntimeError) as error:
        raise CheckpointError(
            f"training.editor.text_encoder: {folder} has no usable {kind.__name__} ({error}); name Qwen2.5-VL's folder"
        ) from error
