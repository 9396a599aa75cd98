"""Pictures in a colour space of their own, restored in sRGB."""

from __future__ import annotations

import io
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageCms

from filters.colour import is_srgb


class OwnColours:
    """The way back from sRGB to the RGB profile of a file.

    Restored colours are converted (relative colorimetric, black point compensation, as on the way in), and what the
    file's own samples lost on the way to 8-bit sRGB, colours outside its gamut and rounding, is added to them again: a
    pixel that was not changed gets its own sample back, to the bit.
    """

    def __init__(self, profile: bytes, own: NDArray[np.uint8], srgb: NDArray[np.uint8]) -> None:
        self._profile, self._own, self._srgb = profile, own, srgb

    @classmethod
    def of(cls, profile: bytes, own: NDArray[np.uint8], srgb: NDArray[np.uint8]) -> OwnColours | None:
        """None where the profile is sRGB. own: the samples of the file; srgb: the same converted. uint8 (H, W, 3)."""
        return None if is_srgb(profile) else cls(profile, own, srgb)

    @property
    def writable(self) -> bool:
        """Whether the profile gives the way back; some, of scanners, do not."""
        return self._transform is not None

    def of_srgb(self, restored: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """`restored` in the file's colours; both uint8 (H, W, 3)."""
        lost = self._own.astype(np.int16) - self._converted(self._srgb)
        return (self._converted(restored) + lost).clip(0, 255).astype(np.uint8)

    @cached_property
    def _transform(self) -> ImageCms.ImageCmsTransform | None:
        try:
            return ImageCms.buildTransform(
                ImageCms.createProfile("sRGB"),
                ImageCms.ImageCmsProfile(io.BytesIO(self._profile)),
                "RGB",
                "RGB",
                ImageCms.Intent.RELATIVE_COLORIMETRIC,
                ImageCms.Flags.BLACKPOINTCOMPENSATION,
            )
        except (OSError, ImageCms.PyCMSError):
            return None

    def _converted(self, srgb: NDArray[np.uint8]) -> NDArray[np.int16]:
        assert self._transform is not None
        converted = ImageCms.applyTransform(Image.fromarray(srgb), self._transform)
        return np.asarray(converted, dtype=np.int16)
