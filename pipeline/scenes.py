"""The scene of a photograph: its size, its banks and the cues that the drawn steps need."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from degradations.cues.cues import Cues, Wanted
from degradations.patterns.bank import KINDS
from degradations.patterns.banks import Banks
from degradations.patterns.errors import PatternError
from degradations.scene import Scene
from schemas.recipe.degradations import PatternsSection
from schemas.trace import Cue


def bare_scene(
    image: NDArray[np.uint8],
    patterns: PatternsSection | None = None,
    partner: NDArray[np.uint8] | None = None,
    clip: NDArray[np.uint8] | None = None,
) -> Scene:
    """What parameters are drawn for: the size of `image` (uint8 (H, W, 3)), banks, partner and clip."""
    providers = patterns.model_dump() if patterns else {}
    return Scene(height=image.shape[0], width=image.shape[1], banks=Banks(providers), partner=partner, clip=clip)


def with_cues(
    scene: Scene, image: NDArray[np.uint8], needs: frozenset[str], cues: Cues | None = None, source: str = ""
) -> Scene:
    """`scene` with the cues that `needs` names ("depth", "masks"), of `image` (uint8 (H, W, 3), sRGB).

    cues: the providers, embedded if None. source: sha256 of the file of which `image` is the decoded picture, so that
    its variants share them.
    """
    [(depth, masks)] = (cues or Cues()).of([Wanted(image, needs, source)])
    return replace(scene, depth=depth, masks=masks)


def trace_cues(scene: Scene, needs: frozenset[str], partner_sha256: str = "") -> list[Cue]:
    """The cues, pattern banks and partner that were used, with their providers, for the trace."""
    cues = []
    if "depth" in needs and scene.depth is not None:
        cues.append(Cue(name="depth", provider=scene.depth.provider, version=scene.depth.version))
    if "masks" in needs and scene.masks is not None:
        cues.append(Cue(name="masks", provider=scene.masks.provider, version=scene.masks.version))
    for kind in KINDS:
        if f"patterns.{kind}" in needs:
            bank = scene.banks[kind]
            cues.append(Cue(name=f"patterns.{kind}", provider=bank.provider, version=bank.version))
    if "partner" in needs:
        cues.append(Cue(name="partner", provider="source", version=partner_sha256))
    return cues


def banks_of_trace(cues: list[Cue], patterns: PatternsSection | None = None) -> Banks:
    """The banks of a recipe, or the embedded ones, for a trace.

    Raises PatternError where a bank that the trace used is not there with the trace's content.
    """
    banks = Banks(patterns.model_dump() if patterns else {})
    for kind in KINDS:
        for cue in cues:
            if cue.name == f"patterns.{kind}" and (banks[kind].provider, banks[kind].version) != (
                cue.provider,
                cue.version,
            ):
                raise PatternError(
                    f"degradations.patterns.{kind}: the trace was made with the {cue.provider} bank of version "
                    f"{cue.version}; this one is {banks[kind].provider}, version {banks[kind].version}; bring that back"
                )
    return banks
