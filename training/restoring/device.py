"""Where an editor runs."""

from __future__ import annotations

import torch

from schemas.errors import RecipeError


def chosen_device(name: str, field: str) -> torch.device:
    """The device that `field` names: cpu, cuda, cuda:1; `auto` is cuda where there is a GPU.

    Raises RecipeError for an unknown one and for a GPU that is not there.
    """
    try:
        device = torch.device(("cuda" if torch.cuda.is_available() else "cpu") if name == "auto" else name)
    except RuntimeError as error:
        raise RecipeError(f"{field}: {name!r} is unknown; say auto, cpu, cuda or cuda:1") from error
    if device.type not in ("cpu", "cuda"):
        raise RecipeError(f"{field}: editors do not run on {name!r}; say auto, cpu, cuda or cuda:1")
    if device.type == "cuda" and (device.index or 0) >= torch.cuda.device_count():
        raise RecipeError(f"{field}: {name!r}, but this process sees {torch.cuda.device_count()} GPUs; say auto")
    return device
