"""How a stored pair becomes a training sample."""

from typing import Literal, Self

from pydantic import Field, model_validator

from schemas.recipe.section import Fraction, Section, Weight


class DataSection(Section):
    """Size, prompt and dropped conditions of a sample, and what is kept of its encodings.

    fit: `crop` cuts random squares of the recipe's `crop` side from both images; `square` first makes them small enough
    that the square just fits, then cuts its middle; `bucket` does so for the shape of like area (crop²) that is nearest
    to the picture's. `square` and `bucket` show the text encoder the cut itself, `crop` the whole picture.
    mirror: mirror half of the samples.
    languages: relative share of the prompts by language.
    drop_prompt, drop_picture, drop_reference: probability that the instruction is empty, that the text encoder sees no
    picture, and that the reference latents are zero, each drawn by itself, for classifier-free guidance.
    web_style: probability that the degraded image takes one mild trip through the web as it is loaded.
    cache: folder that keeps text embeddings, and latents with cache_latents, by sample key, model and size; empty for
    none. Where a sample never comes again alike (random crops, web_style) nothing of it is kept.
    memory_mb: decoded images held in memory, in megabytes.
    readers: threads that read and decode.
    """

    fit: Literal["crop", "square", "bucket"] = "crop"
    mirror: bool = True
    languages: dict[Literal["en", "zh"], Weight] = Field(default={"en": 1.0})
    drop_prompt: Fraction = 0.0
    drop_picture: Fraction = 0.0
    drop_reference: Fraction = 0.0
    web_style: Fraction = 0.0
    cache: str = ""
    cache_latents: bool = False
    memory_mb: int = Field(default=512, ge=0)
    readers: int = Field(default=1, ge=1)

    @model_validator(mode="after")
    def _usable(self) -> Self:
        if not sum(self.languages.values()) > 0:
            raise ValueError("languages: none has a share above 0; name one, for instance {en: 1}")
        if self.cache_latents and not self.cache:
            raise ValueError("cache_latents: there is no cache; name its folder in data.cache")
        if self.cache_latents and (self.fit == "crop" or self.web_style > 0):
            raise ValueError(
                "cache_latents: with fit 'crop' or web_style above 0 no sample comes again alike; set "
                "fit: square or bucket and web_style: 0"
            )
        return self
