"""Any colour mode and ICC profile → sRGB."""

from __future__ import annotations

import functools
import io

import numpy as np
from PIL import Image, ImageCms

from filters.decode_errors import DecodeError

_INTENT = ImageCms.Intent.RELATIVE_COLORIMETRIC
_FLAGS = ImageCms.Flags.BLACKPOINTCOMPENSATION
#: Pillow modes that a profile of each ICC colour space describes.
_MODES = {"RGB": "RGB", "GRAY": "L", "CMYK": "CMYK"}


def to_srgb(image: Image.Image, profile: bytes | None) -> tuple[Image.Image, bool]:
    """`image` (mode L, RGB or CMYK) as sRGB of mode RGB, and whether its samples already were just that.

    Profiled colours are converted with relative colorimetric intent and black point compensation; without a
    profile grey and RGB are taken as sRGB and CMYK as the complement of RGB. Neither grey nor CMYK counts as
    having been sRGB already; RGB does without a profile or with one within a code of sRGB.
    Raises DecodeError decode.bad_profile for a profile that cannot be read or describes other channels.
    """
    if profile is None:
        return image.convert("RGB"), image.mode == "RGB"
    mode = profile_mode(profile)
    if mode == "RGB":
        if image.mode == "CMYK":
            raise DecodeError("decode.bad_profile", "an RGB profile on CMYK samples")
        rgb = image.convert("RGB")
        if is_srgb(profile):
            return rgb, image.mode == "RGB"
        return _convert(rgb, profile), False
    if mode != image.mode:
        raise DecodeError("decode.bad_profile", f"a profile for mode {mode} on samples of mode {image.mode}")
    return _convert(image, profile), False


def profile_mode(profile: bytes) -> str:
    """The Pillow mode (RGB, L or CMYK) that an ICC profile describes.

    Raises DecodeError decode.bad_profile.
    """
    try:
        space = _open(profile).profile.xcolor_space.strip()
    except (OSError, ImageCms.PyCMSError) as error:
        raise DecodeError(
            "decode.bad_profile", f"the ICC profile of {len(profile)} bytes cannot be read: {error}"
        ) from error
    if space not in _MODES:
        raise DecodeError("decode.bad_profile", f"an ICC profile of colour space {space!r}")
    return _MODES[space]


@functools.lru_cache(maxsize=32)
def is_srgb(profile: bytes) -> bool:
    """Whether an RGB profile is sRGB: within one 8-bit code on a 16³ lattice and on the grey axis."""
    axis = np.arange(0, 256, 17, dtype=np.uint8)
    lattice = np.stack(np.meshgrid(axis, axis, axis, indexing="ij"), axis=-1).reshape(1, -1, 3)
    grey = np.repeat(np.arange(256, dtype=np.uint8)[None, :, None], 3, axis=2)
    colours = np.concatenate([lattice, grey], axis=1)
    converted = np.asarray(_convert(Image.fromarray(colours), profile))
    return bool(np.abs(converted.astype(np.int16) - colours).max() <= 1)


def _convert(image: Image.Image, profile: bytes) -> Image.Image:
    try:
        transform = ImageCms.buildTransform(
            _open(profile), ImageCms.createProfile("sRGB"), image.mode, "RGB", _INTENT, _FLAGS
        )
        converted = ImageCms.applyTransform(image, transform)
    except (OSError, ImageCms.PyCMSError, ValueError) as error:
        raise DecodeError(
            "decode.bad_profile", f"the ICC profile of {len(profile)} bytes cannot be applied: {error}"
        ) from error
    assert converted is not None
    return converted


def _open(profile: bytes) -> ImageCms.ImageCmsProfile:
    return ImageCms.ImageCmsProfile(io.BytesIO(profile))
