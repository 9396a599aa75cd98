"""Which editor is trained, and where its weights lie."""

from typing import Annotated, Any, Literal

from pydantic import Discriminator, Field, Tag

from schemas.recipe.section import Section


class TinySection(Section):
    """A small flow transformer, trained from nothing.

    latents: empty for pixels; else the folder or hub id of an AutoencoderTiny of FLUX.1's latents
    (`madebyollin/taef1`), in which it then works.
    heads, head_dim: attention heads and their width; the transformer's width is their product.
    double_blocks, single_blocks: Flux blocks with separate and with shared streams for text and image.
    features: channels of the convolutional stem and tail at half resolution; pixels only.
    words: rows of the table of hashed word embeddings.
    """

    kind: Literal["tiny"] = "tiny"
    latents: str = ""
    heads: int = Field(default=4, ge=1)
    head_dim: int = Field(default=32, ge=32, multiple_of=32)
    double_blocks: int = Field(default=2, ge=1)
    single_blocks: int = Field(default=4, ge=1)
    features: int = Field(default=32, ge=4, multiple_of=4)
    words: int = Field(default=512, ge=16)


class Step1XSection(Section):
    """Step1X-Edit (2025) or RealRestorer (2026).

    transformer: a checkpoint in the published layout (a safetensors file, or a folder with one or with shards), or a
    folder with `transformer` and `connector` as diffusers writes them. text_encoder: Qwen2.5-VL-7B-Instruct. vae:
    FLUX.1's autoencoder, `ae.safetensors` or diffusers' folder. Each a local path, or a hub id with or without a file
    behind it, owner/name/FILE.
    """

    kind: Literal["step1x"] = "step1x"
    transformer: str = "stepfun-ai/Step1X-Edit/step1x-edit-v1p1-official.safetensors"
    text_encoder: str = "Qwen/Qwen2.5-VL-7B-Instruct"
    vae: str = "stepfun-ai/Step1X-Edit/vae.safetensors"


class KontextSection(Section):
    """FLUX.1 Kontext (2025).

    model: folder or hub id of the diffusers pipeline. transformer: folder of other weights for its transformer, as
    diffusers writes them; empty for the model's own.
    guidance: what the guidance embedding is told, in training and in use.
    """

    kind: Literal["kontext"] = "kontext"
    model: str = "black-forest-labs/FLUX.1-Kontext-dev"
    transformer: str = ""
    guidance: float = Field(default=2.5, ge=0.0)


class QwenSection(Section):
    """Qwen-Image-Edit or Qwen-Image-Edit-Plus (2025).

    model: folder or hub id of the diffusers pipeline; empty for the published one of its kind. transformer: folder of
    other weights for its transformer, as diffusers writes them; empty for the model's own.
    """

    kind: Literal["qwen-image-edit", "qwen-image-edit-plus"] = "qwen-image-edit"
    model: str = ""
    transformer: str = ""


def _kind(section: Any) -> str:
    """The section that an editor's fields belong to: by `kind`, the small one's without it."""
    kind = section.get("kind", "tiny") if isinstance(section, dict) else getattr(section, "kind", "")
    return "qwen" if str(kind).startswith("qwen-image-edit") else str(kind)


EditorSection = Annotated[
    Annotated[TinySection, Tag("tiny")]
    | Annotated[Step1XSection, Tag("step1x")]
    | Annotated[KontextSection, Tag("kontext")]
    | Annotated[QwenSection, Tag("qwen")],
    Discriminator(
        _kind,
        custom_error_type="unknown_editor",
        custom_error_message="kind: unknown; known: tiny, step1x, kontext, qwen-image-edit, qwen-image-edit-plus",
    ),
]
