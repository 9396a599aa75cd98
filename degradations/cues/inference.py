"""Running a network so that a picture's result does not depend on the pictures beside it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Literal

from schemas.errors import RecipeError

#: Pictures that a GPU takes at once. Part of what a result depends on, to the last bit, so never fewer: short batches
#: are filled up. One on a CPU, where more would gain nothing.
GPU_BATCH = 8

Device = Literal["auto", "cpu", "cuda"]


def choose_device(device: Device) -> Literal["cpu", "cuda"]:
    """`auto` becomes cuda where there is a GPU. Raises RecipeError for cuda where there is none."""
    import torch

    if device == "cpu" or torch.cuda.is_available():
        return "cpu" if device == "cpu" else "cuda"
    if device == "auto":
        return "cpu"
    raise RecipeError(
        "cues.device: 'cuda', but this process sees no GPU; set cues.device=auto, or with the ray engine "
        "engine.worker_gpus=1"
    )


def batch_size(device: Literal["cpu", "cuda"]) -> int:
    """How many pictures a network takes at once on `device`."""
    return GPU_BATCH if device == "cuda" else 1


@contextmanager
def inference(device: Literal["cpu", "cuda"], half: str) -> Iterator[None]:
    """No gradients, deterministic kernels, one CPU thread (sums must not depend on their number), and on a GPU
    autocast to `half` (float16 or bfloat16)."""
    import torch

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        with (
            torch.inference_mode(),
            torch.backends.cudnn.flags(enabled=True, benchmark=False, deterministic=True),
            torch.autocast("cuda", dtype=getattr(torch, half), enabled=device == "cuda"),
        ):
            yield
    finally:
        torch.set_num_threads(threads)


def full_batches(shapes: Sequence[tuple[int, ...]], size: int) -> Iterator[tuple[list[int], list[int]]]:
    """Batches of `size` positions of equal shape, the last of a shape filled up by repeating its last position.

    Yields (positions, the batch that holds them first, in order).
    """
    groups: dict[tuple[int, ...], list[int]] = {}
    for position, shape in enumerate(shapes):
        groups.setdefault(shape, []).append(position)
    for group in groups.values():
        for start in range(0, len(group), size):
            positions = group[start : start + size]
            yield positions, positions + [positions[-1]] * (size - len(positions))
