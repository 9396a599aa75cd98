"""The scene of a photograph: its size, its banks and the cues that the drawn steps need."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from degradations.cues.cues import Cues, Wanted
from degradations.patterns.bank import KINDS
from degradations.patterns.banks import Banks
from degradations.scene import Scene
from schemas.recipe.degradations import PatternsSection
from schemas.trace import Cue


def bare_scene(image: NDArray[np.uint8], patterns: PatternsSection | None = None) -> Scene:
    """What parameters are drawn for: the size of `image` (uint8 (H, W, 3)) and the banks of the recipe."""
    providers = patterns.model_dump() if patterns else {}
    return Scene(height=image.shape[0], width=image.shape[1], banks=Banks(providers))


def with_cues(
    scene: Scene, image: NDArray[np.uint8], needs: frozenset[str], cues: Cues | None = None, source: str = ""
) -> Scene:
    """`scene` with the cues that `needs` names ("depth", "masks"), of `image` (uint8 (H, W, 3), sRGB).

    cues: the providers, embedded if None. source: sha256 of the file of which `image` is the decoded picture, so that
    its variants share them.
    """
    [(depth, masks)] = (cues or Cues()).of([Wanted(image, needs, source)])
    return replace(scene, depth=depth, masks=masks)


def trace_cues(scene: Scene, needs: frozenset[str]) -> list[Cue]:
    """The cues and pattern banks that were used, with their providers, for the trace."""
    cues = []
    if "depth" in needs and scene.depth is not None:
        cues.append(Cue(name="depth", provider=scene.depth.provider, version=scene.depth.version))
    if "masks" in needs and scene.masks is not None:
        cues.append(Cue(name="masks", provider=scene.masks.provider, version=scene.masks.version))
    for kind in KINDS:
        if f"patterns.{kind}" in needs:
            bank = scene.banks[kind]
            cues.append(Cue(name=f"patterns.{kind}", provider=bank.provider, version=bank.version))
    return cues


def banks_of_trace(cues: list[Cue]) -> Banks:
    """The banks that a trace names. Raises ValueError where a bank's content is no longer that of the trace."""
    banks = Banks(
        {cue.name.removeprefix("patterns."): cue.provider for cue in cues if cue.name.startswith("patterns.")}
    )
    for kind in KINDS:
        for cue in cues:
            if cue.name == f"patterns.{kind}" and banks[kind].version != cue.version:
                raise ValueError(
                    f"the {kind} patterns at {cue.provider!r} are version {banks[kind].version}, the trace was made "
                    f"with {cue.version}; bring that bank back"
                )
    return banks
