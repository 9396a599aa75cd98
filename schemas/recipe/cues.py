"""What estimates the depth and the segments of a photograph."""

from typing import Literal

from pydantic import Field, model_validator

from schemas.recipe.section import Fraction, Section


class DepthSection(Section):
    """provider: `prior` (no weights) or `dpt` (a DPT or Depth Anything model of transformers, MiDaS among them).
    model: for `dpt`, the folder of a model (config.json, preprocessor_config.json, *.safetensors) or its hub id, for
    instance Intel/dpt-large (MiDaS 3.0).
    """

    provider: Literal["prior", "dpt"] = "prior"
    model: str = ""

    @model_validator(mode="after")
    def _named(self) -> "DepthSection":
        if self.provider == "dpt" and not self.model:
            raise ValueError("provider 'dpt' needs a model; give its folder or hub id, e.g. Intel/dpt-large")
        if self.provider == "prior" and self.model:
            raise ValueError(f"model {self.model!r} is used by provider 'dpt' alone; set provider: dpt")
        return self


class MasksSection(Section):
    """provider: `superpixels` (no weights) or `sam2` (SAM 2's automatic mask generator).
    checkpoint: for `sam2`, a checkpoint file (.pt or .safetensors) or a hub id, for instance
    facebook/sam2.1-hiera-tiny.
    config: the architecture of a checkpoint file: a name that sam2 knows (sam2.1_hiera_t, sam2.1_hiera_l, ...) or a
    YAML file in its form; a hub id brings its own.
    points_per_side, predicted_iou, stability: SAM 2's grid of points and the scores below which it drops a mask.
    """

    provider: Literal["superpixels", "sam2"] = "superpixels"
    checkpoint: str = ""
    config: str = ""
    points_per_side: int = Field(default=32, ge=1, le=128)
    predicted_iou: Fraction = 0.8
    stability: Fraction = 0.95

    @model_validator(mode="after")
    def _named(self) -> "MasksSection":
        if self.provider == "sam2" and not self.checkpoint:
            raise ValueError(
                "provider 'sam2' needs a checkpoint; give a .pt or .safetensors file, or a hub id such as "
                "facebook/sam2.1-hiera-tiny"
            )
        if self.provider == "superpixels" and (self.checkpoint or self.config):
            raise ValueError("checkpoint and config are used by provider 'sam2' alone; set provider: sam2")
        return self


class CuesSection(Section):
    """depth, masks: who estimates them.
    device: where models run; `auto` takes a GPU if there is one. Half precision on a GPU.
    cache: folder or object-store uri in which what models estimate is kept by source; empty: the user's cache folder.
    """

    depth: DepthSection = DepthSection()
    masks: MasksSection = MasksSection()
    device: Literal["auto", "cpu", "cuda"] = "auto"
    cache: str = ""
