"""A contact sheet of a bank."""

from __future__ import annotations

import cv2
import numpy as np

from degradations.contract import Image
from degradations.light import DECODE, encode
from degradations.patterns.bank import Kind, Pattern, PatternBank

#: Columns and rows at most, and the side of a cell in pixels.
_COLUMNS, _ROWS, _SIDE = 10, 6, 144


def visible(kind: Kind, pattern: Pattern) -> Image:
    """How a pattern shows, sRGB uint8 (h, w, 3): on grey (moiré, haze), on black (flare), on dark grey (rain)."""
    values = pattern.astype(np.float32)
    if kind == "reflection":
        return pattern
    if kind == "moire":
        return encode(values / np.float32(128.0) * DECODE[160])
    if kind == "flare":
        return encode((values / np.float32(255.0)) ** 2)
    wide = np.repeat(values[:, :, None], 3, axis=2)
    if kind == "haze":
        thin = np.exp(-wide / np.float32(128.0))
        return encode(DECODE[40] * thin + DECODE[225] * (np.float32(1.0) - thin))
    alpha = wide / np.float32(255.0)
    return encode(DECODE[60] * (np.float32(1.0) - alpha) + DECODE[230] * alpha)


def contact_sheet(bank: PatternBank) -> Image:
    """Up to 60 patterns spread over the bank, sRGB uint8, rows of ten."""
    count = min(len(bank.names), _COLUMNS * _ROWS)
    chosen = [bank.names[i * len(bank.names) // count] for i in range(count)]
    cells = [
        cv2.resize(visible(bank.kind, bank.load(name)), (_SIDE, _SIDE), interpolation=cv2.INTER_AREA) for name in chosen
    ]
    rows = -(-count // _COLUMNS)
    columns = min(count, _COLUMNS)
    sheet = np.full((rows * (_SIDE + 4) - 4, columns * (_SIDE + 4) - 4, 3), 255, dtype=np.uint8)
    for number, cell in enumerate(cells):
        y, x = number // _COLUMNS * (_SIDE + 4), number % _COLUMNS * (_SIDE + 4)
        sheet[y : y + _SIDE, x : x + _SIDE] = cell
    return sheet
