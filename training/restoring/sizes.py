"""At which size a picture passes an editor, and in how many pieces."""

from __future__ import annotations

import math
from typing import Literal, NamedTuple

from training.editors.base import Editor
from training.families.buckets import Size

#: fit: the whole picture is brought to the area that the editor was trained on, and its result back to the picture's
#:   size. tile: overlapping squares of the trained side at the picture's own size. keep: all of it at its own size.
SizeRule = Literal["fit", "tile", "keep"]


class Place(NamedTuple):
    """The first row and column of a piece."""

    top: int
    left: int


class Passage(NamedTuple):
    """How a picture passes an editor.

    inner: what it is resized to. padded: what that is continued to by reflection. piece: what passes at once.
    places: of the pieces within the padded picture, row by row.
    """

    rule: SizeRule
    inner: Size
    padded: Size
    piece: Size
    places: tuple[Place, ...]

    @classmethod
    def of(cls, editor: Editor, height: int, width: int, rule: SizeRule | None = None) -> Passage:
        """For a picture of height × width pixels; None takes the editor's own rule.

        That is tiles for an editor trained on random crops, which knows pieces of pictures at their own size, and fit
        for one trained on whole ones. Sides of pieces, and the places where they begin, are multiples of the editor's.
        """
        config, multiple, own = editor.config, editor.multiple, Size(height, width)
        rule = rule or ("tile" if config.fit == "crop" else "fit")
        if rule == "fit":
            fitted = _fitted(own, config.crop, multiple)
            return cls(rule, fitted, fitted, fitted, (Place(0, 0),))
        padded = Size(_up(height, multiple), _up(width, multiple))
        if rule == "keep":
            return cls(rule, own, padded, padded, (Place(0, 0),))
        side = _up(config.crop, multiple)
        padded = Size(max(padded.height, side), max(padded.width, side))
        tops, lefts = (_starts(length, side, multiple) for length in padded)
        places = tuple(Place(top, left) for top in tops for left in lefts)
        return cls(rule, own, padded, Size(side, side), places)

    def told(self, height: int, width: int) -> str:
        """In words, for the picture's own size; what is lost is said."""
        piece = f"{self.piece.width}×{self.piece.height}"
        if self.rule == "tile":
            return "one tile" if len(self.places) == 1 else f"{len(self.places)} tiles of {piece}"
        if self.rule == "keep" or self.inner == (height, width):
            return "at its own size"
        shrunk = math.sqrt(height * width / (self.inner.height * self.inner.width))
        lost = f", detail is lost: it is {shrunk:.1f} times larger a side" if shrunk > 1.05 else ""
        return f"at {piece} and back{lost}"


def _up(length: int, multiple: int) -> int:
    return -(-length // multiple) * multiple


def _fitted(own: Size, crop: int, multiple: int) -> Size:
    """Sides of about crop² pixels and the picture's aspect, to within half a `multiple`."""
    scale = crop / math.sqrt(own.height * own.width)
    height, width = (max(multiple, round(side * scale / multiple) * multiple) for side in own)
    return Size(height, width)


def _starts(length: int, side: int, multiple: int) -> list[int]:
    """First pixels, multiples of `multiple`, of the fewest evenly spread pieces of `side` covering `length` that
    overlap by about a quarter or more. Both lengths are multiples of `multiple`.
    """
    count = 1 + -(-(length - side) // (side - side // 4))
    steps = (length - side) // multiple
    return [round(index * steps / max(count - 1, 1)) * multiple for index in range(count)]
