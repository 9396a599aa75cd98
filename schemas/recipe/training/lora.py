"""Training a few weights beside frozen ones."""

from pydantic import Field

from schemas.recipe.section import Section


class LoraSection(Section):
    """Low-rank adaptation (Hu et al. 2021) of the transformer's linear layers, through peft.

    rank: 0 trains all weights. alpha: the update is scaled by alpha / rank.
    layers: ends of the names of the layers that are adapted.
    """

    rank: int = Field(default=0, ge=0)
    alpha: int = Field(default=16, ge=1)
    layers: tuple[str, ...] = (
        "to_q",
        "to_k",
        "to_v",
        "to_out.0",
        "add_q_proj",
        "add_k_proj",
        "add_v_proj",
        "to_add_out",
    )
