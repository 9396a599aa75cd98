"""Where the networks of filters run, and how, so that a picture's scores do not depend on the pictures beside it."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from importlib.util import find_spec
from pathlib import Path
from typing import Literal

from schemas.errors import RecipeError

Device = Literal["auto", "cpu", "cuda"]


def require(field: str, value: str, packages: Sequence[str], extra: str) -> None:
    """Raises RecipeError when a package that `value` of a recipe's field needs is not installed.

    extra: the part of tarnish that brings them.
    """
    missing = [name for name in packages if find_spec(name) is None]
    if missing:
        raise RecipeError(
            f"{field}: {value!r} needs the package {', '.join(missing)}; install tarnish[{extra}] or take the default"
        )


def digest(*parts: Path | str) -> str:
    """First 16 hex digits of the sha256 of the contents of these files and of these texts, in order."""
    whole = hashlib.sha256()
    for part in parts:
        if isinstance(part, Path):
            with part.open("rb") as file:
                whole.update(hashlib.file_digest(file, "sha256").digest())
        else:
            whole.update(hashlib.sha256(part.encode()).digest())
    return whole.hexdigest()[:16]


def choose_device(device: Device) -> Literal["cpu", "cuda"]:
    """`auto` becomes cuda where there is a GPU. Raises RecipeError for cuda where there is none."""
    import torch

    if device == "cpu" or torch.cuda.is_available():
        return "cpu" if device == "cpu" else "cuda"
    if device == "auto":
        return "cpu"
    raise RecipeError(
        "filters.device: 'cuda', but this process sees no GPU; set filters.device=auto, or with the ray engine "
        "engine.worker_gpus=1"
    )


@contextmanager
def inference(device: Literal["cpu", "cuda"], half: Literal["float16", "bfloat16"] = "float16") -> Iterator[None]:
    """No gradients, deterministic kernels, one CPU thread (sums must not depend on their number), and on a GPU
    autocast to `half`."""
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


_FILLED_UP: ContextVar[bool] = ContextVar("filled_up", default=True)


@contextmanager
def one_by_one() -> Iterator[None]:
    """Batches of one picture within, for those that a full batch had no memory for."""
    token = _FILLED_UP.set(False)
    try:
        yield
    finally:
        _FILLED_UP.reset(token)


def full_batches(count: int, size: int) -> Iterator[list[int]]:
    """Positions 0 to `count` − 1 in batches of `size`, the last filled up by repeating its last position; within
    `one_by_one`, each alone."""
    if not _FILLED_UP.get():
        size = 1
    for start in range(0, count, size):
        positions = list(range(start, min(start + size, count)))
        yield positions + [positions[-1]] * (size - len(positions))
