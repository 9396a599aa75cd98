"""A model made ready for its processes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from schemas.recipe.training import ParallelSection
from training.parallel.compiled import compile_blocks
from training.parallel.recompute import recompute_blocks
from training.parallel.sharding import shard
from training.parallel.world import World

if TYPE_CHECKING:
    from training.editors.base import Editor


def parallelize(editor: Editor, section: ParallelSection, world: World) -> None:
    """Recomputation, compilation and sharding of the blocks, in place; names of weights stay as they are.

    Call it once, when it is settled which weights move, before averages and optimizers are made; weights may still be
    on the meta device (see `training.editors.loading.load_weights`).
    """
    recompute_blocks(editor.blocks(), section.recompute)
    if section.compile:
        compile_blocks(editor.blocks(), any_size=editor.config.fit == "bucket")
    shard(editor, section, world)
    editor.compute_on = world.device
