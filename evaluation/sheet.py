"""A labelled grid of pictures."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

Image = NDArray[np.uint8]

_GAP, _LINE, _SCALE = 4, 22, 0.48


def labelled_grid(rows: Sequence[tuple[str, Sequence[Image]]], columns: Sequence[str]) -> Image:
    """One sRGB uint8 sheet of `rows` of (label, cells); `columns` head the first row. Cells are uint8 (h, w, 3), all
    of one size; a row's label stands above it. ASCII labels.

    Raises ValueError when there is nothing to show.
    """
    if not rows or not rows[0][1]:
        raise ValueError("a sheet needs at least one row with one picture")
    height, width = rows[0][1][0].shape[:2]
    count = max(len(cells) for _, cells in rows)
    sheet = np.full((_LINE + len(rows) * (_LINE + height + _GAP), count * (width + _GAP) - _GAP, 3), 255, np.uint8)
    for column, text in enumerate(columns):
        _write(sheet, text, column * (width + _GAP), 0)
    for number, (label, cells) in enumerate(rows):
        top = _LINE + number * (_LINE + height + _GAP)
        _write(sheet, label, 0, top)
        for column, cell in enumerate(cells):
            left = column * (width + _GAP)
            sheet[top + _LINE : top + _LINE + height, left : left + width] = cell
    return sheet


def _write(sheet: Image, text: str, left: int, top: int) -> None:
    cv2.putText(
        sheet, text, (left + 2, top + _LINE - 6), cv2.FONT_HERSHEY_SIMPLEX, _SCALE, (20, 20, 20), 1, cv2.LINE_AA
    )
