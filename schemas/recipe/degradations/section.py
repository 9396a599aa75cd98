"""How often each degradation occurs. Weights are relative; 0 switches off."""

from collections.abc import Iterable, Iterator
from typing import Annotated, Any, Self

from pydantic import BeforeValidator, Field, ValidationError, model_validator

from schemas.curriculum import HIGH_ORDER, Curriculum
from schemas.recipe.chains import ChainName, ChainSection, ChainStep
from schemas.recipe.compositions import composition, composition_names
from schemas.recipe.degradations.agenticir import AgenticIRSection
from schemas.recipe.degradations.albumentations import AlbumentationsSection
from schemas.recipe.degradations.apisr import ApisrSection
from schemas.recipe.degradations.blur import BlurSection
from schemas.recipe.degradations.compression import CompressionSection
from schemas.recipe.degradations.depictqa import DepictQASection
from schemas.recipe.degradations.flare import FlareSection
from schemas.recipe.degradations.haze import HazeSection
from schemas.recipe.degradations.lowlight import LowlightSection
from schemas.recipe.degradations.moire import MoireSection
from schemas.recipe.degradations.noise import NoiseSection
from schemas.recipe.degradations.patterns import PatternsSection
from schemas.recipe.degradations.rain import RainSection
from schemas.recipe.degradations.realesrgan import RealEsrganSection
from schemas.recipe.degradations.reflection import ReflectionSection
from schemas.recipe.degradations.steps import chain_faults, step_section, unknown
from schemas.recipe.degradations.web_style import WebStyleSection
from schemas.recipe.section import Section, Weight


def _weighed(value: Any) -> Any:
    return dict.fromkeys(value, 1.0) if isinstance(value, list | tuple) else value


class DegradationsSection(Section):
    """One section a degradation; a weight of 0 leaves it out. patterns: the banks that they draw from.

    chains: sequences of degradations by name, weighed beside the single ones. compositions: the chains that other work
    uses, by name and weight of the whole set (a list of names weighs each one): agenticir-a, agenticir-b, agenticir-c,
    depictqa, foundir, uare-high-order.
    """

    noise: NoiseSection = NoiseSection()
    blur: BlurSection = BlurSection()
    compression: CompressionSection = CompressionSection()
    haze: HazeSection = HazeSection()
    lowlight: LowlightSection = LowlightSection()
    rain: RainSection = RainSection()
    flare: FlareSection = FlareSection()
    moire: MoireSection = MoireSection()
    realesrgan: RealEsrganSection = RealEsrganSection()
    reflection: ReflectionSection = ReflectionSection()
    web_style: WebStyleSection = WebStyleSection()
    apisr: ApisrSection = ApisrSection()
    agenticir: AgenticIRSection = AgenticIRSection()
    depictqa: DepictQASection = DepictQASection()
    albumentations: AlbumentationsSection = AlbumentationsSection()
    patterns: PatternsSection = PatternsSection()
    chains: dict[ChainName, ChainSection] = Field(default_factory=dict)
    compositions: Annotated[dict[str, Weight], BeforeValidator(_weighed)] = Field(default_factory=dict)

    def weights(self) -> dict[str, float]:
        """Weight by degradation and chain, those above zero, in the order of the section."""
        weights = {name: section.weight for name, section in self._sections().items()}
        weights |= {name: chain.weight for name, chain in self.all_chains().items()}
        return {name: weight for name, weight in weights.items() if weight > 0}

    def all_chains(self) -> dict[str, ChainSection]:
        """The recipe's own chains and those of its compositions, with their weights, by name."""
        chains = dict(self.chains)
        for name, weight in self.compositions.items():
            for key, chain in composition(name).items():
                chains[key] = chain.model_copy(update={"weight": chain.weight * weight})
        return chains

    def steps(self, name: str) -> tuple[ChainStep, ...]:
        """The steps of the chain `name`, or one step of the degradation `name`."""
        chain = self.all_chains().get(name)
        return chain.steps if chain else (ChainStep(degradation=name),)

    def curriculum(self, name: str) -> Curriculum:
        """Where the chain or degradation `name` stands in the curriculum."""
        chain = self.all_chains().get(name)
        if chain:
            return chain.level()
        return "high_order" if name in HIGH_ORDER else "single"

    def of_step(self, step: ChainStep) -> Any:
        """The section that a step of a chain draws from."""
        return step_section(getattr(self, step.degradation), step)

    def _sections(self) -> dict[str, Any]:
        named = {name: getattr(self, name) for name in type(self).model_fields}
        return {name: section for name, section in named.items() if hasattr(section, "weight")}

    def modes(self, name: str) -> tuple[str, ...]:
        """The modes of degradation `name` with a weight above zero; none where it has no modes."""
        modes = getattr(getattr(self, name), "modes", None)
        return tuple(mode for mode, weight in modes.model_dump().items() if weight > 0) if modes else ()

    def only(self, name: str, mode: str) -> Self:
        """This section with `mode` as the one mode of degradation `name`."""
        section = getattr(self, name)
        alone = type(section.modes)(**{other: float(other == mode) for other in type(section.modes).model_fields})
        return self.model_copy(update={name: section.model_copy(update={"modes": alone})})

    @model_validator(mode="after")
    def _chains_can_be_drawn(self) -> Self:
        faults = [
            unknown("composition", name, composition_names(), ("compositions", name))
            for name in self.compositions
            if name not in composition_names()
        ]
        faults = faults or chain_faults(self.all_chains(), self._sections())
        if faults:
            raise ValidationError.from_exception_data("chains", faults)
        for name in self.chains.keys() & {*type(self).model_fields, *_composed(self.compositions)}:
            raise ValueError(f"the chain {name!r} has the name of something else here; give it another")
        return self

    @model_validator(mode="after")
    def _one_is_on(self) -> Self:
        if not self.weights():
            named = ", ".join(self._sections())
            raise ValueError(f"every degradation has weight 0; give one of {named} a weight above 0")
        return self


def _composed(compositions: Iterable[str]) -> Iterator[str]:
    for name in compositions:
        yield from composition(name)
