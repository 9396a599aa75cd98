"""Weights from their files into an editor, each process reading its own rows."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import torch
from torch import Tensor, nn
from torch.distributed.tensor import DTensor
from torch.distributed.tensor._utils import compute_local_shape_and_global_offset

from schemas.errors import CheckpointError
from training.editors.base import Rows

_LISTED = 20


def load_weights(editor: nn.Module, device: torch.device, rows: Mapping[str, Rows], offload: bool = False) -> None:
    """Moves `editor` to `device` in place and fills every parameter that `rows` names; the others keep their values.

    Parameters on the meta device get memory on `device` first, so each of them needs its rows; buffers and whatever
    else is real stays real. Sharded parameters read the rows of this process alone, one tensor after the other: the
    host holds one tensor's shard at a time. Values are converted to the parameter's dtype, whatever the file has.
    Parameters on the meta device are replaced, so averages and optimizers are made after this.

    offload: parameters go to the host's memory instead, only buffers to `device`.

    Raises CheckpointError that lists the parameters left without rows, the rows without a parameter, or the first
    tensor of another shape.
    """
    expected = dict(editor.named_parameters())
    _agree("no weights for", [name for name, each in expected.items() if each.is_meta and name not in rows])
    _agree("no parameter for", [name for name in rows if name not in expected])
    held = torch.device("cpu") if offload else device
    editor._apply(lambda tensor: _real(tensor, held if isinstance(tensor, nn.Parameter) else device))
    with torch.no_grad():
        for name, parameter in editor.named_parameters():
            if name in rows:
                _fill(name, parameter, rows[name])


def _real(tensor: Tensor, device: torch.device) -> Tensor:
    unfilled = tensor.is_meta and isinstance(tensor, nn.Parameter)
    return torch.empty_like(tensor, device=device) if unfilled else tensor.to(device)


def _fill(name: str, parameter: Tensor, rows: Rows) -> None:
    start, held = 0, parameter
    if isinstance(parameter, DTensor):
        held = parameter.to_local()
        start = compute_local_shape_and_global_offset(parameter.shape, parameter.device_mesh, parameter.placements)[1][
            0
        ]
        if held.numel() == 0:
            return
    read = rows(start, start + held.shape[0])
    if read.shape != held.shape:
        raise CheckpointError(
            f"weights of {name}: {tuple(read.shape)} for rows {start} to {start + held.shape[0] - 1} in the file, "
            f"{tuple(held.shape)} in the model; name a checkpoint of this architecture"
        )
    held.copy_(read)


def _agree(what: str, names: Iterable[str]) -> None:
    if listed := sorted(names):
        more = [f"… and {len(listed) - _LISTED} more"] if len(listed) > _LISTED else []
        raise CheckpointError(f"weights: {what}\n  " + "\n  ".join([*listed[:_LISTED], *more]))
