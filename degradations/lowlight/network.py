"""The network that darkens: an attenuation map and a residual, by three scales of convolutions.

v → v·2^(−s·m) + (1 − 2^−s)·r on sRGB values, for a darkness of s stops. m in (0, 1) and r in (−¼, ¼) are the network's
answers to picture and s: no stops, no change, whatever its weights.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor

Shapes = dict[str, tuple[int, ...]]

#: Channels at full, half and quarter size: 82,000 weights.
WIDTHS = (16, 32, 48)
#: Stops that the network sees as 1, and bound of the residual.
_STOPS, _RESIDUAL = 8.0, 0.25


def layers(widths: tuple[int, int, int] = WIDTHS) -> Shapes:
    """Names and shapes of the tensors: 3×3 convolutions, two a scale on the way down, one on the way up."""
    a, b, c = widths
    sizes = {
        "full.0": (a, 4), "full.1": (a, a), "half.0": (b, a), "half.1": (b, b), "quarter.0": (c, b),
        "quarter.1": (c, c), "up.half": (b, b + c), "up.full": (a, a + b), "head": (6, a),
    }  # fmt: skip
    shapes: Shapes = {}
    for name, (out, into) in sizes.items():
        shapes |= {f"{name}.weight": (out, into, 3, 3), f"{name}.bias": (out,)}
    return shapes


def maps(tensors: Mapping[str, Tensor], bright: Tensor, stops: Tensor) -> tuple[Tensor, Tensor]:
    """m and r, both (n, 3, h, w), for pictures `bright` (n, 3, h, w), sRGB in [0, 1], and their `stops` (n,)."""
    import torch
    from torch.nn import functional

    def convolve(x: Tensor, name: str, stride: int = 1) -> Tensor:
        return functional.conv2d(x, tensors[f"{name}.weight"], tensors[f"{name}.bias"], stride=stride, padding=1)

    def joined(below: Tensor, beside: Tensor) -> Tensor:
        # Nearest neighbour, because the gradient of bilinear enlargement is not deterministic on a GPU.
        return torch.cat([functional.interpolate(below, scale_factor=2.0, mode="nearest"), beside], dim=1)

    height, width = bright.shape[2:]
    plane = (stops / _STOPS)[:, None, None, None].expand(-1, 1, height, width)
    x = torch.cat([bright, plane], dim=1)
    # Not in training, where sides are multiples of 4: the gradient of this padding is not deterministic on a GPU.
    x = functional.pad(x, (0, -width % 4, 0, -height % 4), mode="replicate")
    full = convolve(convolve(x, "full.0").relu(), "full.1").relu()
    half = convolve(convolve(full, "half.0", 2).relu(), "half.1").relu()
    quarter = convolve(convolve(half, "quarter.0", 2).relu(), "quarter.1").relu()
    half = convolve(joined(quarter, half), "up.half").relu()
    full = convolve(joined(half, full), "up.full").relu()
    answer = convolve(full, "head")[:, :, :height, :width]
    return answer[:, :3].sigmoid(), _RESIDUAL * answer[:, 3:].tanh()


def darkened(bright: Tensor, stops: Tensor, m: Tensor, r: Tensor) -> Tensor:
    """The dark pictures (n, 3, h, w), not clamped."""
    s = stops[:, None, None, None]
    return bright * (-s * m).exp2() + (1.0 - (-s).exp2()) * r
