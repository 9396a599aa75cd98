"""The à trous wavelet planes of an image."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor


def starlet(image: Tensor, levels: int) -> Tensor:
    """The à trous wavelet planes, finest first, then what is left (Starck and Murtagh 1994): (B, levels·C, H, W).

    Their sum is the image. Smoothing is by the B₃ spline (1, 4, 6, 4, 1)/16 with gaps of 1, 2, 4, … pixels.
    """
    planes = []
    for level in range(levels - 1):
        smooth = _smooth(image, 2**level)
        planes.append(image - smooth)
        image = smooth
    return torch.cat([*planes, image], dim=1)


def _smooth(image: Tensor, gap: int) -> Tensor:
    channels = image.shape[1]
    spline = torch.tensor([1.0, 4.0, 6.0, 4.0, 1.0]).to(image) / 16.0
    padded = F.pad(image, (2 * gap,) * 4, mode="replicate")
    rows = F.conv2d(padded, spline.view(1, 1, 5, 1).expand(channels, 1, 5, 1), dilation=gap, groups=channels)
    return F.conv2d(rows, spline.view(1, 1, 1, 5).expand(channels, 1, 1, 5), dilation=gap, groups=channels)
