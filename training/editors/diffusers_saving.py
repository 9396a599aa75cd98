"""One model written as diffusers' `from_pretrained` reads it, a file at a time."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from safetensors.torch import save_file
from torch import Tensor

#: diffusers' usual size of a file.
FILE_BYTES = 10 * 10**9

_NAME = "diffusion_pytorch_model"


def save_part(
    model: Any, folder: Path, weights: Mapping[str, Tensor], prefix: str = "", file_bytes: int = FILE_BYTES
) -> None:
    """Writes `config.json` of the diffusers model and those of `weights` whose names begin with `prefix`, which is
    taken off, in their precision. Without it they have the names of the model's state dict.

    Each tensor is asked for once, in the mapping's order, and dropped with its file, so that a mapping that reads or
    gathers its tensors when asked needs no more memory than one file. More than `file_bytes` of weights become several
    files with an index.
    """
    folder.mkdir(parents=True, exist_ok=True)
    model.save_config(folder)
    written: list[tuple[Path, list[str]]] = []
    pending: dict[str, Tensor] = {}
    total = pending_bytes = 0
    for full in weights:
        if not full.startswith(prefix):
            continue
        name, tensor = full.removeprefix(prefix), weights[full].detach().cpu().contiguous()
        if pending and pending_bytes + tensor.nbytes > file_bytes:
            written.append(_write(folder, len(written), pending))
            pending, pending_bytes = {}, 0
        pending[name] = tensor
        pending_bytes += tensor.nbytes
        total += tensor.nbytes
    written.append(_write(folder, len(written), pending))
    if len(written) == 1:
        written[0][0].rename(folder / f"{_NAME}.safetensors")
        return
    homes: dict[str, str] = {}
    for number, (path, names) in enumerate(written, start=1):
        file = f"{_NAME}-{number:05d}-of-{len(written):05d}.safetensors"
        path.rename(folder / file)
        homes |= dict.fromkeys(names, file)
    index = {"metadata": {"total_size": total}, "weight_map": homes}
    (folder / f"{_NAME}.safetensors.index.json").write_text(json.dumps(index, indent=2), encoding="utf-8")


def _write(folder: Path, number: int, tensors: dict[str, Tensor]) -> tuple[Path, list[str]]:
    path = folder / f"{number}.making"
    save_file(tensors, path, metadata={"format": "pt"})
    return path, list(tensors)
