"""Where the work runs. Nothing here changes a result."""

from typing import Literal

from pydantic import Field

from schemas.recipe.section import Section


class EngineSection(Section):
    """kind: `local` (one process, a loop) or `ray` (actors on Ray Data: this machine, or the cluster that RAY_ADDRESS
    names).
    actors: worker actors of the ray engine; 0 means one for each CPU that Ray has.
    worker_gpus: GPUs (or the share of one) that each worker actor of the main job holds, for recipes that name models.
    """

    kind: Literal["local", "ray"] = "local"
    actors: int = Field(default=0, ge=0)
    worker_gpus: float = Field(default=0.0, ge=0.0, allow_inf_nan=False)
