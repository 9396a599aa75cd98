"""A small dataset of pairs on disk and the smallest recipe that has all parts."""

from __future__ import annotations

import numpy as np
import pytest

from schemas.recipe.training import TrainingSection
from tests.training.shards import MadePair, write_dataset

TASKS = {"noise": "noise", "blur": "blur", "haze": "haze"}


def made_pairs(seed: int, split: str, each: int) -> list[MadePair]:
    rng = np.random.default_rng(seed)
    pairs = []
    for degradation, task in TASKS.items():
        for number in range(each):
            clean = np.kron(rng.integers(0, 256, (4, 5, 3), dtype=np.uint8), np.ones((8, 8, 1), np.uint8))
            degraded = np.clip(clean.astype(int) * 0.8 + rng.normal(20, 15, clean.shape), 0, 255).astype(np.uint8)
            pairs.append(MadePair(f"{split}{seed}{degradation}{number:03d}", degradation, task, split, degraded, clean))
    return pairs


@pytest.fixture(scope="session")
def sets(tmp_path_factory):
    """Two sets of shards, `synthetic` and `real`, with 6 training and 2 validation pairs of each of three tasks."""
    root = tmp_path_factory.mktemp("sets")
    folders = {}
    for seed, name in enumerate(("synthetic", "real")):
        pairs = made_pairs(seed, "train", 6) + made_pairs(seed, "validation", 2)
        folders[name] = [write_dataset(root / name, pairs, seed)]
    return folders


def small_training(**changes: object) -> TrainingSection:
    """Two stages of six steps of a tiny editor of a few thousand weights."""
    stage = {"batch_size": 4, "learning_rate": 2e-3, "warmup_steps": 2, "ema": 0.5}
    data = {
        "editor": {"heads": 1, "head_dim": 32, "double_blocks": 1, "single_blocks": 4, "features": 8, "words": 64},
        "objective": {"form": "noise_free", "start_share": 0.5},
        "crop": 16,
        "checkpoints": {"background": False},
        "validation": {"every": 3, "samples": 1, "steps": 1},
        "stages": {
            "transfer": {**stage, "steps": 6},
            "finetune": {
                **stage,
                "steps": 6,
                "weights": {"synthetic": 2, "real": 8},
                "schedule": "cosine",
                "weight_decay": 0.01,
                "frozen_single_blocks": 0.25,
            },
        },
    }
    return TrainingSection.model_validate({**data, **changes})


@pytest.fixture
def training() -> TrainingSection:
    return small_training()
