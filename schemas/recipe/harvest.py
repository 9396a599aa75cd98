"""Real degraded photographs and where their clean references come from."""

from typing import Literal

from pydantic import Field, model_validator

from schemas.recipe.section import Section


class GeneratorSection(Section):
    """kind: `none` (photographs are scored, no reference is made), `folder` (references made elsewhere), `http` (a
    service that speaks OpenAI's image-edit protocol), `diffusers` (an image-editing pipeline) or `editor` (one of ours,
    as `tarnish train` leaves it).
    path: for `folder`, the folder; a reference has the file name of its photograph, with any image extension.
    model: for `diffusers`, the folder or hub id of the pipeline; for `editor`, its folder; for `http`, the name that
    the service knows. revision: of a hub id.
    url, api_key_variable: of the service; the environment variable that holds its key, empty for none.
    prompts: degradation → instruction; those of the tasks where none is given.
    steps, guidance: of the sampler; what the pipeline, or the editor's checkpoint, has by default when empty (guidance
    is for pipelines of diffusers).
    device: where pipelines of diffusers and editors run; `auto` takes a GPU if there is one.
    timeout: seconds a request may take. retries: how often a failed one is sent again.
    """

    kind: Literal["none", "folder", "http", "diffusers", "editor"] = "none"
    path: str = ""
    model: str = ""
    revision: str = ""
    url: str = ""
    api_key_variable: str = ""
    prompts: dict[str, str] = Field(default_factory=dict)
    steps: int | None = Field(default=None, ge=1)
    guidance: float | None = Field(default=None, ge=0.0, allow_inf_nan=False)
    device: Literal["auto", "cpu", "cuda"] = "auto"
    timeout: float = Field(default=300.0, gt=0.0, allow_inf_nan=False)
    retries: int = Field(default=4, ge=0, le=20)

    @model_validator(mode="after")
    def _named(self) -> "GeneratorSection":
        needed = {"folder": ("path",), "http": ("url", "model"), "diffusers": ("model",), "editor": ("model",)}
        if self.guidance is not None and self.kind != "diffusers":
            raise ValueError(f"guidance {self.guidance} is for kind 'diffusers'; leave it out of kind {self.kind!r}")
        for name in needed.get(self.kind, ()):
            if not getattr(self, name):
                raise ValueError(f"kind {self.kind!r} needs {name}; give one")
        return self


class HarvestSection(Section):
    """degradations: what is looked for; a photograph is taken for the likeliest of them.
    pixels: photographs with more are shrunk to this many before anything is scored; 0 keeps their size.
    generate: for which photographs a reference is made: `accepted` (those that no rule on the photograph itself speaks
    against) or `all` (dear; a looser policy then needs no new run).
    """

    degradations: tuple[str, ...] = Field(
        min_length=1, default=("blur", "rain", "lowlight", "haze", "reflection", "flare")
    )
    pixels: int = Field(default=1_048_576, ge=0)
    generate: Literal["accepted", "all"] = "accepted"
    generator: GeneratorSection = GeneratorSection()
