"""The recogniser's network: a timm backbone for each of two views, the statistics, and two linear heads."""

from __future__ import annotations

from typing import Any

import timm
import torch
from torch import Tensor, nn

from filters.recogniser.views import TILE_PLANES, WHOLE_PLANES

#: Units of the layer over the statistics, and the deviation beyond which a statistic counts as this.
HIDDEN, MOST = 128, 4.0


class RecogniserNetwork(nn.Module):
    """Which degradations a picture shows, and how severe each is.

    Both views pass through backbones of one architecture, without pretrained weights. Of the planes, the mean and the
    maximum over places are taken (a streak of rain or a band of moiré fills a part of the picture), and their mean
    over tiles, so that the number of tiles changes no scale. These vectors, normalised, and a layer over the picture's
    statistics are read by two linear heads. Presence has one logit a degradation and one for clean: several
    degradations may be present, so each is a sigmoid of its own and no softmax.

    Raises ValueError when timm has no such backbone, or it gives no planes (n, c, h, w).
    """

    centre: Tensor
    scale: Tensor

    def __init__(self, backbone: str, names: int, statistics: int) -> None:
        super().__init__()
        if not timm.is_model(backbone):
            raise ValueError(f"timm {timm.__version__} has no model {backbone!r}; see timm.list_models()")
        self.tile: Any = _backbone(backbone, TILE_PLANES)
        self.whole: Any = _backbone(backbone, WHOLE_PLANES)
        width = _planes_of(self.whole, backbone)
        self.norms = nn.ModuleList(nn.LayerNorm(width) for _ in range(4))
        self.register_buffer("centre", torch.zeros(statistics))
        self.register_buffer("scale", torch.ones(statistics))
        self.measures = nn.Sequential(nn.Linear(2 * statistics, HIDDEN), nn.GELU())
        joined = 4 * width + HIDDEN
        self.presence, self.severity = nn.Linear(joined, names + 1), nn.Linear(joined, names)

    @torch.no_grad()
    def standardise(self, statistics: Tensor) -> None:
        """Centre and scale of each statistic, its median and half the distance of the outer sixths, of (n, k) values;
        NaN, which stands for what could not be measured, counts nowhere."""
        low, centre, high = (statistics.double().nanquantile(q, 0) for q in (1 / 6, 0.5, 5 / 6))
        self.centre.copy_(centre.nan_to_num())
        self.scale.copy_(((high - low) / 2).nan_to_num().clamp(min=1e-3))

    def forward(self, tiles: Tensor, wholes: Tensor, statistics: Tensor) -> tuple[Tensor, Tensor]:
        """Logits of presence (n, names + 1), clean last, and of severity (n, names).

        tiles: (n, t, 6, s, s), any number t ≥ 1 a picture. wholes: (n, 3, w, w). statistics: (n, k), NaN where one
        could not be measured.
        """
        count, each = tiles.shape[:2]
        planes = self.tile.forward_features(tiles.flatten(0, 1))
        near = planes.unflatten(0, (count, each)).flatten(3)
        far = self.whole.forward_features(wholes).flatten(2)
        pooled = [near.mean(3).mean(1), near.amax(3).mean(1), far.mean(2), far.amax(2)]
        unknown = statistics.isnan()
        deviation = ((statistics - self.centre) / self.scale).clamp(-MOST, MOST).masked_fill(unknown, 0.0)
        measures = self.measures(torch.cat([deviation, unknown.float()], 1))
        joined = torch.cat([*(norm(one) for norm, one in zip(self.norms, pooled, strict=True)), measures], 1)
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
