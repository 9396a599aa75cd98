"""What the small editors read of a request: the words of the prompt and an overview of the picture."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from training.editors.base import Condition, Request
from training.editors.tiny.words import word_ids

#: Words of a prompt that are read.
WORDS = 16
#: Side of the overview, the whole degraded picture made small, and of its patches.
OVERVIEW, OVERVIEW_PATCH = 32, 8
#: Tokens of the context.
TOKENS = WORDS + (OVERVIEW // OVERVIEW_PATCH) ** 2


def read_request(request: Request, rows: int) -> Condition:
    """words: int64 (16,), rows of a table of `rows`. overview: float32 (16, 192), patches of the picture made small, in
    [−1, 1]; zeros without a picture.
    """
    ids = torch.tensor(word_ids(request.prompt, rows, WORDS), dtype=torch.int64)
    return {"words": ids, "overview": torch.from_numpy(_overview(request.picture))}


def joined(conditions: Sequence[Condition], device: torch.device) -> Condition:
    """Conditions of one length as a batch on `device`."""
    return {name: torch.stack([each[name] for each in conditions]).to(device) for name in conditions[0]}


class Context(nn.Module):
    """Embeds words and overview as tokens of one width."""

    def __init__(self, rows: int, width: int) -> None:
        super().__init__()
        self.words = nn.Embedding(rows, width)
        self.overview = nn.Linear(3 * OVERVIEW_PATCH**2, width)
        nn.init.normal_(self.words.weight, std=0.5)

    def forward(self, condition: Condition) -> tuple[Tensor, Tensor]:
        """Tokens (B, 32, width) and pooled vector (B, width)."""
        words = self.words(condition["words"])
        return torch.cat([words, self.overview(condition["overview"])], dim=1), words.mean(dim=1)


def _overview(picture: NDArray[np.uint8] | None) -> NDArray[np.float32]:
    side = OVERVIEW // OVERVIEW_PATCH
    if picture is None:
        return np.zeros((side * side, 3 * OVERVIEW_PATCH**2), np.float32)
    small = cv2.resize(picture, (OVERVIEW, OVERVIEW), interpolation=cv2.INTER_AREA).astype(np.float32) / 127.5 - 1.0
    patches = small.reshape(side, OVERVIEW_PATCH, side, OVERVIEW_PATCH, 3).transpose(0, 2, 1, 3, 4)
    return np.ascontiguousarray(patches.reshape(side * side, -1))
