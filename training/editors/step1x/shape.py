"""The sizes of a Step1X-Edit transformer, told from its weights."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from schemas.errors import CheckpointError
from training.editors.weight_files import WeightFiles

#: Widths of the rotary position axes (image, row, column) for each 16 of a head's width: 16/56/56 of 128.
ROPE_SIXTEENTHS = (2, 7, 7)
#: The narrowest head whose rotary axes have even widths.
HEAD_UNIT = 32

_TELLING = {
    "channels": "img_in.weight",
    "text": "connector.S.input_embedder.weight",
    "pooled": "connector.global_proj_out.weight",
    "head": "double_blocks.0.img_attn.norm.query_norm.scale",
}


@dataclass(frozen=True)
class Step1XShape:
    """The sizes; the defaults are the published model's, 12.4 billion weights.

    channels: of a token, 2×2 latent cells of 16. head_dim: of the transformer's heads and of the connector's alike.
    text_width: of the language model's hidden states. refiner_width: of the connector's output tokens.
    guidance, mask_token: whether the checkpoint carries `guidance_in` and `mask_token`.
    """

    version: Literal["v1.0", "v1.1"] = "v1.1"
    channels: int = 64
    heads: int = 24
    head_dim: int = 128
    double_blocks: int = 19
    single_blocks: int = 38
    text_width: int = 3584
    refiner_width: int = 4096
    refiner_blocks: int = 2
    pooled_width: int = 768
    guidance: bool = False
    mask_token: bool = False

    @classmethod
    def of(cls, files: WeightFiles) -> Step1XShape:
        """The sizes that a checkpoint in the published layout has, from the shapes of a few of its tensors.

        Version v1.0 is told by `connector.scale_factor`. Raises CheckpointError when those tensors are missing or
        make no sense together.
        """
        files.need(list(_TELLING.values()), "a Step1X-Edit checkpoint")
        shapes = {size: files.shapes[name] for size, name in _TELLING.items()}
        if [len(shapes[size]) for size in _TELLING] != [2, 2, 2, 1]:
            raise CheckpointError(f"weights {files.path}: not a Step1X-Edit checkpoint; shapes {shapes}")
        (width, channels), (refiner, text), (pooled, _), (head,) = shapes.values()
        if head == 0 or head % HEAD_UNIT or width % head or refiner % head:
            raise CheckpointError(
                f"weights {files.path}: not a Step1X-Edit checkpoint; widths {width} and {refiner} in heads of {head}, "
                f"which must divide them and be a multiple of {HEAD_UNIT}"
            )
        return cls(
            version="v1.0" if "connector.scale_factor" in files.shapes else "v1.1",
            channels=channels,
            heads=width // head,
            head_dim=head,
            double_blocks=_count(files, "double_blocks."),
            single_blocks=_count(files, "single_blocks."),
            text_width=text,
            refiner_width=refiner,
            refiner_blocks=_count(files, "connector.S.individual_token_refiner.blocks."),
            pooled_width=pooled,
            guidance="guidance_in.in_layer.weight" in files.shapes,
            mask_token="mask_token" in files.shapes,
        )


def _count(files: WeightFiles, prefix: str) -> int:
    return len({name.removeprefix(prefix).split(".")[0] for name in files.shapes if name.startswith(prefix)})
