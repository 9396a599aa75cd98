"""How much has happened to a picture, as UARE (2025) orders its training: single, multiple, high-order."""

from typing import Literal

#: Empty for rows that no degradation was planned for.
Curriculum = Literal["", "single", "multiple", "high_order"]

#: Degradations that are chains of the second order themselves.
HIGH_ORDER = frozenset({"realesrgan", "apisr"})
