"""How often each degradation occurs. Weights are relative; 0 switches off."""

from typing import Self

from pydantic import model_validator

from schemas.recipe.degradations.blur import BlurSection
from schemas.recipe.degradations.compression import CompressionSection
from schemas.recipe.degradations.haze import HazeSection
from schemas.recipe.degradations.noise import NoiseSection
from schemas.recipe.degradations.patterns import PatternsSection
from schemas.recipe.degradations.realesrgan import RealEsrganSection
from schemas.recipe.degradations.reflection import ReflectionSection
from schemas.recipe.section import Section


class DegradationsSection(Section):
    """One section a degradation; a weight of 0 leaves it out. patterns: the banks that they draw from."""

    noise: NoiseSection = NoiseSection()
    blur: BlurSection = BlurSection()
    compression: CompressionSection = CompressionSection()
    haze: HazeSection = HazeSection()
    realesrgan: RealEsrganSection = RealEsrganSection()
    reflection: ReflectionSection = ReflectionSection()
    patterns: PatternsSection = PatternsSection()

    def weights(self) -> dict[str, float]:
        """Weight by degradation, those above zero, in the order of the section."""
        weights = {name: getattr(getattr(self, name), "weight", 0.0) for name in type(self).model_fields}
        return {name: weight for name, weight in weights.items() if weight > 0}

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
    def _one_is_on(self) -> Self:
        if not self.weights():
            named = [name for name in type(self).model_fields if hasattr(getattr(self, name), "weight")]
            raise ValueError(f"every degradation has weight 0; give one of {', '.join(named)} a weight above 0")
        return self
