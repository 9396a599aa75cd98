"""Steps of a chain: drawn one after the other, applied in order, replayed from their trace."""

from __future__ import annotations

from collections.abc import Sequence

from degradations.contract import Degradation, Image, Params, check_image
from degradations.registry import build
from degradations.rng import generator
from degradations.scene import Scene
from schemas.recipe.degradations import DegradationsSection
from schemas.trace import Step


def draw_chain(
    names: Sequence[str], section: DegradationsSection, scene: Scene, severity: float, seed: int, sample_key: str
) -> list[Step]:
    """Draws the parameters of each step with a generator of its own, keyed by seed, sample key and step number."""
    steps = []
    for number, name in enumerate(names):
        degradation: Degradation[Params] = build(name, section)
        params = degradation.draw(generator(seed, sample_key, number), scene, severity)
        steps.append(Step(degradation=name, severity=severity, params=params.model_dump(mode="json")))
    return steps


def apply_chain(image: Image, steps: Sequence[Step], scene: Scene) -> Image:
    """Applies recorded steps to `image` (uint8 (H, W, 3), sRGB): the same steps give the same bytes.

    Raises KeyError for a degradation that this version does not know and pydantic's ValidationError for parameters
    that it cannot read.
    """
    check_image(image)
    for step in steps:
        degradation: Degradation[Params] = build(step.degradation)
        image = degradation.apply(image, degradation.params_type.model_validate(step.params), scene)
    return image


def needed_cues(steps: Sequence[Step]) -> frozenset[str]:
    """What any of these drawn steps reads from the scene (see `Degradation.needs`)."""
    needed: frozenset[str] = frozenset()
    for step in steps:
        degradation: Degradation[Params] = build(step.degradation)
        needed |= degradation.needs(degradation.params_type.model_validate(step.params))
    return needed
