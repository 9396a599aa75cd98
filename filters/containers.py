"""Opening an image file without decoding it."""

from __future__ import annotations

import io
import re
import struct
import warnings

from PIL import (
    AvifImagePlugin,
    BmpImagePlugin,
    GifImagePlugin,
    Image,
    ImageFile,
    Jpeg2KImagePlugin,
    JpegImagePlugin,
    PngImagePlugin,
    PpmImagePlugin,
    TiffImagePlugin,
    WebPImagePlugin,
)

from filters.decode_errors import DecodeError

# Pillow warns of damaged EXIF and APNG blocks from inside its readers; `decode` says what they mean here.
warnings.filterwarnings("ignore", module=r"PIL\.(TiffImagePlugin|PngImagePlugin)")

_READERS: dict[str, type[ImageFile.ImageFile]] = {
    "jpeg": JpegImagePlugin.JpegImageFile,
    "png": PngImagePlugin.PngImageFile,
    "webp": WebPImagePlugin.WebPImageFile,
    "avif": AvifImagePlugin.AvifImageFile,
    "gif": GifImagePlugin.GifImageFile,
    "bmp": BmpImagePlugin.BmpImageFile,
    "tiff": TiffImagePlugin.TiffImageFile,
    "ppm": PpmImagePlugin.PpmImageFile,
    "jpeg2000": Jpeg2KImagePlugin.Jpeg2KImageFile,
}

_ENDED_EARLY = re.compile(r"truncat|only got|reached eof|not enough image data|unexpected end", re.IGNORECASE)
_PNG_END = b"IEND\xaeB`\x82"


def open_header(data: bytes) -> tuple[ImageFile.ImageFile, str]:
    """The unread image in `data` and its format: jpeg, png, webp, avif, gif, bmp, tiff, ppm or jpeg2000.

    Reads the header only. Goes past `PIL.Image.open`, whose pixel limit is one for the whole process, and
    past readers that start other programs. A JPEG with further pictures behind it (MPO) is its first picture.
    Raises DecodeError with decode.empty, not_an_image, truncated or unsupported.
    """
    if not data:
        raise DecodeError("decode.empty", "no bytes")
    name = _signature(data)
    try:
        image = _READERS[name](io.BytesIO(data))
    except MemoryError:
        raise
    except Exception as error:
        raise reading_error(error, data, name) from error
    if ends_early(data, name):
        raise DecodeError("decode.truncated", f"the {name} file of {len(data)} bytes ends before its end mark")
    return image, name


def _signature(data: bytes) -> str:
    prefix = data[:16]
    Image.init()
    for name, reader in _READERS.items():
        if _accepts(reader.format or "", prefix):
            return name
    for other in Image.OPEN:
        if _accepts(other, prefix):
            raise DecodeError("decode.unsupported", f"a {other} file; known formats are {', '.join(_READERS)}")
    raise DecodeError("decode.not_an_image", f"{len(data)} bytes that begin with {prefix!r}")


def _accepts(pillow_format: str, prefix: bytes) -> bool:
    """Whether Pillow's reader of that name knows the first bytes (it answers a text when it lacks a codec)."""
    _, accept = Image.OPEN[pillow_format]
    try:
        answer = accept is not None and accept(prefix)
    except (SyntaxError, IndexError, TypeError, struct.error):  # fewer bytes than the signature
        return False
    return bool(answer) and not isinstance(answer, str)


def reading_error(error: Exception, data: bytes, name: str) -> DecodeError:
    """What a reader raised as a DecodeError: decode.truncated if the file ends early, else unsupported."""
    if ends_early(data, name) or _ENDED_EARLY.search(str(error)):
        return DecodeError("decode.truncated", f"the {name} file of {len(data)} bytes ends early: {error}")
    return DecodeError("decode.unsupported", f"the {name} file cannot be read: {error}")


def ends_early(data: bytes, name: str) -> bool:
    """Whether the end mark of a jpeg or png, or a part of the length that a webp announces, is missing."""
    match name:
        case "jpeg":
            return data.rfind(b"\xff\xd9") < 0
        case "png":
            return data.rfind(_PNG_END) < 0
        case "webp":
            return len(data) < 12 or len(data) < 8 + int.from_bytes(data[4:8], "little")
    return False
