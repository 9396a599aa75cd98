"""A training run in its folder: `train` is the door that commands use."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
import yaml
from rich.console import Console

from schemas.errors import CheckpointError
from schemas.recipe.training import TinySection, TrainingSection
from schemas.tasks import TASKS
from training.checkpoints import Checkpoints, SavedWeights
from training.data.pairs import PairSet
from training.data.sets import open_sets, open_validation_sets
from training.editors import build_editor, export_editor
from training.editors.base import EditorConfig
from training.lora import adapt, is_adapter
from training.observing.log import Row, RunLog, read_rows
from training.parallel import World, joined
from training.trainer import Trainer
from training.validation import Validation


@dataclass(frozen=True)
class TrainResult:
    """editor: folder of the exported best editor. stage, step, score: the checkpoint it comes from, in steps of the
    run and dB. history: the rows of metrics.jsonl (see `training.log.RunLog`).
    """

    editor: Path
    stage: str
    step: int
    score: float
    history: list[Row]


def train(
    training: TrainingSection,
    seed: int,
    datasets: Mapping[str, Sequence[str | Path]],
    out: Path,
    resume: bool = False,
    console: Console | None = None,
) -> TrainResult:
    """Trains the editor of a recipe and leaves the best one in `out`/editor.

    datasets: dataset folders of each set that the stages name. Under torchrun every process calls this.
    resume: go on from the newest checkpoint in `out`, if there is one. A run that was killed and resumed has the
    weights of one that was not, to the bit on one process.

    Raises RecipeError, DatasetError or CheckpointError before any work when recipe, data or folder are unusable (a
    resumed run must have its own recipe, seed and data), DivergedError when the loss is no longer finite.
    """
    with joined(training.parallel) as world:
        sets = open_sets(training, datasets, world.size)
        validation = Validation(open_validation_sets(training, datasets), training)
        _claim(out, _identity(training, seed, sets), resume, world)
        checkpoints = Checkpoints(out / "checkpoints", world, training.checkpoints.background)
        start = next(reversed(checkpoints.steps()), None)
        total = sum(stage.steps for stage in training.stages.values())
        log = RunLog(out, start, total, console) if world.leads else None
        try:
            if log is not None and start is None:
                log.recipe(yaml.safe_dump(training.model_dump(mode="json"), sort_keys=False, allow_unicode=True))
            end = Trainer(training, seed, sets, validation, checkpoints, world).run(log)
        finally:
            if log is not None:
                log.close()
        stage, step = end.selection.choice()
        if world.leads:
            _export(out / "editor", checkpoints.path(step), training, end.blends[step])
        world.wait()
        score = next(judged.score for judged in end.selection.curve if judged.step == step)
        return TrainResult(out / "editor", stage, step, score, read_rows(out))


def _export(folder: Path, checkpoint: Path, training: TrainingSection, blend: Mapping[str, float]) -> None:
    prompts = {prompt: share for task, share in blend.items() if share != 1.0 for prompt in TASKS[task]}
    config = EditorConfig.of(training).model_copy(update={"blend": prompts})
    editor = build_editor(config, seed=0)
    if config.lora.rank:
        adapt(editor, config.lora)
    shapes = {name: tuple(parameter.shape) for name, parameter in editor.named_parameters()}
    trained = {name: shape for name, shape in shapes.items() if not config.lora.rank or is_adapter(name)}
    # Large editors are published, and used, in bf16.
    precision = torch.float32 if isinstance(config.editor, TinySection) or config.lora.rank else torch.bfloat16
    export_editor(folder, editor, config, SavedWeights(checkpoint, "average.", trained, precision))


def _identity(training: TrainingSection, seed: int, sets: Mapping[str, PairSet]) -> dict[str, Any]:
    """What a resumed run must share with the one it continues, flat; where data lie, what is kept and how the work is
    spread may change."""
    elsewhere = {"memory_mb", "readers", "cache", "cache_latents"}
    excluded: dict[str, Any] = {"datasets": True, "checkpoints": True, "parallel": True, "data": elsewhere}
    if training.data.fit != "bucket":  # there it decides which samples pass together
        excluded["stages"] = {name: {"microbatch"} for name in training.stages}
    # Draws follow the order in which a recipe names these.
    order: list[Any] = [[name, stage.sets, list(stage.tasks)] for name, stage in training.stages.items()]
    order.append(list(training.data.languages))
    identity: dict[str, Any] = {"seed": seed, "order of stages, sets, tasks and languages": order}
    _flatten("training", training.model_dump(mode="json", exclude=excluded), identity)
    identity.update({f"pairs of set {name}": pairs.fingerprint() for name, pairs in sets.items()})
    return identity


def _flatten(prefix: str, value: Any, into: dict[str, Any]) -> None:
    if isinstance(value, dict) and value:
        for name, inner in value.items():
            _flatten(f"{prefix}.{name}", inner, into)
    else:
        into[prefix] = value


def _claim(out: Path, identity: dict[str, Any], resume: bool, world: World) -> None:
    """Makes the run folder for this recipe, or checks that it is this recipe's and may be continued. One in which
    nothing has been saved yet is made anew."""
    description = out / "run.json"
    saved = any((out / "checkpoints").glob("step-????????")) or (out / "editor").exists()
    if saved:
        if not resume:
            raise CheckpointError(f"{out}: holds a training run; resume it or name another folder")
        try:
            there = json.loads(description.read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise CheckpointError(
                f"{description}: cannot be read ({error}), so nobody knows what trains here; name another folder"
            ) from error
        differing = sorted(name for name in there.keys() | identity.keys() if there.get(name) != identity.get(name))
        if differing:
            lines = [f"  {name}: {there.get(name)!r} there, {identity.get(name)!r} here" for name in differing]
            raise CheckpointError(
                f"{out}: another recipe trains here; set the field back or name another folder\n" + "\n".join(lines)
            )
        world.wait()
        return
    world.wait()
    if world.leads:
        making = description.with_suffix(".making")
        try:
            out.mkdir(parents=True, exist_ok=True)
            making.write_text(json.dumps(identity, indent=1, ensure_ascii=False, sort_keys=True), encoding="utf-8")
        except OSError as error:
            raise CheckpointError(
                f"{out}: cannot be written ({error.strerror or error}); name another folder"
            ) from error
        making.replace(description)
    world.wait()
