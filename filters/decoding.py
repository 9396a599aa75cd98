"""Encoded bytes → upright 8-bit sRGB pixels, or the reason why not."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import ExifTags, Image, ImageFile

from filters.clips import is_clip, read_clip
from filters.colour import to_srgb
from filters.containers import open_header, reading_error
from filters.decode_errors import DecodeError

_UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
#: Formats that every reader of a shard knows: a clean target may keep such bytes.
_KEPT_FORMATS = ("jpeg", "png", "webp")
_GREY_16 = ("I;16", "I;16B", "I;16L", "I;16N")


@dataclass(frozen=True)
class Decoded:
    """A decoded picture.

    pixels: uint8 (H, W, 3), upright, sRGB, in the order red, green, blue.
    unchanged: the encoded bytes are a JPEG, PNG or WebP of one frame with upright, opaque, 8-bit, three-channel
    sRGB samples (no ICC profile or one within a code of sRGB), and `pixels` are exactly those samples.
    format: jpeg, png, webp, avif, gif, bmp, tiff, ppm, jpeg2000 or clip.
    clip: all frames of a clip, uint8 (n, H, W, 3), whose middle one `pixels` is; None for a picture.
    """

    pixels: NDArray[np.uint8]
    unchanged: bool
    format: str
    clip: NDArray[np.uint8] | None = None


def decode(data: bytes, max_pixels: int) -> Decoded:
    """Decodes the image file `data`, whatever its name said; of a clip, the middle frame and all frames.

    Grey, palette, CMYK, 16-bit, EXIF-rotated and wide-gamut pictures are converted. Opaque alpha is dropped.
    An unreadable EXIF block counts as none. Safe in threads; touches no setting of Pillow.
    Raises DecodeError; with more than `max_pixels` pixels in the header, before anything is decoded.
    """
    if is_clip(data):
        frames = read_clip(data, max_pixels)
        return Decoded(np.ascontiguousarray(frames[len(frames) // 2]), False, "clip", frames)
    image, name = open_header(data)
    width, height = image.size
    if width * height > max_pixels:
        raise DecodeError(
            "decode.too_many_pixels",
            f"the header announces {width}×{height} pixels, more than decode.max_pixels = {max_pixels}",
        )
    deep = is_deep(image)
    try:
        count = getattr(image, "n_frames", 1)
        if count > 1:
            raise DecodeError("decode.animated", f"a {name} file of {count} frames")
        image.load()
    except (DecodeError, MemoryError):
        raise
    except Exception as error:
        raise reading_error(error, data, name) from error
    orientation = _orientation(image)
    profile = _profile(image)
    opaque = _opaque(_from_16_bits(image, data) if deep else image)
    rgb, was_srgb = to_srgb(opaque, profile)
    if orientation in _UPRIGHT:
        rgb = rgb.transpose(_UPRIGHT[orientation])
    unchanged = (
        name in _KEPT_FORMATS
        and was_srgb
        and opaque is image
        and orientation not in _UPRIGHT
        and "mp" not in image.info
    )
    return Decoded(np.array(rgb), unchanged, name)


def is_deep(image: ImageFile.ImageFile) -> bool:
    """Whether the samples in the file have 16 bits (Pillow would keep the upper 8 of colour samples)."""
    if image.mode in _GREY_16:
        return True
    args = image.tile[0].args if image.tile else ""
    raw_mode = args[0] if isinstance(args, tuple) and args else args
    return isinstance(raw_mode, str) and ";16" in raw_mode


def _from_16_bits(image: Image.Image, data: bytes) -> Image.Image:
    """The picture with its samples rounded to 8 bits, mode L, RGB or RGBA."""
    samples = cv2.imdecode(np.frombuffer(data, dtype=np.uint8), cv2.IMREAD_UNCHANGED)
    if samples is None or samples.dtype != np.uint16 or samples.shape[:2] != (image.height, image.width):
        raise DecodeError("decode.unsupported", f"deep samples of mode {image.mode} that are not 16-bit")
    eight = ((samples.astype(np.uint32) * 255 + 32767) // 65535).astype(np.uint8)
    if eight.ndim == 3:
        eight = cv2.cvtColor(eight, cv2.COLOR_BGR2RGB if eight.shape[2] == 3 else cv2.COLOR_BGRA2RGBA)
    return Image.fromarray(eight)


def _orientation(image: Image.Image) -> int:
    """EXIF orientation, 1 when absent or unreadable."""
    try:
        value = image.getexif().get(ExifTags.Base.Orientation, 1)
    except Exception:
        return 1
    return value if isinstance(value, int) else 1


def _profile(image: Image.Image) -> bytes | None:
    """The embedded ICC profile. Pillow notes a block that it could not assemble as None."""
    if "icc_profile" not in image.info:
        return None
    profile = image.info["icc_profile"]
    if not profile:
        raise DecodeError("decode.bad_profile", "the ICC profile is empty or cannot be put together")
    return bytes(profile)


def _opaque(image: Image.Image) -> Image.Image:
    """The picture without alpha, mode L, RGB or CMYK; the same object if it already is one."""
    if image.has_transparency_data:
        with_alpha = image.convert("RGBA")
        lowest = int(np.asarray(with_alpha.getchannel("A")).min())
        if lowest < 255:
            raise DecodeError("decode.transparent", f"alpha goes down to {lowest} of 255")
        return image.convert("L") if image.mode in ("L", "LA", "La") else with_alpha.convert("RGB")
    match image.mode:
        case "L" | "RGB" | "CMYK":
            return image
        case "1":
            return image.convert("L")
        case "P" | "RGBX" | "YCbCr":
            return image.convert("RGB")
    raise DecodeError("decode.unsupported", f"samples of mode {image.mode}, whose white is not defined")
