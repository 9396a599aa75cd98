"""A training run in its folder: `train` is the door that commands use."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console

from schemas.errors import CheckpointError, RecipeError
from schemas.recipe.training import TrainingSection
from schemas.tasks import TASKS
from training.checkpoints import Checkpoints, load_tensors
from training.data.pairs import PairSet, PixelCache
from training.editors import build_editor, export_editor
from training.editors.base import EditorConfig
from training.log import Row, RunLog, read_rows
from training.parallel import World, joined
from training.trainer import Position, Trainer
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
    datasets: Mapping[str, Sequence[Path]],
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
    with joined() as world:
        cache = PixelCache(training.cache_mb)
        named = {name for stage in training.stages.values() for name, weight in stage.weights.items() if weight > 0}
        if missing := sorted(named - datasets.keys()):
            raise RecipeError(
                f"training.stages: weights name {', '.join(missing)}, the sets are {', '.join(datasets) or 'none'}; "
                "set training.datasets or change the weights"
            )
        sets = {name: PairSet.open(name, datasets[name], "train", cache) for name in sorted(named)}
        _claim(out, _identity(training, seed, sets), resume, world)
        validation = Validation(_distinct_validation(datasets, sorted(named)), training)
        checkpoints = Checkpoints(out / "checkpoints", world)
        start = next(reversed(checkpoints.steps()), None)
        total = sum(stage.steps for stage in training.stages.values())
        log = RunLog(out, start, total, console) if world.leads else None
        try:
            end = Trainer(training, seed, sets, validation, checkpoints, world).run(log)
        finally:
            if log is not None:
                log.close()
        stage = _choice(end)
        best = end.best[stage]
        if world.leads:
            _export(out / "editor", checkpoints.path(best.step), training, best.blend)
        world.wait()
        return TrainResult(out / "editor", stage, best.step, best.score, read_rows(out))


def _choice(end: Position) -> str:
    """The stage whose best checkpoint scores highest; of equals the later one."""
    return max(reversed(end.best), key=lambda name: end.best[name].score)


def _export(folder: Path, checkpoint: Path, training: TrainingSection, blend: Mapping[str, float]) -> None:
    prompts = {prompt: share for task, share in blend.items() for prompt in TASKS[task]}
    config = EditorConfig.of(training).model_copy(update={"blend": prompts})
    weights = {name: parameter.detach() for name, parameter in build_editor(config, seed=0).named_parameters()}
    load_tensors(checkpoint, {f"average.{name}": tensor for name, tensor in weights.items()}, World(0, 1, None))
    export_editor(folder, config, weights)


def _distinct_validation(datasets: Mapping[str, Sequence[Path]], names: Sequence[str]) -> dict[str, PairSet]:
    """The validation pairs of the sets; sets of the same folders once."""
    distinct = {tuple(path.resolve() for path in datasets[name]): name for name in reversed(names)}
    cache = PixelCache(0)
    return {name: PairSet.open(name, datasets[name], "validation", cache) for name in sorted(distinct.values())}


def _identity(training: TrainingSection, seed: int, sets: Mapping[str, PairSet]) -> dict[str, Any]:
    """What a resumed run must share with the one it continues, flat; where data lie and what is kept may change."""
    recipe = training.model_dump(mode="json", exclude={"datasets", "keep", "cache_mb"})
    identity: dict[str, Any] = {"seed": seed}
    _flatten("training", recipe, identity)
    identity.update({f"pairs of set {name}": pairs.fingerprint() for name, pairs in sets.items()})
    return identity


def _flatten(prefix: str, value: Any, into: dict[str, Any]) -> None:
    if isinstance(value, dict) and value:
        for name, inner in value.items():
            _flatten(f"{prefix}.{name}", inner, into)
    else:
        into[prefix] = value


def _claim(out: Path, identity: dict[str, Any], resume: bool, world: World) -> None:
    """Makes the run folder for this recipe, or checks that it is this recipe's and may be continued."""
    description = out / "run.json"
    if description.is_file():
        if not resume:
            raise CheckpointError(f"{out}: holds a training run; resume it or name another folder")
        there = json.loads(description.read_text(encoding="utf-8"))
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
        out.mkdir(parents=True, exist_ok=True)
        making = description.with_suffix(".making")
        making.write_text(json.dumps(identity, indent=1, ensure_ascii=False, sort_keys=True), encoding="utf-8")
        making.replace(description)
    world.wait()
