"""Forty ways of marking a photograph: text and drawn logos, tiled, centred, in corners and on strips."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import cv2
import matplotlib
import numpy as np
from PIL import Image, ImageDraw, ImageFont

Picture = np.ndarray
Colour = tuple[int, int, int]
WHITE, BLACK, GREY, RED, BLUE, GOLD = (
    (255, 255, 255), (0, 0, 0), (150, 150, 150), (230, 30, 40), (40, 90, 220), (250, 200, 60),
)  # fmt: skip
_FONTS = Path(matplotlib.get_data_path()) / "fonts" / "ttf"
_JPEG_QUALITY = 90


@dataclass(frozen=True)
class Mark:
    """One way of marking. group: tiled, centre, corner, strip; with "logo" where no text is drawn.

    layer: (width, height) → RGBA picture of that size. opacity: of the layer, in [0, 1].
    """

    name: str
    group: str
    opacity: float
    layer: Callable[[int, int], Image.Image]

    def draw(self, photo: Picture) -> Picture:
        """`photo` (uint8 (H, W, 3) sRGB) with the mark blended over it, through JPEG as a web site would give it."""
        layer = np.asarray(self.layer(photo.shape[1], photo.shape[0]), dtype=np.float32)
        alpha = layer[..., 3:] / 255 * self.opacity
        marked = np.rint(photo * (1 - alpha) + layer[..., :3] * alpha).astype(np.uint8)
        encoded = cv2.imencode(".jpg", marked[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, _JPEG_QUALITY])[1]
        return np.ascontiguousarray(cv2.imdecode(encoded, cv2.IMREAD_COLOR)[..., ::-1])


@lru_cache(maxsize=64)
def _font(name: str, size: int) -> ImageFont.FreeTypeFont:
    return ImageFont.truetype(str(_FONTS / f"{name}.ttf"), size)


def lettering(
    text: str, size: int, font: str = "DejaVuSans", colour: Colour = WHITE, outline: bool = False, shadow: bool = False
) -> Image.Image:
    """`text` (lines parted by newlines), cut to its ink. outline: contours alone."""
    face = _font(font, max(8, size))
    probe = ImageDraw.Draw(Image.new("L", (1, 1)))
    left, top, right, bottom = probe.multiline_textbbox((0, 0), text, font=face)
    edge = max(1, size // 14)
    stamp = Image.new("RGBA", (int(right - left) + 4 * edge, int(bottom - top) + 4 * edge), (*colour, 0))
    pen = ImageDraw.Draw(stamp)
    place = (2 * edge - left, 2 * edge - top)
    if shadow:
        pen.multiline_text((place[0] + edge, place[1] + edge), text, font=face, fill=(0, 0, 0, 200))
    if outline:
        mask = Image.new("L", stamp.size, 0)
        ink = ImageDraw.Draw(mask)
        ink.multiline_text(place, text, font=face, fill=255, stroke_width=edge, stroke_fill=255)
        ink.multiline_text(place, text, font=face, fill=0)
        stamp.putalpha(mask)
    else:
        pen.multiline_text(place, text, font=face, fill=(*colour, 255))
    return stamp


def aperture(size: int, colour: Colour = WHITE) -> Image.Image:
    """Six blades in a ring."""
    stamp, pen, centre, radius = _canvas(size, colour)
    pen.ellipse(
        (centre - radius, centre - radius, centre + radius, centre + radius), outline=_ink(colour), width=size // 6
    )
    for blade in range(6):
        turn = blade * math.pi / 3
        start = (centre + radius * math.cos(turn), centre + radius * math.sin(turn))
        end = (centre + 0.45 * radius * math.cos(turn + 1.4), centre + 0.45 * radius * math.sin(turn + 1.4))
        pen.line((*start, *end), fill=_ink(colour), width=size // 6)
    return stamp.resize((size, size), Image.Resampling.LANCZOS)


def mountain(size: int, colour: Colour = WHITE) -> Image.Image:
    """Two peaks and a sun."""
    stamp, pen, _, _ = _canvas(size, colour)
    side = stamp.width
    pen.polygon([(0.05 * side, 0.9 * side), (0.4 * side, 0.25 * side), (0.75 * side, 0.9 * side)], fill=_ink(colour))
    pen.polygon([(0.62 * side, 0.9 * side), (0.78 * side, 0.5 * side), (0.96 * side, 0.9 * side)], fill=_ink(colour))
    pen.ellipse((0.62 * side, 0.12 * side, 0.84 * side, 0.34 * side), fill=_ink(colour))
    return stamp.resize((size, size), Image.Resampling.LANCZOS)


def camera(size: int, colour: Colour = WHITE) -> Image.Image:
    """A body with a lens cut out."""
    stamp, pen, _, _ = _canvas(size, colour)
    side = stamp.width
    pen.rounded_rectangle((0.05 * side, 0.28 * side, 0.95 * side, 0.85 * side), 0.08 * side, fill=_ink(colour))
    pen.rectangle((0.3 * side, 0.17 * side, 0.6 * side, 0.3 * side), fill=_ink(colour))
    pen.ellipse((0.3 * side, 0.36 * side, 0.7 * side, 0.76 * side), fill=(*colour, 0))
    pen.ellipse((0.38 * side, 0.44 * side, 0.62 * side, 0.68 * side), fill=_ink(colour))
    return stamp.resize((size, size), Image.Resampling.LANCZOS)


def star(size: int, colour: Colour = WHITE) -> Image.Image:
    """A five-pointed star in a ring."""
    stamp, pen, centre, radius = _canvas(size, colour)
    pen.ellipse(
        (centre - radius, centre - radius, centre + radius, centre + radius), outline=_ink(colour), width=size // 4
    )
    points = []
    for corner in range(10):
        reach = radius * (0.75 if corner % 2 == 0 else 0.3)
        points.append(
            (centre + reach * math.sin(corner * math.pi / 5), centre - reach * math.cos(corner * math.pi / 5))
        )
    pen.polygon(points, fill=_ink(colour))
    return stamp.resize((size, size), Image.Resampling.LANCZOS)


def _canvas(size: int, colour: Colour) -> tuple[Image.Image, ImageDraw.ImageDraw, float, float]:
    stamp = Image.new("RGBA", (4 * size, 4 * size), (*colour, 0))
    return stamp, ImageDraw.Draw(stamp), 2.0 * size, 1.85 * size


def _ink(colour: Colour) -> tuple[int, int, int, int]:
    return (*colour, 255)


def beside(logo: Image.Image, text: Image.Image) -> Image.Image:
    """A logo and, at its right, text."""
    gap = logo.width // 4
    joined = Image.new("RGBA", (logo.width + gap + text.width, max(logo.height, text.height)))
    joined.alpha_composite(logo, (0, (joined.height - logo.height) // 2))
    joined.alpha_composite(text, (logo.width + gap, (joined.height - text.height) // 2))
    return joined


Stamp = Callable[[int], Image.Image]


def tiled(stamp: Stamp, part: float, angle: float = 0.0, gap: float = 0.6, stagger: bool = False, lines: bool = False):
    """`stamp` (made for a size in pixels) in rows. part: its size as a part of the short side. gap: free space beside
    it in parts of its width. lines: a grid of diagonal lines behind it."""

    def layer(width: int, height: int) -> Image.Image:
        one = _turned(stamp(round(part * min(width, height))), angle)
        step_x = round(one.width * (1 + gap))
        step_y = max(round(one.height * (1 + gap)), round(0.12 * min(width, height)))
        sheet = Image.new("RGBA", (width, height))
        if lines:
            pen = ImageDraw.Draw(sheet)
            for start in range(-2 * max(width, height), 2 * max(width, height), step_x):
                pen.line((start, 0, start + height, height), fill=(255, 255, 255, 255), width=2)
                pen.line((start, 0, start - height, height), fill=(255, 255, 255, 255), width=2)
        for row, top in enumerate(range(-step_y // 3, height, step_y)):
            shift = step_x // 2 if stagger and row % 2 else 0
            for left in range(-step_x // 3 - shift, width, step_x):
                sheet.paste(one, (left, top), one)
        return sheet

    return layer


def placed(stamp: Stamp, part: float, where: str, angle: float = 0.0, margin: float = 0.03):
    """`stamp` once. where: centre, or two of t, b and l, r, c. margin: to the edges, in parts of the short side."""

    def layer(width: int, height: int) -> Image.Image:
        short = min(width, height)
        one = _turned(stamp(round(part * short)), angle)
        if one.width > 0.94 * width:
            one = one.resize((round(0.94 * width), max(1, round(one.height * 0.94 * width / one.width))))
        edge = round(margin * short)
        columns = {"l": edge, "c": (width - one.width) // 2, "r": width - edge - one.width}
        rows = {"t": edge, "c": (height - one.height) // 2, "b": height - edge - one.height}
        row, column = ("c", "c") if where == "centre" else (where[0], where[1])
        sheet = Image.new("RGBA", (width, height))
        sheet.paste(one, (columns[column], rows[row]), one)
        return sheet

    return layer


def strip(stamp: Stamp, part: float, where: str, back: Colour, strength: int = 255):
    """`stamp` on a band across the whole picture, at its top (t) or bottom (b)."""

    def layer(width: int, height: int) -> Image.Image:
        one = stamp(round(part * min(width, height)))
        if one.width > 0.94 * width:
            one = one.resize((round(0.94 * width), max(1, round(one.height * 0.94 * width / one.width))))
        tall = round(one.height * 1.8)
        top = 0 if where == "t" else height - tall
        sheet = Image.new("RGBA", (width, height))
        sheet.paste((*back, strength), (0, top, width, top + tall))
        sheet.alpha_composite(one, (round(0.03 * width), top + (tall - one.height) // 2))
        return sheet

    return layer


def crossed(stamp: Stamp, part: float):
    """Both diagonals of the picture, and `stamp` where they meet."""

    def layer(width: int, height: int) -> Image.Image:
        sheet = placed(stamp, part, "centre")(width, height)
        pen = ImageDraw.Draw(sheet)
        thick = max(2, min(width, height) // 160)
        pen.line((0, 0, width, height), fill=(255, 255, 255, 255), width=thick)
        pen.line((0, height, width, 0), fill=(255, 255, 255, 255), width=thick)
        return sheet

    return layer


def _turned(stamp: Image.Image, angle: float) -> Image.Image:
    return stamp.rotate(angle, Image.Resampling.BICUBIC, expand=True) if angle else stamp


def _text(text: str, font: str = "DejaVuSans", colour: Colour = WHITE, outline: bool = False, shadow: bool = False):
    return lambda size: lettering(text, size, font, colour, outline, shadow)


def _boxed(text: str):
    """Text on a dark card, as agencies' previews have."""

    def stamp(size: int) -> Image.Image:
        words = lettering(text, size, "DejaVuSans-Bold")
        card = Image.new("RGBA", (words.width + size, words.height + size), (60, 60, 60, 190))
        card.alpha_composite(words, (size // 2, size // 2))
        return card

    return stamp


def _signed(logo: Callable[[int, Colour], Image.Image], text: str, font: str, colour: Colour = WHITE) -> Stamp:
    return lambda size: beside(logo(size, colour), lettering(text, round(0.55 * size), font, colour))


def _plain(logo: Callable[[int, Colour], Image.Image], colour: Colour = WHITE) -> Stamp:
    return lambda size: logo(size, colour)


MARKS = (
    Mark("agency, tiled at 30°", "tiled", 0.25, tiled(_text("shutterstock", "DejaVuSans-Bold"), 0.06, 30)),
    Mark("name, tiled", "tiled", 0.2, tiled(_text("Nordlicht"), 0.06)),
    Mark("agency, tiled at −45°, faint", "tiled", 0.15, tiled(_text("dreamstime"), 0.06, -45)),
    Mark("sample, tiled at 45°", "tiled", 0.3, tiled(_text("SAMPLE", "DejaVuSans-Bold", GREY), 0.07, 45)),
    Mark(
        "© name, tiled, staggered, black", "tiled", 0.3, tiled(_text("© Anna Keller", colour=BLACK), 0.04, stagger=True)
    ),
    Mark("agency, tiled densely", "tiled", 0.2, tiled(_text("alamy", "DejaVuSans-Bold"), 0.04, gap=0.35)),
    Mark("preview, tiled, outlined", "tiled", 0.4, tiled(_text("PREVIEW", "DejaVuSans-Bold", outline=True), 0.08, 20)),
    Mark("agency, tiled on lines", "tiled", 0.25, tiled(_text("depositphotos"), 0.05, 0, 1.2, True, True)),
    Mark("do not copy, tiled, red", "tiled", 0.3, tiled(_text("DO NOT COPY", "DejaVuSans", RED), 0.045, 25)),
    Mark("name, tiled at 20°, italics", "tiled", 0.35, tiled(_text("Jules Moreau", "DejaVuSerif-Italic"), 0.05, 20)),
    Mark("sample, centre", "centre", 0.3, placed(_text("SAMPLE", "DejaVuSans-Bold"), 0.2, "centre")),
    Mark(
        "proof, centre, at 30°, outlined",
        "centre",
        0.35,
        placed(_text("PROOF", "DejaVuSans-Bold", outline=True), 0.22, "centre", 30),
    ),
    Mark("agency, centre", "centre", 0.4, placed(_text("shutterstock", "STIXGeneralBol"), 0.12, "centre")),
    Mark(
        "agency on a card, centre", "centre", 0.5, placed(_boxed("gettyimages\nCredit: R. Lindqvist"), 0.05, "centre")
    ),
    Mark("name, centre, italics", "centre", 0.5, placed(_text("Jules Moreau", "DejaVuSerif-Italic"), 0.1, "centre")),
    Mark(
        "copyright, centre, at 45°, faint",
        "centre",
        0.15,
        placed(_text("COPYRIGHT", "DejaVuSans-Bold"), 0.14, "centre", 45),
    ),
    Mark("address, centre", "centre", 0.3, placed(_text("www.photobank.com", "DejaVuSansMono"), 0.08, "centre")),
    Mark("preview, centre, upright", "centre", 0.4, placed(_text("PREVIEW", "DejaVuSans-Bold"), 0.15, "centre", 90)),
    Mark("© name, corner", "corner", 0.7, placed(_text("© 2019 Anna Keller"), 0.035, "br")),
    Mark(
        "photographer, corner, italics",
        "corner",
        0.6,
        placed(_text("J. Moreau Photography", "DejaVuSerif-Italic"), 0.045, "bl"),
    ),
    Mark("handle, corner", "corner", 0.5, placed(_text("@lena.shoots"), 0.035, "tr")),
    Mark("address, corner, shadow", "corner", 0.8, placed(_text("www.fjordlight.no", shadow=True), 0.035, "br")),
    Mark("agency, corner", "corner", 0.4, placed(_text("123RF", "DejaVuSans-Bold"), 0.06, "tl")),
    Mark("name, corner", "corner", 0.6, placed(_text("M. Okafor", "DejaVuSerif"), 0.045, "br")),
    Mark(
        "agency and credit, corner, gold",
        "corner",
        0.8,
        placed(_text("iStock\nCredit: R. Lindqvist", colour=GOLD), 0.03, "br"),
    ),
    Mark("rights, corner, black", "corner", 0.4, placed(_text("All rights reserved", "DejaVuSans", BLACK), 0.04, "bl")),
    Mark("agency, upright at the edge", "corner", 0.6, placed(_text("Alamy Stock Photo"), 0.04, "cr", 90)),
    Mark("bottom strip, black", "strip", 0.6, strip(_text("Image ID: 2A7X9KD   www.alamy.com"), 0.035, "b", BLACK)),
    Mark(
        "bottom line, small",
        "strip",
        0.5,
        placed(_text("fotolia.com  fotolia.com  fotolia.com  fotolia.com"), 0.028, "bc", margin=0.01),
    ),
    Mark(
        "top strip, white",
        "strip",
        0.5,
        strip(_text("PREVIEW ONLY - not for publication", colour=BLACK), 0.035, "t", WHITE),
    ),
    Mark(
        "bottom strip, logo and name",
        "strip",
        0.8,
        strip(_signed(camera, "Studio Lumen", "DejaVuSans", BLUE), 0.07, "b", WHITE),
    ),
    Mark("logo, tiled", "tiled logo", 0.25, tiled(_plain(aperture), 0.12, 0, 0.8)),
    Mark("logo, tiled, staggered, turned", "tiled logo", 0.3, tiled(_plain(star), 0.11, 15, 0.9, True)),
    Mark("logo, tiled, faint", "tiled logo", 0.15, tiled(_plain(mountain), 0.13, 0, 0.7)),
    Mark("logo and text, tiled", "tiled", 0.25, tiled(_signed(camera, "Studio Lumen", "DejaVuSans-Bold"), 0.1, 0, 0.5)),
    Mark("logo, corner", "corner logo", 0.6, placed(_plain(camera), 0.11, "br")),
    Mark("logo and text, corner", "corner", 0.6, placed(_signed(aperture, "studio lumen", "DejaVuSans"), 0.08, "bl")),
    Mark("logo, centre", "centre logo", 0.35, placed(_plain(mountain), 0.3, "centre")),
    Mark(
        "logo and text, centre", "centre", 0.3, placed(_signed(star, "Studio Lumen", "DejaVuSans-Bold"), 0.16, "centre")
    ),
    Mark("logo on crossed lines", "centre logo", 0.3, crossed(_plain(star), 0.2)),
)
