"""Small open_clip models with random weights, written to disk."""

from __future__ import annotations

import json
from pathlib import Path

#: Name under which `write_clip` registers its architecture.
ARCHITECTURE = "tarnish-tiny-clip"
FEATURES = 32

_CONFIG = {
    "embed_dim": FEATURES,
    "vision_cfg": {"image_size": 48, "layers": 2, "width": 32, "head_width": 16, "patch_size": 12},
    "text_cfg": {"context_length": 32, "vocab_size": 49408, "width": 32, "heads": 2, "layers": 2},
}


def register(folder: Path) -> str:
    """Makes the tiny architecture known to open_clip in this process; its name."""
    import open_clip

    if ARCHITECTURE not in open_clip.list_models():
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{ARCHITECTURE}.json").write_text(json.dumps(_CONFIG))
        open_clip.add_model_config(folder / f"{ARCHITECTURE}.json")
    return ARCHITECTURE


def tiny_network(seed: int = 0):
    """The tiny CLIP with random weights, large enough that pictures and sentences differ."""
    import open_clip
    import torch

    torch.manual_seed(seed)
    network = open_clip.CLIP(**_CONFIG)
    with torch.no_grad():
        for parameter in network.parameters():
            if parameter.ndim > 1:
                parameter.mul_(3.0)
    return network


def write_clip(folder: Path, seed: int = 0, name: str = "weights.safetensors") -> Path:
    """A checkpoint of the tiny architecture: .safetensors or .pt."""
    import torch
    from safetensors.torch import save_file

    folder.mkdir(parents=True, exist_ok=True)
    state = {key: value.contiguous() for key, value in tiny_network(seed).state_dict().items()}
    if name.endswith(".safetensors"):
        save_file(state, folder / name)
    else:
        torch.save({"state_dict": state}, folder / name)
    return folder / name


def write_clip_folder(folder: Path, seed: int = 0, mean: tuple[float, ...] = (0.5, 0.5, 0.5)) -> Path:
    """A folder in the layout of open_clip's hub models, with its own preprocessing."""
    write_clip(folder, seed, "open_clip_model.safetensors")
    said = {"model_cfg": _CONFIG, "preprocess_cfg": {"mean": mean, "std": (0.5, 0.5, 0.5), "resize_mode": "squash"}}
    (folder / "open_clip_config.json").write_text(json.dumps(said))
    return folder


def write_head(path: Path, features: int = FEATURES) -> Path:
    """A linear aesthetic head."""
    import numpy as np
    from safetensors.numpy import save_file

    rng = np.random.default_rng(0)
    weight = rng.normal(size=(1, features)).astype(np.float32)
    save_file({"weight": weight, "bias": np.array([5.0], np.float32)}, path)
    return path
