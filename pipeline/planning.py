"""The plan: which degradation and severity each variant of each source gets, and in which unit."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence

from degradations.rng import generator
from pipeline.dataset import Dataset
from pipeline.partners import Partners
from schemas.curriculum import Curriculum
from schemas.errors import RecipeError
from schemas.plan import PlanRow
from schemas.recipe import Recipe
from schemas.source import SourceImage

#: Length of the schedule that spreads degradations: shares are exact to one part in this many.
_SCHEDULE_LENGTH = 1000


def plan_rows(sources: Sequence[SourceImage], recipe: Recipe, first_unit: int = 0) -> list[PlanRow]:
    """Plan rows for these sources, in the order of split, target format, key and variant, in units from `first_unit`.

    A unit has one split and one format of clean targets: Ray Data's WebDataset reader, which makes a column of each
    extension, wants all samples of a shard to have the same.

    A source's rows depend on its bytes and the recipe alone, never on the other sources; but for the partner that a
    reflection mirrors, which is one of these sources. Unreadable sources, exact duplicates and
    pictures of a benchmark get one row each, with the exclusion's reason.
    """
    order = _schedule(recipe.degradations.weights())
    curricula = {name: recipe.degradations.curriculum(name) for name in set(order)}
    free = [source for source in sources if not source.leak]
    mirrored = Partners(free) if recipe.degradations.reflection.partners else Partners([])
    groups: dict[tuple[str, str], list[PlanRow]] = {}
    for source in sources:
        group = groups.setdefault((source.split, source.clean_format or "png"), [])
        group.extend(_source_rows(source, recipe, order, curricula, mirrored))
    return in_units(groups, recipe.plan.unit_size, first_unit)


def in_units(groups: Mapping[tuple[str, str], list[PlanRow]], unit_size: int, first_unit: int) -> list[PlanRow]:
    """The rows of all groups, sorted by group and key and numbered by units that never span two groups."""
    numbered = []
    for _, rows in sorted(groups.items()):
        rows.sort(key=lambda row: row.sample_key)
        for place, row in enumerate(rows):
            numbered.append(row.model_copy(update={"unit": first_unit + place // unit_size}))
        first_unit = numbered[-1].unit + 1
    return numbered


def row_of(source: SourceImage, sample_key: str, **fields: object) -> PlanRow:
    """A plan row of `source`, of no unit yet."""
    copied = ("uri", "sha256", "size", "role", "split", "near_duplicate_of", "near_duplicate_distance")
    shared = {name: getattr(source, name) for name in (*copied, "similar_to", "similarity")}
    defaults = {"unit": 0, "degradation": "", "variant": 0, "severity": 0.0, "source_key": source.key}
    return PlanRow.model_validate({**shared, **defaults, **fields, "sample_key": sample_key})


def exclusion_of(source: SourceImage) -> PlanRow | None:
    """The one row of a source that is settled already: unreadable, an exact duplicate, a picture of a benchmark."""
    if source.error:
        return row_of(source, f"{source.key}-unreadable", exclusion="failed.read", exclusion_error=source.error)
    if source.duplicate_ordinal:
        return row_of(source, f"{source.key}-duplicate{source.duplicate_ordinal}", exclusion="duplicate.exact")
    if source.leak:
        return row_of(source, f"{source.key}-leak", exclusion="leak.benchmark", exclusion_error=source.leak)
    return None


def _source_rows(
    source: SourceImage, recipe: Recipe, order: list[str], curricula: dict[str, Curriculum], mirrored: Partners
) -> Iterable[PlanRow]:
    if excluded := exclusion_of(source):
        yield excluded
        return
    if source.frames > 1:
        order = _of_a_clip(source, recipe)
    digest = hashlib.sha256(f"{recipe.seed}/schedule/{source.key}".encode()).digest()
    start = int.from_bytes(digest[:8], "little") % len(order)
    for variant in range(recipe.plan.variants):
        degradation = order[(start + variant) % len(order)]
        sample_key = f"{source.key}-v{variant:03d}-{degradation}"
        low, high = recipe.plan.severity_low, recipe.plan.severity_high
        severity = float(generator(recipe.seed, sample_key, "severity").uniform(low, high))
        partner = None
        if any(step.degradation == "reflection" for step in recipe.degradations.steps(degradation)):
            partner = mirrored.of(source, sample_key, recipe.seed)
        yield row_of(
            source,
            sample_key,
            partner_uri=partner.uri if partner else "",
            partner_sha256=partner.sha256 if partner else "",
            degradation=degradation,
            variant=variant,
            severity=round(severity, 4),
            curriculum=curricula[degradation],
        )


def _of_a_clip(source: SourceImage, recipe: Recipe) -> list[str]:
    """A clip is there to be blurred by its own frames. Raises RecipeError where the recipe does not want that."""
    blur = recipe.degradations.blur
    if not (blur.weight > 0 and blur.modes.video > 0):
        raise RecipeError(
            f"sources: {source.uri} is a clip, and degradations.blur.weight is {blur.weight}, blur.modes.video "
            f"{blur.modes.video}; give both a weight or leave the clips out"
        )
    return ["blur"]


def _schedule(weights: dict[str, float]) -> list[str]:
    """A cycle of names in proportion to their weights, each spread as evenly as can be (smooth weighted round robin).

    Equal weights give the names in turn.
    """
    total = sum(weights.values())
    equal = len(set(weights.values())) == 1
    credit = dict.fromkeys(weights, 0.0)
    order = []
    for _ in range(len(weights) if equal else _SCHEDULE_LENGTH):
        for name, weight in weights.items():
            credit[name] += weight
        name = max(credit, key=lambda key: credit[key])
        credit[name] -= total
        order.append(name)
    return order


def read_plan(dataset: Dataset) -> list[PlanRow]:
    """All rows of the plan, part by part; a part counts once its manifest part exists."""
    parts = [dataset.plan / part.name for part in sorted(dataset.manifest.glob("*.parquet"))]
    return [row for part in parts for row in PlanRow.read_parquet(part)]
