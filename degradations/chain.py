"""Steps of a chain: drawn one after the other, applied in order, replayed from their trace."""

from __future__ import annotations

from collections.abc import Sequence

from degradations.albumentations_adapter import Albumentations
from degradations.contract import Degradation, Image, Params, check_image, pick
from degradations.registry import CLASSES, build
from degradations.rng import generator
from degradations.scene import Scene
from schemas.recipe.chains import ChainStep
from schemas.recipe.degradations import DegradationsSection
from schemas.trace import Step


def draw_chain(
    names: Sequence[str], section: DegradationsSection, scene: Scene, severity: float, seed: int, sample_key: str
) -> list[Step]:
    """Draws the parameters of the steps of these degradations and chains, in order.

    Each step has a generator of its own, keyed by seed, sample key and step number, and the severity moved into its
    own range; steps that their probability leaves out change nothing for the others.
    """
    planned = [step for name in names for step in section.steps(name)]
    steps = []
    for number in _occurring(planned, seed, sample_key):
        step = planned[number]
        degradation = build_step(step, section)
        own = step.at(severity)
        params = degradation.draw(generator(seed, sample_key, number), scene, own)
        steps.append(Step(degradation=step.degradation, severity=own, params=params.model_dump(mode="json")))
    return steps


def build_step(step: ChainStep, section: DegradationsSection) -> Degradation[Params]:
    """The degradation of a step, with its own modes and fields. Raises KeyError for an unknown name."""
    degradation: Degradation[Params] = build(step.degradation, section)
    if step.modes is None and not step.section:
        return degradation
    return CLASSES[step.degradation](section.of_step(step))  # type: ignore[call-arg]


def task_of(name: str, section: DegradationsSection) -> str:
    """The task whose prompt undoes a degradation or chain: a chain's own, its only step's, or "mixed"."""
    chain = section.all_chains().get(name)
    if chain and chain.task:
        return chain.task
    steps = section.steps(name)
    return CLASSES[steps[0].degradation].task if len(steps) == 1 else "mixed"


def check_transforms(section: DegradationsSection) -> None:
    """Tries every albumentations transform that the recipe will use.

    Raises RecipeError for one that is unknown, moves geometry, or refuses its arguments.
    """
    for name in section.weights():
        for step in section.steps(name):
            degradation = build_step(step, section)
            if isinstance(degradation, Albumentations):
                degradation.check()


def _occurring(planned: Sequence[ChainStep], seed: int, sample_key: str) -> list[int]:
    """Numbers of the steps that occur, at least one."""
    chances = generator(seed, sample_key, "steps")
    occurring = [n for n, step in enumerate(planned) if step.probability == 1.0 or chances.random() < step.probability]
    return occurring or [int(pick(chances, {str(n): step.probability for n, step in enumerate(planned)}))]


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
