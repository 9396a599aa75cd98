"""The recipe: everything a run needs to know, in one YAML file."""

import hashlib
from collections.abc import Mapping

from schemas.recipe.cues import CuesSection
from schemas.recipe.decode import DecodeSection
from schemas.recipe.degradations import DegradationsSection
from schemas.recipe.engine import EngineSection
from schemas.recipe.evaluation import EvaluationSection
from schemas.recipe.filters import FiltersSection
from schemas.recipe.harvest import HarvestSection
from schemas.recipe.plan import PlanSection
from schemas.recipe.policy import PolicySection
from schemas.recipe.section import Section
from schemas.recipe.shards import ShardSection
from schemas.recipe.sources import SourceSection
from schemas.recipe.text import TextSection
from schemas.recipe.training import TrainingSection
from schemas.record import canonical_json

#: Sections (and fields) that change the content of a dataset. The rest names where and how the work runs.
CONTENT_SECTIONS = ("seed", "plan", "decode", "cues", "degradations", "filters", "harvest", "policy", "shards", "text")
PLACEMENT_FIELDS = (
    "plan.unit_size",
    "cues.device",
    "cues.cache",
    "filters.device",
    "filters.batch",
    *(f"filters.judge.{name}" for name in ("url", "api_key_variable", "concurrency", "timeout", "retries", "cache")),
    *(f"text.rewriter.{name}" for name in ("url", "api_key_variable", "concurrency", "timeout", "retries")),
    *(f"harvest.generator.{name}" for name in ("url", "api_key_variable", "device", "timeout", "retries")),
)


class Recipe(Section):
    """Sources, plan, cues, degradations, filters, harvest, policy, shards, texts, engine, training, evaluation.

    seed: keys every random generator of the run.
    """

    name: str = "tarnish"
    seed: int = 0
    sources: tuple[SourceSection, ...] = ()
    decode: DecodeSection = DecodeSection()
    plan: PlanSection = PlanSection()
    cues: CuesSection = CuesSection()
    degradations: DegradationsSection = DegradationsSection()
    filters: FiltersSection = FiltersSection()
    harvest: HarvestSection = HarvestSection()
    policy: PolicySection = PolicySection()
    shards: ShardSection = ShardSection()
    text: TextSection = TextSection()
    engine: EngineSection = EngineSection()
    training: TrainingSection = TrainingSection()
    evaluation: EvaluationSection = EvaluationSection()

    def content(self) -> dict[str, object]:
        """The fields that change what a dataset holds, flat: dotted name → value."""
        dumped = self.model_dump(mode="json")
        flat: dict[str, object] = {}
        for section in CONTENT_SECTIONS:
            _flatten(section, dumped[section], flat)
        return {name: value for name, value in flat.items() if name not in PLACEMENT_FIELDS}

    def fingerprint(self) -> str:
        """First 16 hex digits of the sha256 of `content()`: equal recipes make equal datasets."""
        return fingerprint_of(self.content())


def fingerprint_of(content: Mapping[str, object]) -> str:
    """First 16 hex digits of the sha256 of `content` as canonical JSON."""
    return hashlib.sha256(canonical_json(content).encode()).hexdigest()[:16]


def _flatten(prefix: str, value: object, into: dict[str, object]) -> None:
    if isinstance(value, dict) and value:
        for name, inner in value.items():
            _flatten(f"{prefix}.{name}", inner, into)
    else:
        into[prefix] = value
