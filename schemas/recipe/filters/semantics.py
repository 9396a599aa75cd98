"""Which degradation a picture shows."""

from typing import Literal

from pydantic import Field, model_validator

from schemas.recipe.section import Section

#: RealRestorer's prompts (2026) for its six classes of real photographs; ours for the other three and for clean ones.
PROMPTS = {
    "blur": "a blurry photo with motion blur or out-of-focus regions",
    "compression": "a low quality photo with blocky compression artifacts",
    "moire": "a photo of a screen with rainbow moiré patterns",
    "lowlight": "a dark photo, underexposed, low illumination",
    "noise": "a grainy photo with visible image noise",
    "flare": "a photo with lens flare, bright streaks of light",
    "haze": "a hazy photo, foggy atmosphere, low contrast",
    "rain": "a rainy photo with rain streaks or raindrops",
    "reflection": "a photo with glass or mirror-like reflection artifacts",
    "clean": "a sharp, clean, well exposed photo",
}


class SemanticsSection(Section):
    """provider: `statistics` (no weights: degradation statistics, calibrated) or `open_clip`.
    model: for `open_clip`, an architecture that open_clip knows (ViT-B-32), or `hf-hub:OWNER/NAME`.
    checkpoint: for `open_clip`, a file (.safetensors, .pt) or a tag that open_clip knows (laion2b_s34b_b79k); empty for
    hf-hub models, which bring their own.
    prompts: degradation → the sentence that the picture is compared with; `clean` among them.
    temperature: divides the logits before the softmax over the prompts; above 1 the probabilities are less sure.
    """

    provider: Literal["statistics", "open_clip"] = "statistics"
    model: str = ""
    checkpoint: str = ""
    prompts: dict[str, str] = Field(default_factory=lambda: dict(PROMPTS))
    temperature: float = Field(default=1.0, gt=0.0, allow_inf_nan=False)

    @model_validator(mode="after")
    def _named(self) -> "SemanticsSection":
        if self.provider == "open_clip" and not self.model:
            raise ValueError(
                "provider 'open_clip' needs a model; give an architecture such as ViT-B-32 and a checkpoint"
            )
        if self.provider == "statistics" and (self.model or self.checkpoint):
            raise ValueError("model and checkpoint are used by provider 'open_clip' alone; set provider: open_clip")
        if "clean" not in self.prompts or len(self.prompts) < 2:
            raise ValueError(f"prompts has {sorted(self.prompts)}; give one for clean and one for each degradation")
        return self
