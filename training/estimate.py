"""What a training run will take, told before it starts."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass

import torch

from schemas.recipe.training import StageSection, TrainingSection
from training import stages
from training.data.pairs import PairSet
from training.editors import build_editor
from training.editors.base import EditorConfig
from training.families.packing import TOKEN
from training.lora import adapt, is_adapter
from training.observing.meter import passes

#: Bytes of a trained weight: master and gradient, AdamW's two moments, the moving average, each in fp32.
_TRAINED = 5 * 4
#: Bytes of it in a checkpoint: the master, the moments, the average.
_SAVED = 4 * 4


@dataclass(frozen=True)
class StageEstimate:
    """name; steps; samples: drawn over the stage. epochs: how often each set's pairs are seen, by set, on average.
    trained: weights that move. flops: operations of the whole stage.
    """

    name: str
    steps: int
    samples: int
    epochs: dict[str, float]
    trained: int
    flops: float


@dataclass(frozen=True)
class Estimate:
    """weights: of the transformer. memory: bytes a process needs for weights, gradients, moments and average, without
    activations and frozen encoders. checkpoint: bytes of one. stages: in order.
    """

    weights: int
    memory: float
    checkpoint: int
    stages: list[StageEstimate]


def estimate(training: TrainingSection, sets: Mapping[str, PairSet], processes: int) -> Estimate:
    """What the recipe takes on so many processes. No weight is read but the headers of the files.

    Raises CheckpointError or RecipeError where the editor's files cannot be used.
    """
    with torch.device("meta"):
        editor = build_editor(EditorConfig.of(training), seed=0)
        if training.lora.rank:
            adapt(editor, training.lora)
    side = training.crop - training.crop % editor.multiple or TOKEN
    named = dict(editor.named_parameters())
    may_change = [each for name, each in named.items() if not training.lora.rank or is_adapter(name)]
    trained, whole = _count(may_change), _count(named.values())
    rows = []
    for name, stage in training.stages.items():
        for parameter in may_change:
            parameter.requires_grad_(True)
        stages.freeze(editor, stage.frozen_single_blocks)
        samples = stage.steps * stage.batch_size
        moving = _count(each for each in may_change if each.requires_grad)
        flops = samples * passes(editor) * editor.forward_flops(side, side)
        rows.append(StageEstimate(name, stage.steps, samples, _epochs(stage, samples, sets), moving, flops))
    section = training.parallel
    node = int(os.environ.get("LOCAL_WORLD_SIZE", processes))
    sharing = processes if section.shard == "full" else section.shard_size or node
    # Adapters stand beside frozen weights that compute in the precision of the recipe.
    frozen = (whole - trained) * (2 if training.parallel.precision == "bf16" else 4)
    return Estimate(whole, (trained * _TRAINED + frozen) / sharing, trained * _SAVED, rows)


def _count(parameters) -> int:  # type: ignore[no-untyped-def]
    return sum(parameter.numel() for parameter in parameters)


def _epochs(stage: StageSection, samples: int, sets: Mapping[str, PairSet]) -> dict[str, float]:
    begin, end = stage.weights, stage.weights_end or stage.weights
    totals = sum(begin.values()), sum(end.values())
    shares = {name: (begin.get(name, 0) / totals[0] + end.get(name, 0) / totals[1]) / 2 for name in stage.sets}
    return {name: samples * share / len(sets[name]) for name, share in shares.items()}
