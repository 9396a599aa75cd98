"""A photograph file as its owner left it: turned by EXIF, in its own colours, and written back alike."""

from __future__ import annotations

import io
import zlib
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from PIL import ExifTags, Image, ImageFile, ImageOps

from filters.colour import profile_mode
from filters.containers import open_header
from filters.decoding import decode, is_deep
from training.restoring.colours import OwnColours

Kind = Literal["jpeg", "png", "webp"]
#: How upright pixels go back to the way in which a file with this EXIF orientation stores them.
_STORED = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_90,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_270,
}
#: Formats whose EXIF block is about the picture alone (that of a TIFF is the file's own structure).
_WITH_EXIF = ("jpeg", "png", "webp", "avif")


@dataclass(frozen=True)
class Photograph:
    """A photograph to restore.

    pixels: uint8 (H, W, 3), upright sRGB. format: of the file, as `filters.decoding.Decoded` names it.
    colours: the file's own colour space, where it is another than sRGB and can be written. profile: the ICC profile of
    what is written. exif: without thumbnail; None where there is none. orientation: 1 to 8.
    changed: what the written file does not keep, in words.
    """

    pixels: NDArray[np.uint8]
    format: str
    colours: OwnColours | None
    profile: bytes | None
    exif: Image.Exif | None
    orientation: int
    changed: tuple[str, ...]

    @classmethod
    def read(cls, data: bytes, max_pixels: int) -> Photograph:
        """The photograph in the bytes of a file. 16-bit samples are rounded to 8 bits; opaque alpha is dropped.

        Raises DecodeError for what `filters.decoding.decode` refuses, pictures with transparent places among it.
        """
        decoded = decode(data, max_pixels)
        image, _ = open_header(data)
        changed = ["16 bits a sample written as 8"] if is_deep(image) else []
        profile = image.info.get("icc_profile")
        colours = None
        if profile is not None and profile_mode(profile) != "RGB":
            changed.append(f"{profile_mode(profile).replace('L', 'grey')} written as sRGB")
            profile = None
        elif profile is not None:
            colours = OwnColours.of(profile, _own_samples(image), decoded.pixels)
            if colours is not None and not colours.writable:
                changed.append("colours written as sRGB, since the file's ICC profile only reads")
                profile, colours = None, None
        exif = _exif(image) if decoded.format in _WITH_EXIF else None
        orientation = 1 if exif is None else exif.get(ExifTags.Base.Orientation, 1)
        return cls(decoded.pixels, decoded.format, colours, profile, exif, orientation, tuple(changed))

    def written(self, restored: NDArray[np.uint8], kind: Kind, quality: int) -> bytes:
        """`restored`, upright sRGB like `pixels`, as a file with this one's ICC profile and EXIF data.

        In the file's own format the pixels stay turned as they were, with the same orientation tag; in another one they
        are upright, since viewers honour the tag of some formats only. quality: 1 to 100, of JPEG and WebP.
        """
        image = Image.fromarray(restored if self.colours is None else self.colours.of_srgb(restored))
        extra: dict[str, Any] = {}
        if self.profile is not None:
            extra["icc_profile"] = self.profile
        turned = kind == self.format and self.orientation in _STORED
        if turned:
            image = image.transpose(_STORED[self.orientation])
        if self.exif is not None:
            self.exif[ExifTags.Base.Orientation] = self.orientation if turned else 1
            extra["exif"] = self.exif.tobytes()
        match kind:
            case "jpeg":
                extra.update(quality=quality, subsampling=0)
            case "png":
                extra.update(compress_level=1, compress_type=zlib.Z_RLE)
            case "webp":
                extra.update(quality=quality)
        file = io.BytesIO()
        image.save(file, kind.upper(), **extra)
        return file.getvalue()


def _own_samples(image: ImageFile.ImageFile) -> NDArray[np.uint8]:
    """The samples of a picture that `decode` has read before, upright, without conversion of colours."""
    image.load()
    return np.array(ImageOps.exif_transpose(image).convert("RGB"))


def _exif(image: ImageFile.ImageFile) -> Image.Exif | None:
    """EXIF data that can be written again: without the thumbnail, which would show the picture as it was."""
    try:
        exif = image.getexif()
        return exif if len(exif) and exif.tobytes() else None
    except Exception:  # as `decode`: an unreadable block counts as none
        return None
