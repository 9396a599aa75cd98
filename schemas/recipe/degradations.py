"""How often each degradation occurs and how its modes are mixed. Weights are relative; 0 switches off."""

from typing import Self

from pydantic import model_validator

from schemas.recipe.section import Section, Weight


class Modes(Section):
    """Relative weights of a degradation's mixture components."""

    @model_validator(mode="after")
    def _one_is_on(self) -> Self:
        weights = self.model_dump()
        if not sum(weights.values()) > 0:
            raise ValueError(f"all modes are switched off; give one of {', '.join(weights)} a weight above 0")
        return self


class NoiseModes(Modes):
    """Mixture of noise (specification: degradations §5)."""

    raw_isp: Weight = 0.45
    real_esrgan: Weight = 0.2
    bsrgan: Weight = 0.1
    film_grain: Weight = 0.1
    impulse: Weight = 0.05


class BlurModes(Modes):
    """Mixture of blur (specification: degradations §1)."""

    camera_shake: Weight = 0.35
    trajectory: Weight = 0.2
    defocus: Weight = 0.2
    web: Weight = 0.1


class CompressionModes(Modes):
    """Codec of one generation (specification: degradations §2)."""

    jpeg: Weight = 0.6
    webp: Weight = 0.2
    avif: Weight = 0.07
    video: Weight = 0.1
    palette: Weight = 0.03


class HazeModes(Modes):
    """Family of haze (specification: degradations §8)."""

    fog: Weight = 0.4
    haze: Weight = 0.4
    smoke: Weight = 0.1
    dusk: Weight = 0.1


class NoiseSection(Section):
    """Noise: sensor, web, film, impulse."""

    weight: Weight = 1.0
    modes: NoiseModes = NoiseModes()


class BlurSection(Section):
    """Blur: shake, trajectories, defocus, web-style."""

    weight: Weight = 1.0
    modes: BlurModes = BlurModes()


class CompressionSection(Section):
    """Compression: one to four generations of codecs, resizes and crops."""

    weight: Weight = 1.0
    modes: CompressionModes = CompressionModes()


class HazeSection(Section):
    """Haze: Koschmieder's law on metric depth."""

    weight: Weight = 1.0
    modes: HazeModes = HazeModes()


class RealEsrganSection(Section):
    """The second-order chain of Real-ESRGAN."""

    weight: Weight = 1.0


class DegradationsSection(Section):
    """One section a degradation; a weight of 0 leaves it out."""

    noise: NoiseSection = NoiseSection()
    blur: BlurSection = BlurSection()
    compression: CompressionSection = CompressionSection()
    haze: HazeSection = HazeSection()
    realesrgan: RealEsrganSection = RealEsrganSection()

    def weights(self) -> dict[str, float]:
        """Weight by degradation, those above zero, in the order of the section."""
        return {name: section.weight for name in type(self).model_fields if (section := getattr(self, name)).weight > 0}

    @model_validator(mode="after")
    def _one_is_on(self) -> Self:
        if not self.weights():
            raise ValueError(
                f"every degradation has weight 0; give one of {', '.join(type(self).model_fields)} a weight above 0"
            )
        return self
