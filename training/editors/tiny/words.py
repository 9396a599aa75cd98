"""Prompts as rows of a table, without a vocabulary."""

from __future__ import annotations

import hashlib
import re

_WORD = re.compile(r"[\u3400-\u9fff]|[^\W\u3400-\u9fff]+")


def word_ids(prompt: str, rows: int, length: int) -> list[int]:
    """`length` rows of a table of hashed words: one for each word of `prompt` (each Chinese character is a word,
    case is ignored), from 1 to rows − 1; the end is filled with row 0. Words past `length` are dropped.
    """
    words = _WORD.findall(prompt.lower())[:length]
    ids = [1 + int.from_bytes(hashlib.sha256(word.encode()).digest()[:8], "little") % (rows - 1) for word in words]
    return ids + [0] * (length - len(ids))
