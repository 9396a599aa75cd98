"""What a pattern bank is."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from degradations.contract import Params

Kind = Literal["moire", "flare", "haze", "rain", "reflection"]
KINDS: tuple[Kind, ...] = get_args(Kind)

Pattern = NDArray[np.uint8]


class PatternChoice(Params):
    """A drawn pattern: its name in the bank."""

    name: str


class PatternBank(ABC):
    """Patterns of one kind by name. All are uint8, square in banks that we build, of any size in others:

    moire: (h, w, 3), 128 times the ratio by which the pattern changes linear light;
    flare: (h, w, 3), 255·√L of the flare's linear light L in [0, 1], the light's source in the middle;
    haze: (h, w), 128 times a field of optical thickness with mean 1, tileable;
    rain: (h, w), 255 times the opacity α of a layer of streaks, tileable;
    reflection: (h, w, 3), an sRGB picture of what a window pane might mirror.

    kind: as above. provider: "embedded" or "folder". version: what its content depends on, for the trace.
    names: in a fixed order.
    """

    kind: Kind
    provider: str
    version: str
    names: tuple[str, ...]

    @abstractmethod
    def load(self, name: str) -> Pattern:
        """The pattern `name`, read-only. Raises PatternError for an unknown name or an unreadable file."""

    def draw(self, rng: np.random.Generator) -> PatternChoice:
        """A pattern of the bank, all equally likely."""
        return PatternChoice(name=self.names[int(rng.integers(len(self.names)))])
