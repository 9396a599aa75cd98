"""Segments without a network: the embedded default."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

from degradations.contract import Image, check_image
from degradations.cues.depth import PROVIDER as DEPTH_PROVIDER
from degradations.cues.depth import estimate_depth
from degradations.cues.merging import merge
from degradations.cues.segments import superpixels
from degradations.cues.shrink import shrink_to
from degradations.scene import DepthCue, MaskCue

PROVIDER = "superpixels"
VERSION = "1"

#: Pixels of the picture that is cut into segments; superpixels into which it is cut first, at most about.
PIXELS, SUPERPIXELS = 50_000, 500
#: Segments: merging goes on above MOST, and stops at FEWEST or where no pair of neighbours costs less than LIMIT.
FEWEST, MOST, LIMIT = 8, 60, 40.0


def segment(image: Image, depth: DepthCue | None = None) -> MaskCue:
    """Segments of `image` (uint8 (H, W, 3), sRGB), mostly 10 to 60, of at most about 50,000 pixels.

    Superpixels (Felzenszwalb and Huttenlocher 2004) merged by colour, border contrast and depth. depth: of this image
    by the embedded prior, where it is at hand; it is estimated where it is not, or came from another provider, so that
    the segments depend on the image alone. Deterministic. Raises ValueError for anything but such an image.
    """
    check_image(image)
    if depth is None or depth.provider != DEPTH_PROVIDER:
        depth = estimate_depth(image)
    small = np.asarray(cv2.GaussianBlur(shrink_to(image, PIXELS), (0, 0), 0.8))
    height, width = small.shape[:2]
    lab = np.asarray(cv2.cvtColor(small.astype(np.float32) / np.float32(255.0), cv2.COLOR_RGB2Lab))
    disparity, sky = (
        cv2.resize(p, (width, height), interpolation=cv2.INTER_LINEAR) for p in (depth.disparity, depth.sky)
    )
    pieces = superpixels(small, 200.0, max(4, height * width // SUPERPIXELS // 2))
    return MaskCue(merge(pieces, lab, disparity, sky, FEWEST, MOST, LIMIT), PROVIDER, VERSION)


class Superpixels:
    """`segment` as a provider."""

    provider, version, batch = PROVIDER, VERSION, 1

    def load(self) -> None:
        """Nothing is heavy here."""

    def segment(self, images: Sequence[Image], depths: Sequence[DepthCue | None]) -> list[MaskCue]:
        """Segments of each image (uint8 (H, W, 3), sRGB)."""
        return [segment(image, depth) for image, depth in zip(images, depths, strict=True)]
