"""Step1X-Edit and RealRestorer checkpoints: the published layout, and diffusers folders."""

from __future__ import annotations

import shutil
from pathlib import Path

import torch
from diffusers import FluxTransformer2DModel
from safetensors.torch import save_file
from torch import Tensor

from schemas.errors import CheckpointError
from training.editors.diffusers_folder import CONFIG, load_part, shapes_of
from training.editors.step1x.keys import official_entries
from training.editors.step1x.model import Step1XConnector, Step1XTransformer
from training.editors.step1x.shape import Step1XShape
from training.editors.weight_files import WeightFiles

#: What RealRestorer's release puts before every name.
INNER = "inner_model."
_TRANSFORMER, _CONNECTOR = "transformer", "connector"


def load_step1x(path: Path, dtype: torch.dtype = torch.float32) -> Step1XTransformer:
    """The transformer of a checkpoint, its weights as `dtype`, on the CPU.

    path: a safetensors file, a folder with one or with shards and their index, in the published layout with
    `inner_model.` before its names or without; a release folder that has such a one as `transformer`; or a folder that
    `save_diffusers` wrote. Beside the model no more than one tensor is in memory.
    Raises CheckpointError when a file is missing or damaged, and, listing the names, when tensors are missing,
    unexpected or of other shapes.
    """
    if (path / _CONNECTOR / CONFIG).is_file():
        return _load_diffusers(path, dtype)
    inside = path / _TRANSFORMER
    files = WeightFiles(inside if inside.is_dir() else path, prefix=INNER)
    shape = Step1XShape.of(files)
    with torch.device("meta"):
        model = Step1XTransformer.of(shape)
    own, entries = shapes_of(model), official_entries(shape)
    files.check({name: entry.shape(own) for name, entry in entries.items()})
    weights: dict[str, Tensor] = {}
    for name, entry in entries.items():
        weights |= entry.part(files.tensor(name).to(dtype), own)
    model.load_state_dict(weights, assign=True)
    return model.eval()


def save_official(model: Step1XTransformer, file: Path, prefix: str = "") -> None:
    """Writes the weights as one safetensors file in the published layout. prefix: `INNER` for RealRestorer's names."""
    weights = model.state_dict()
    entries = official_entries(shape_of(model))
    making = file.with_name(file.name + ".making")
    save_file({prefix + name: entry.join(weights).cpu().contiguous() for name, entry in entries.items()}, making)
    making.replace(file)


def save_diffusers(model: Step1XTransformer, folder: Path) -> None:
    """Writes `transformer`, which diffusers' FluxTransformer2DModel loads, and `connector`, which Step1XConnector does.

    Files above diffusers' usual size become shards with an index. A folder of that name is replaced at the end.
    """
    making = folder.with_name(folder.name + ".making")
    shutil.rmtree(making, ignore_errors=True)
    model.transformer.save_pretrained(making / _TRANSFORMER)
    model.connector.save_pretrained(making / _CONNECTOR)
    shutil.rmtree(folder, ignore_errors=True)
    making.rename(folder)


def shape_of(model: Step1XTransformer) -> Step1XShape:
    """The sizes of a model, as its parts' configurations say."""
    flux, connector = model.transformer.config, model.connector.config
    return Step1XShape(
        version="v1.0" if connector.scaled else "v1.1",
        channels=flux.in_channels,
        heads=flux.num_attention_heads,
        head_dim=flux.attention_head_dim,
        double_blocks=flux.num_layers,
        single_blocks=flux.num_single_layers,
        text_width=connector.text_width,
        refiner_width=connector.width,
        refiner_blocks=connector.blocks,
        pooled_width=connector.pooled_width,
        guidance=flux.guidance_embeds,
        mask_token=connector.mask_token_width > 0,
    )


def _load_diffusers(folder: Path, dtype: torch.dtype) -> Step1XTransformer:
    transformer = load_part(FluxTransformer2DModel, folder / _TRANSFORMER, dtype)
    connector = load_part(Step1XConnector, folder / _CONNECTOR, dtype)
    joined = {
        "text tokens": (transformer.config.joint_attention_dim, connector.config.width),
        "pooled vector": (transformer.config.pooled_projection_dim, connector.config.pooled_width),
    }
    for what, (wanted, made) in joined.items():
        if wanted != made:
            raise CheckpointError(
                f"weights {folder}: {what} of width {wanted} in the transformer, {made} in the connector"
            )
    return Step1XTransformer(transformer, connector).eval()
