"""A trained editor's weights in the layouts that other programs read."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Literal

import torch
from torch import Tensor

from schemas.errors import CheckpointError, RecipeError
from schemas.recipe.training import KontextSection, QwenSection, Step1XSection, TinySection
from training.editors.base import Editor, EditorConfig, Rows
from training.editors.build import build_editor
from training.editors.exported import read_exported
from training.editors.pipeline_folder import TRANSFORMER
from training.lora import ADAPTER, adapt, adapter_rows, is_adapter

Format = Literal["diffusers", "official"]
Precision = Literal["bf16", "fp32"]

#: The file of the published layout.
OFFICIAL = "model.safetensors"
_DTYPES = {"bf16": torch.bfloat16, "fp32": torch.float32}


def export_weights(
    folder: Path,
    out: Path,
    layout: Format,
    precision: Precision,
    prefix: str = "",
    report: Callable[[int, int], None] | None = None,
) -> EditorConfig:
    """Writes the weights of the exported editor in `folder` to the new folder `out`. Returns its configuration.

    layout: `diffusers` writes `transformer` (for step1x also `connector`) with configuration; `official` one file, or
    shards with an index, in Step1X-Edit's published layout, with `prefix` before every name. Adapters of low rank are
    added to the weights they adapt, in single precision. report: called with the tensors read so far and their number.
    `out` appears when it is whole.

    Raises CheckpointError when the editor's files cannot be used or it is of a kind that only this program knows,
    RecipeError when `out` is there already or layout and prefix do not suit the kind.
    """
    config = read_exported(folder)
    _check(config, folder, layout, prefix)
    if out.exists():
        raise RecipeError(f"out: {str(out)!r} is there already; name another folder or remove it")
    editor = build_editor(config, seed=0).to(_DTYPES[precision])
    weights = _Weights(_merged(editor, config, folder), editor, _DTYPES[precision], report)
    making = out.with_name(out.name + ".making")
    shutil.rmtree(making, ignore_errors=True)
    making.mkdir(parents=True)
    from training.editors.step1x.editor import Step1XEditor

    if layout == "diffusers":
        editor.save_weights(making, weights)
    else:
        assert isinstance(editor, Step1XEditor)
        editor.save_official(making / OFFICIAL, weights, prefix)
    making.rename(out)
    return config


def _check(config: EditorConfig, folder: Path, layout: Format, prefix: str) -> None:
    if isinstance(config.editor, TinySection):
        raise CheckpointError(
            f"editor {folder}: of the kind 'tiny', which no other program knows; use the folder itself with "
            "tarnish restore"
        )
    if layout == "official" and not isinstance(config.editor, Step1XSection):
        raise RecipeError(
            f"format: 'official' is the layout of step1x, the editor is of the kind {config.editor.kind!r}; take "
            "diffusers"
        )
    if prefix and layout != "official":
        raise RecipeError(f"prefix: {prefix!r} is for the format 'official'; leave it out")


class _Weights(Mapping[str, Tensor]):
    """Tensors that are read when they are asked for, in the parameters' order, as one dtype."""

    def __init__(
        self,
        rows: Mapping[str, Rows],
        editor: Editor,
        dtype: torch.dtype,
        report: Callable[[int, int], None] | None,
    ) -> None:
        self._rows = rows
        self._lengths = {
            name: parameter.shape[0] if parameter.ndim else 1 for name, parameter in editor.named_parameters()
        }
        self._dtype = dtype
        self._report = report
        self._read: set[str] = set()

    def __getitem__(self, name: str) -> Tensor:
        tensor = self._rows[name](0, self._lengths[name]).to(self._dtype)
        self._read.add(name)
        if self._report is not None:
            self._report(len(self._read), len(self))
        return tensor

    def __iter__(self) -> Iterator[str]:
        return iter(self._lengths)

    def __len__(self) -> int:
        return len(self._lengths)


def _merged(editor: Editor, config: EditorConfig, folder: Path) -> Mapping[str, Rows]:
    """Readers of the editor's weights, adapters added: W + alpha / rank · B·A (Hu et al. 2021)."""
    base = editor.base_weights()
    assert base is not None
    if not config.lora.rank:
        return base
    adapted = build_editor(config, seed=0)
    adapt(adapted, config.lora)
    rows = adapter_rows(folder / ADAPTER, adapted, base)
    rank, scale = config.lora.rank, config.lora.alpha / config.lora.rank
    merged = dict(base)
    for name in rows:
        if not is_adapter(name) or ".lora_A." not in name:
            continue
        layer = name.partition(".lora_A.")[0]
        weight = f"{layer}.weight"
        merged[weight] = _added(base[weight], rows[name], rows[name.replace(".lora_A.", ".lora_B.")], rank, scale)
    return merged


def _added(weight: Rows, down: Rows, up: Rows, rank: int, scale: float) -> Rows:
    def read(start: int, stop: int) -> Tensor:
        return weight(start, stop).float() + scale * up(start, stop).float() @ down(0, rank).float()

    return read


def how_to_use(config: EditorConfig, out: Path, layout: Format, precision: Precision) -> str:
    """What a user does with an exported folder, as lines of Python or of a recipe."""
    if isinstance(config.editor, Step1XSection):
        place = out / OFFICIAL if layout == "official" and (out / OFFICIAL).is_file() else out
        return f"in a recipe\n  training.editor: {{kind: step1x, transformer: {place}}}"
    assert isinstance(config.editor, KontextSection | QwenSection)
    transformer, pipeline = _CLASSES[config.editor.kind]
    dtype = f"torch_dtype={_DTYPES[precision]}"
    lines = (
        "import torch",
        f"from diffusers import {pipeline}, {transformer}",
        f'transformer = {transformer}.from_pretrained("{out / TRANSFORMER}", {dtype})',
        f'pipeline = {pipeline}.from_pretrained("{config.editor.model}", transformer=transformer, {dtype})',
    )
    return "in Python\n  " + "\n  ".join(lines)


_CLASSES = {
    "kontext": ("FluxTransformer2DModel", "FluxKontextPipeline"),
    "qwen-image-edit": ("QwenImageTransformer2DModel", "QwenImageEditPipeline"),
    "qwen-image-edit-plus": ("QwenImageTransformer2DModel", "QwenImageEditPlusPipeline"),
}
