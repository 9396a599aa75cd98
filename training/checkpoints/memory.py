"""Which tensors are one and the same."""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor

from training.parallel import local


def memory(tensor: Tensor) -> tuple[int, ...]:
    """Equal for tensors that this process holds in the same memory in the same order, while both live."""
    held = local(tensor)
    return held.untyped_storage()._cdata, held.storage_offset(), *held.shape, *held.stride()


def distinct(tensors: Mapping[str, Tensor]) -> tuple[dict[str, Tensor], dict[str, str]]:
    """The tensors without those that are another one under a second name, and these: name → the name that stays."""
    first: dict[tuple[int, ...], str] = {}
    same: dict[str, str] = {}
    for name, tensor in tensors.items():
        if (kept := first.setdefault(memory(tensor), name)) != name:
            same[name] = kept
    return {name: tensor for name, tensor in tensors.items() if name not in same}, same
