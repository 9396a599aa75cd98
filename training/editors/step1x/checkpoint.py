"""Step1X-Edit and RealRestorer checkpoints: the published layout, and diffusers folders."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import NamedTuple

import torch
from accelerate import init_empty_weights
from diffusers import FluxTransformer2DModel
from huggingface_hub import split_state_dict_into_shards_factory
from safetensors.torch import save_file
from torch import Tensor

from schemas.errors import CheckpointError
from training.editors.base import Rows
from training.editors.diffusers_folder import CONFIG, empty_part, shapes_of
from training.editors.diffusers_saving import save_part
from training.editors.flux_vae import INNER
from training.editors.step1x.keys import official_entries
from training.editors.step1x.model import Step1XConnector, Step1XTransformer
from training.editors.step1x.shape import Step1XShape
from training.editors.weight_files import WeightFiles

_TRANSFORMER, _CONNECTOR = "transformer", "connector"
#: Larger files become shards with an index, as diffusers has it.
LARGEST = "10GB"


class Step1XCheckpoint(NamedTuple):
    """A checkpoint of which only headers are read yet.

    model: its parameters on the meta device. rows: a reader for each tensor of the model's state dict.
    """

    model: Step1XTransformer
    rows: Mapping[str, Rows]


def open_step1x(path: Path) -> Step1XCheckpoint:
    """Looks into a checkpoint.

    path: a safetensors file, a folder with one or with shards and their index, in the published layout with
    `inner_model.` before its names or without; a release folder that has such a one as `transformer`; or a folder that
    `save_diffusers` wrote.
    Raises CheckpointError when a file is missing or damaged, and, listing the names, when tensors are missing,
    unexpected or of other shapes.
    """
    if (path / _CONNECTOR / CONFIG).is_file():
        return _open_diffusers(path)
    inside = path / _TRANSFORMER
    files = WeightFiles(inside if inside.is_dir() else path, prefix=INNER)
    shape = Step1XShape.of(files)
    with init_empty_weights():
        model = Step1XTransformer.of(shape)
    own, entries = shapes_of(model), official_entries(shape)
    files.check({name: entry.shape(own) for name, entry in entries.items()})
    rows: dict[str, Rows] = {}
    for name, entry in entries.items():
        rows |= entry.readers(partial(files.rows, name), own)
    return Step1XCheckpoint(model, rows)


def load_step1x(path: Path, dtype: torch.dtype = torch.float32) -> Step1XTransformer:
    """The transformer of a checkpoint as `open_step1x` takes it, its weights as `dtype`, on the CPU.

    Beside the model no more than one tensor is in memory. Raises CheckpointError as `open_step1x` does.
    """
    model, rows = open_step1x(path)
    shapes = shapes_of(model)
    weights = {name: read(0, shapes[name][0]).to(dtype, copy=True) for name, read in rows.items()}
    model.load_state_dict(weights, assign=True)
    return model.eval()


def save_official(model: Step1XTransformer, file: Path, prefix: str = "", largest: int | str = LARGEST) -> None:
    """Writes the model with `write_official`."""
    write_official(model, model.state_dict(), file, prefix, largest=largest)


def write_official(
    model: Step1XTransformer,
    weights: Mapping[str, Tensor],
    file: Path,
    prefix: str = "",
    under: str = "",
    largest: int | str = LARGEST,
) -> None:
    """Writes weights in the published layout. prefix: `INNER` for RealRestorer's names.

    weights: a tensor for each name of the model's state dict, with `under` before it, asked for once; no more than one
    shard is in memory. The model gives sizes and precision alone, so it may be on the meta device.
    Where they are larger than `largest` (bytes, or a text such as "10GB"), `NAME.safetensors` becomes shards
    `NAME-00001-of-0000N.safetensors` and, written last, `NAME.safetensors.index.json`.
    """
    own = model.state_dict()
    entries = {prefix + name: entry for name, entry in official_entries(shape_of(model)).items()}
    split = split_state_dict_into_shards_factory(
        entries,
        get_storage_size=lambda entry: sum(own[name].nbytes for name in entry.own),
        filename_pattern=f"{file.stem}{{suffix}}{file.suffix}",
        max_shard_size=largest,
    )
    for name, members in split.filename_to_tensors.items():
        making = file.with_name(f"{name}.making")
        tensors = {each: entries[each].join(weights, under).cpu().contiguous() for each in members}
        save_file(tensors, making, metadata={"format": "pt"})
        making.replace(file.with_name(name))
    if split.is_sharded:
        index = {"metadata": split.metadata, "weight_map": split.tensor_to_filename}
        file.with_name(f"{file.name}.index.json").write_text(json.dumps(index, indent=1), encoding="utf-8")


def save_diffusers(model: Step1XTransformer, folder: Path) -> None:
    """Writes the model with `write_diffusers`. A folder of that name is replaced at the end."""
    making = folder.with_name(folder.name + ".making")
    shutil.rmtree(making, ignore_errors=True)
    making.mkdir(parents=True)
    write_diffusers(model, model.state_dict(), making)
    shutil.rmtree(folder, ignore_errors=True)
    making.rename(folder)


def write_diffusers(model: Step1XTransformer, weights: Mapping[str, Tensor], folder: Path, under: str = "") -> None:
    """Writes into an existing folder `transformer`, which diffusers' FluxTransformer2DModel loads, and `connector`,
    which Step1XConnector does.

    weights: a tensor for each name of the model's state dict, with `under` before it, asked for once; no more than one
    file is in memory. The model gives its configuration alone, so it may be on the meta device or sharded. Files above
    diffusers' usual size become shards with an index.
    Raises CheckpointError, listing the names, when `weights` are not the model's.
    """
    for name, part in ((_TRANSFORMER, model.transformer), (_CONNECTOR, model.connector)):
        save_part(part, folder / name, weights, prefix=f"{under}{name}.")
    open_step1x(folder)


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


def _open_diffusers(folder: Path) -> Step1XCheckpoint:
    transformer = empty_part(FluxTransformer2DModel, folder / _TRANSFORMER)
    connector = empty_part(Step1XConnector, folder / _CONNECTOR)
    joined = {
        "text tokens": (transformer.config.joint_attention_dim, connector.config.width),
        "pooled vector": (transformer.config.pooled_projection_dim, connector.config.pooled_width),
    }
    for what, (wanted, made) in joined.items():
        if wanted != made:
            raise CheckpointError(
                f"weights {folder}: {what} of width {wanted} in the transformer, {made} in the connector"
            )
    rows: dict[str, Rows] = {}
    for name, part in ((_TRANSFORMER, transformer), (_CONNECTOR, connector)):
        files = WeightFiles(folder / name)
        files.check(shapes_of(part))
        rows |= {f"{name}.{inner}": partial(files.rows, inner) for inner in files.shapes}
    return Step1XCheckpoint(Step1XTransformer(transformer, connector), rows)
