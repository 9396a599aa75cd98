"""Prompts as the text encoders of each family must see them, and which of the encoded tokens are kept.

The templates are part of the trained models: weights were fitted to these very characters, so they are given
verbatim, with Qwen2.5-VL's chat marks (2025) around them. FLUX.1 Kontext has no template: its T5 sees the bare prompt.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor

_PICTURE = "<|vision_start|><|image_pad|><|vision_end|>"
_USER, _END = "<|im_start|>user\n", "<|im_end|>\n<|im_start|>assistant\n"

#: Step1X-Edit (2025), kept by RealRestorer (2026).
STEP1X_PREFIX = (
    'Given a user prompt, generate an "Enhanced prompt" that provides detailed visual descriptions suitable for image '
    "generation. Evaluate the level of detail in the user prompt:\n"
    "- If the prompt is simple, focus on adding specifics about colors, shapes, sizes, textures, and spatial "
    "relationships to create vivid and concrete scenes.\n"
    "- If the prompt is already detailed, refine and enhance the existing details slightly without overcomplicating.\n"
    "\nHere are examples of how to transform or refine prompts:\n"
    "- User Prompt: A cat sleeping -> Enhanced: A small, fluffy white cat curled up in a round shape, sleeping "
    "peacefully on a warm sunny windowsill, surrounded by pots of blooming red flowers.\n"
    "- User Prompt: A busy city street -> Enhanced: A bustling city street scene at dusk, featuring glowing street "
    "lamps, a diverse crowd of people in colorful clothing, and a double-decker bus passing by towering glass "
    "skyscrapers.\n\n"
    "Please generate only the enhanced description for the prompt below and avoid including any additional commentary "
    "or evaluations:\n"
    "User Prompt:"
)
#: Qwen-Image-Edit and its Plus (2025).
QWEN_SYSTEM = (
    "Describe the key features of the input image (color, shape, size, texture, objects, background), then explain how "
    "the user's text instruction should alter or modify the image. Generate a new image that meets the user's "
    "requirements while maintaining consistency with the original input where appropriate."
)


def step1x_prompt(instruction: str, picture: bool = True) -> str:
    """The chat text of one instruction and one picture, or of an instruction alone. The unconditional branch is the
    empty instruction, the picture kept.
    """
    system = "<|im_start|>system\nYou are a helpful assistant.<|im_end|>\n"
    shown = f"Picture 1: {_PICTURE}" if picture else ""
    return f"{system}{_USER}{STEP1X_PREFIX}{shown}{instruction}{_END}"


def qwen_prompt(instruction: str) -> str:
    """Qwen-Image-Edit's chat text of one instruction and one picture."""
    return _qwen_chat(_PICTURE + instruction)


def qwen_plus_prompt(instruction: str, pictures: int) -> str:
    """Qwen-Image-Edit-Plus's chat text of one instruction and its numbered pictures."""
    return _qwen_chat("".join(f"Picture {number + 1}: {_PICTURE}" for number in range(pictures)) + instruction)


def _qwen_chat(user: str) -> str:
    return f"<|im_start|>system\n{QWEN_SYSTEM}<|im_end|>\n{_USER}{user}{_END}"


class Piece(NamedTuple):
    """A part of a prompt that is tokenised by itself.

    quoted: a single character, tokenised between “ and ”; these two go where they stay tokens of their own.
    """

    text: str
    quoted: bool


#: Quotes up to this place of the chat text, those of the prefix, are not split at.
_FIRST_QUOTE = 155


def step1x_pieces(chat: str) -> list[Piece]:
    """Step1X's split of a chat text: every character between quotes is its own piece, so that words to be written
    into the picture are spelt.

    ' “ ” all count as ", so an apostrophe opens a quotation too; left open, it reaches through the chat's end marks.
    An opening mark ends its piece, a closing one begins the next.
    """
    pieces: list[Piece] = []
    plain, inside = "", False
    for place, character in enumerate(chat.translate({ord(mark): '"' for mark in "'“”"})):
        if character == '"' and place > _FIRST_QUOTE:
            plain += character
            if not inside:
                pieces.append(Piece(plain, quoted=False))
                plain = ""
            inside = not inside
        elif inside:
            pieces.append(Piece(character, quoted=True))
        else:
            plain += character
    return [*pieces, Piece(plain, quoted=False)] if plain else pieces


class Kept(NamedTuple):
    """How many of the first encoded positions go, and to how many the rest is cut or filled with zeros.

    length None: the longest prompt of the batch, never cut.
    """

    drop: int
    length: int | None


#: Positions kept of the encoders' last hidden states. Step1X's published code drops 217, six before the picture's mark;
#: Qwen's 64 are the template before the picture.
KEPT: dict[str, Kept] = {
    "step1x": Kept(drop=217, length=640),
    "kontext": Kept(drop=0, length=512),
    "qwen-image-edit": Kept(drop=64, length=None),
}


def keep(hidden: Sequence[Tensor], kept: Kept) -> tuple[Tensor, Tensor]:
    """Embeddings (B, length, width), zeros after each prompt's end, and the mask of real positions, bool (B, length).

    hidden: the states of each prompt without padding, (positions, width).
    """
    rows = [states[kept.drop :][: kept.length] for states in hidden]
    length = max(len(row) for row in rows) if kept.length is None else kept.length
    embeddings = torch.stack([torch.cat([row, row.new_zeros(length - len(row), row.shape[1])]) for row in rows])
    lengths = torch.tensor([len(row) for row in rows], device=embeddings.device)
    return embeddings, torch.arange(length, device=embeddings.device) < lengths[:, None]
