"""A recogniser with random weights, written as training writes it."""

from __future__ import annotations

from pathlib import Path

from filters.recogniser.views import measure_names
from schemas.recogniser import NAMES, RecogniserConfig

#: The smallest plain network of timm, and views that it still makes planes of.
BACKBONE, TILE, WHOLE = "test_convnext", 32, 32


def write_recogniser(folder: Path, seed: int = 0, **changes: object) -> Path:
    """`folder` with config.json and model.safetensors."""
    import torch
    from safetensors.torch import save_file

    from filters.recogniser.network import RecogniserNetwork

    fields = {
        "backbone": BACKBONE,
        "names": NAMES,
        "statistics": measure_names(),
        "tile": TILE,
        "whole": WHOLE,
        **changes,
    }
    config = RecogniserConfig.model_validate(fields)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        network = RecogniserNetwork(config.backbone, len(config.names), len(config.statistics))
        with torch.no_grad():
            for head in (network.presence, network.severity):
                head.weight.mul_(8.0)  # fresh weights are so small that every picture looks alike
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "config.json").write_text(config.to_json())
    save_file(network.state_dict(), folder / "model.safetensors")
    return folder
