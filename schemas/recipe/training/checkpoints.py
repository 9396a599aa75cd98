"""Which checkpoints are kept."""

from pydantic import Field

from schemas.recipe.section import Section


class CheckpointSection(Section):
    """Checkpoints are written after validations, and between them where `every` says so.

    every: steps between checkpoints beside those of validations; 0: none.
    newest, best: how many of either are kept, best ones in each stage.
    background: training goes on while a checkpoint is written; it then holds a copy of the weights in memory.
    """

    every: int = Field(default=0, ge=0)
    newest: int = Field(default=2, ge=1)
    best: int = Field(default=1, ge=1)
    background: bool = True
