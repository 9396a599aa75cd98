"""The recogniser's network: a timm backbone for each of two views, and two linear heads."""

from __future__ import annotations

from typing import Any

import timm
import torch
from torch import Tensor, nn

from filters.recogniser.views import TILE_PLANES, WHOLE_PLANES


class RecogniserNetwork(nn.Module):
    """Which degradations a picture shows, and how severe each is.

    Both views pass through backbones of one architecture, without pretrained weights. Planes are averaged and their
    maximum is taken over places and tiles (a streak of rain or a band of moiré fills a part of the picture), the four
    vectors are normalised and joined, and two linear layers read them. Presence has one logit a degradation and one
    for clean: several degradations may be present, so each is a sigmoid of its own and no softmax.

    Raises ValueError when timm has no such backbone, or it gives no planes (n, c, h, w).
    """

    def __init__(self, backbone: str, names: int) -> None:
        super().__init__()
        if not timm.is_model(backbone):
            raise ValueError(f"timm {timm.__version__} has no model {backbone!r}; see timm.list_models()")
        self.tile: Any = _backbone(backbone, TILE_PLANES)
        self.whole: Any = _backbone(backbone, WHOLE_PLANES)
        width = _planes_of(self.whole, backbone)
        self.norms = nn.ModuleList(nn.LayerNorm(width) for _ in range(4))
        self.presence, self.severity = nn.Linear(4 * width, names + 1), nn.Linear(4 * width, names)

    def forward(self, tiles: Tensor, wholes: Tensor) -> tuple[Tensor, Tensor]:
        """Logits of presence (n, names + 1), clean last, and of severity (n, names).

        tiles: (n, t, 6, s, s), any number t ≥ 1 a picture. wholes: (n, 3, w, w).
        """
        count, each = tiles.shape[:2]
        planes = self.tile.forward_features(tiles.flatten(0, 1))
        near = planes.unflatten(0, (count, each)).transpose(1, 2).flatten(2)
        far = self.whole.forward_features(wholes).flatten(2)
        pooled = [near.mean(2), near.amax(2), far.mean(2), far.amax(2)]
        joined = torch.cat([norm(one) for norm, one in zip(self.norms, pooled, strict=True)], 1)
        return self.presence(joined), self.severity(joined)


def _backbone(name: str, planes: int) -> nn.Module:
    return timm.create_model(name, pretrained=False, in_chans=planes, num_classes=0, global_pool="")


def _planes_of(backbone: Any, name: str) -> int:
    """How many planes the backbone gives."""
    try:
        with torch.no_grad():
            shape = tuple(backbone.eval().forward_features(torch.zeros(1, WHOLE_PLANES, 64, 64)).shape)
    except (AssertionError, RuntimeError) as error:
        raise ValueError(f"{name!r} takes no picture of any size ({error}); take a convolutional one") from error
    finally:
        backbone.train()
    if len(shape) != 4 or shape[1] != backbone.num_features:
        raise ValueError(f"{name!r} gives {shape}, no planes (n, c, h, w); take a convolutional one")
    return int(shape[1])
