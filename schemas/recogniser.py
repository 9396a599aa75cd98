"""What a folder that `tarnish recogniser train` wrote says of its network."""

from typing import Literal, Self

from pydantic import Field, model_validator

from schemas.record import Record
from schemas.tasks import TASKS

#: What a recogniser may name, in the order of the tasks; "mixed" is no degradation of its own.
NAMES: tuple[str, ...] = tuple(name for name in TASKS if name != "mixed")
CLEAN = "clean"


class RecogniserConfig(Record):
    """format: of weights and views. backbone: an architecture of timm. names: degradations in the order of the outputs.
    statistics: measures that the network is given (`filters.statistics`), in their order.

    tile: side of a tile at native resolution. whole: side of the square that the whole picture becomes; pixels.
    """

    format: Literal[1] = 1
    backbone: str
    names: tuple[str, ...]
    statistics: tuple[str, ...]
    tile: int = Field(ge=32, le=1024)
    whole: int = Field(ge=32, le=1024)

    @model_validator(mode="after")
    def _known(self) -> Self:
        unknown = [name for name in self.names if name not in NAMES]
        if unknown or not self.names or len(set(self.names)) != len(self.names):
            raise ValueError(f"names are {list(self.names)}; known, once each: {', '.join(NAMES)}")
        return self
