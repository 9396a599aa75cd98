"""Training steps of a Step1X-Edit of random weights, against the same model in a plain loop.

python -m benchmarks.training_step                              # on a CPU, small
torchrun --nproc-per-node 1 -m benchmarks.training_step --gpu   # 24 heads of 128, fewer blocks, 1024×1024, bf16

The plain loop is that of diffusers' training scripts: each step encodes pictures and prompt, runs the transformer as it
is, and AdamW; no compiled blocks, nothing kept. Ours runs the stage of a recipe, with caches filled in a first round.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from rich.console import Console
from rich.table import Table

from schemas.recipe.training import StageSection, TrainingSection
from tests.training.shards import MadePair, write_dataset
from tests.training.tiny_step1x import SHAPE, write_reader, write_vae
from training import flow
from training.data.batches import Batch
from training.data.pairs import PairSet, PixelCache
from training.editors import base_editor
from training.editors.step1x import Step1XTransformer
from training.editors.step1x.checkpoint import save_official
from training.families.timesteps import shift_for
from training.observing.timings import Timings
from training.parallel import World, joined
from training.step import StageAtWork


def main() -> None:
    """Measures and prints the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--gpu", action="store_true", help="24 heads of 128 and 1024×1024 in bf16")
    parser.add_argument("--double", type=int, default=2, help="double-stream blocks")
    parser.add_argument("--single", type=int, default=4, help="single-stream blocks")
    parser.add_argument("--steps", type=int, default=8, help="steps measured of each")
    parser.add_argument("--batch", type=int, default=2)
    options = parser.parse_args()
    side = 1024 if options.gpu else 256
    with tempfile.TemporaryDirectory() as name:
        root = Path(name)
        editor = _models(root, 24 if options.gpu else 4, 128 if options.gpu else 64, options.double, options.single)
        data = {"synthetic": [str(_dataset(root / "data", side))]}
        table = Table("loop", title=f"Training steps at {side}×{side}, batch {options.batch}", title_justify="left")
        for column in ("s a step", "samples/s", "÷ plain", "data wait", "outside the work", "MFU"):
            table.add_column(column, justify="right")
        rows: list[tuple[str, float, Timings | None]] = []
        for title, compiled in (("ours, compiled", True), ("ours", False)):
            training = _recipe(editor, data, side, options.batch, root / "cache", options.gpu, compiled)
            with joined(training.parallel) as world:
                timings = _ours(training, data, options.steps, world)
            rows.append((title, timings.seconds / timings.steps, timings))
        training = _recipe(editor, data, side, options.batch, None, options.gpu, False)
        with joined(training.parallel) as world:
            rows.append(("plain", _plain(training, data, options.steps, world), None))
        plain = rows[-1][1]
        for title, seconds, measured in rows:
            shares = [measured.wait_share, measured.overhead_share, measured.mfu] if measured else [None] * 3
            told = ["" if share is None else f"{share:.1%}" for share in shares]
            table.add_row(title, f"{seconds:.3f}", f"{options.batch / seconds:.2f}", f"{plain / seconds:.2f}", *told)
    Console().print(table)


def _models(root: Path, heads: int, width: int, double: int, single: int) -> dict[str, str]:
    shape = replace(
        SHAPE, heads=heads, head_dim=width, double_blocks=double, single_blocks=single, refiner_width=heads * width
    )
    torch.manual_seed(0)
    save_official(Step1XTransformer.of(shape), root / "transformer.safetensors")
    return {
        "kind": "step1x",
        "transformer": str(root / "transformer.safetensors"),
        "text_encoder": str(write_reader(root / "reader")),
        "vae": str(write_vae(root / "vae.safetensors")),
    }


def _dataset(folder: Path, side: int) -> Path:
    rng = np.random.default_rng(0)
    pairs = []
    for number in range(8):
        coarse = rng.integers(0, 256, (side // 16, side // 16, 3), dtype=np.uint8)
        clean = np.kron(coarse, np.ones((16, 16, 1), np.uint8))
        degraded = np.clip(clean + rng.normal(0, 10, clean.shape), 0, 255).astype(np.uint8)
        pairs.append(MadePair(f"pair{number}", "noise", "noise", "train", degraded, clean))
    return write_dataset(folder, pairs)


def _recipe(
    editor: dict[str, str], data: dict[str, list[str]], side: int, batch: int, cache: Path | None, gpu: bool, fast: bool
) -> TrainingSection:
    stage = StageSection(steps=1000, batch_size=batch, warmup_steps=0)
    return TrainingSection.model_validate(
        {
            "editor": editor,
            "crop": side,
            "datasets": data,
            "data": {"fit": "square", "cache": str(cache or ""), "cache_latents": cache is not None},
            "stages": {"transfer": stage.model_dump()},
            "parallel": {
                "precision": "bf16" if gpu else "fp32",
                "recompute": "selective" if gpu else "none",
                "compile": fast,
            },
        }
    )


def _sets(data: dict[str, list[str]]) -> dict[str, PairSet]:
    return {name: PairSet.open(name, places, "train", PixelCache(0)) for name, places in data.items()}


def _ours(training: TrainingSection, data: dict[str, list[str]], steps: int, world: World) -> Timings:
    work = StageAtWork(training, 0, "transfer", _sets(data), world)
    warm = 20  # every pair in both mirrors is kept by then, and blocks are compiled
    return Timings.joined([work.take(step)[1] for step in range(warm + steps)][warm:])


def _plain(training: TrainingSection, data: dict[str, list[str]], steps: int, world: World) -> float:
    editor = base_editor(training, world.device).train().requires_grad_(True)
    adam = torch.optim.AdamW(editor.parameters(), lr=1e-5)
    low = training.parallel.precision == "bf16"
    batches = _batches(training, data)
    seconds = []
    for _ in range(steps + 2):
        begun = time.perf_counter()
        batch = next(batches)
        with torch.no_grad():
            clean, degraded = (editor.encode(each.to(world.device)).mean for each in (batch.clean, batch.degraded))
            condition = editor.collate(editor.encode_requests(batch.requests))
        tokens = editor.target_tokens(*batch.clean.shape[2:])
        shift = shift_for(editor.timesteps.training, tokens)
        point = flow.draw_point(clean, degraded, training.objective, shift, "plain", batch.places)
        with torch.autocast(world.device.type, torch.bfloat16, enabled=low):
            predicted = editor(point.state, point.time, point.reference, condition)
        loss = flow.sample_losses(predicted.float(), point.velocity, logarithmic=False).mean()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(editor.parameters(), 1.0)
        adam.step()
        adam.zero_grad()
        float(loss.detach())
        seconds.append(time.perf_counter() - begun)
    return statistics.median(seconds[2:])


def _batches(training: TrainingSection, data: dict[str, list[str]]) -> Iterator[Batch]:
    from training.data.batches import batches

    for step in batches(_sets(data), training.stages["transfer"], training, "plain"):
        yield from step


if __name__ == "__main__":
    main()
