"""Sampling with FLUX.1 Kontext's classes, ours against diffusers' own pipeline: `python -m benchmarks.sampling`.

Random weights; the transformer has `--double` and `--single` blocks of heads of 128, everything else is tiny, so the
time is the transformer's. Processor time, which other work on the machine disturbs least; with --gpu wall time in bf16.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

import numpy as np
import torch
from diffusers import FluxKontextPipeline, FluxTransformer2DModel
from diffusers.utils import logging
from rich.console import Console
from rich.table import Table

from schemas.recipe.training import TrainingSection
from tests.training.tiny_kontext import CHANNELS, write_kontext
from training.editors import base_editor
from training.editors.base import Request
from training.sampling import sample

PROMPT = "please remove the rain"


def main() -> None:
    """Measures and prints the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--gpu", action="store_true")
    parser.add_argument("--heads", type=int, default=3)
    parser.add_argument("--double", type=int, default=1)
    parser.add_argument("--single", type=int, default=2)
    parser.add_argument("--side", type=int, default=512)
    parser.add_argument("--steps", type=int, default=4)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    table = Table("sampler", title=f"{options.steps} steps at {options.side}×{options.side}", title_justify="left")
    for column in ("s, median", "÷ diffusers"):
        table.add_column(column, justify="right")
    with tempfile.TemporaryDirectory() as name, torch.no_grad():
        folder = write_kontext(Path(name) / "kontext")
        _transformer(options.heads, options.double, options.single).save_pretrained(folder / "transformer")
        ours, theirs = _ours(folder, options), _theirs(folder, options)
        clock = time.perf_counter if options.gpu else time.process_time
        seconds: dict[str, list[float]] = {"ours": [], "diffusers' pipeline": []}
        for _ in range(options.rounds + 1):  # the first warms up
            for title, run in zip(seconds, (ours, theirs), strict=True):
                begun = clock()
                run()
                seconds[title].append(clock() - begun)
    medians = {title: median(times[1:]) for title, times in seconds.items()}
    for title, taken in medians.items():
        table.add_row(title, f"{taken:.2f}", f"{taken / list(medians.values())[-1]:.2f}")
    Console().print(table)


def _transformer(heads: int, double: int, single: int) -> FluxTransformer2DModel:
    torch.manual_seed(0)
    return FluxTransformer2DModel(
        in_channels=4 * CHANNELS,
        num_layers=double,
        num_single_layers=single,
        attention_head_dim=128,
        num_attention_heads=heads,
        joint_attention_dim=32,
        pooled_projection_dim=24,
        guidance_embeds=True,
    )


def _ours(folder: Path, options: argparse.Namespace) -> Callable[[], None]:
    training = TrainingSection.model_validate({"editor": {"kind": "kontext", "model": str(folder)}})
    editor = base_editor(training, "cuda" if options.gpu else "cpu")
    picture = torch.rand(1, 3, options.side, options.side)
    noise = torch.randn(1, *editor.latent_shape(options.side, options.side))

    def run() -> None:
        sample(editor, picture, [Request(PROMPT, None)], noise, options.steps)

    return run


def _theirs(folder: Path, options: argparse.Namespace) -> Callable[[], None]:
    low = torch.bfloat16 if options.gpu else torch.float32
    pipeline = FluxKontextPipeline.from_pretrained(folder, torch_dtype=low)
    pipeline.to("cuda" if options.gpu else "cpu").set_progress_bar_config(disable=True)
    picture = np.random.default_rng(0).random((1, options.side, options.side, 3), dtype=np.float32)

    def run() -> None:
        pipeline(
            image=torch.from_numpy(picture).permute(0, 3, 1, 2),
            prompt=PROMPT,
            height=options.side,
            width=options.side,
            num_inference_steps=options.steps,
            guidance_scale=2.5,
            max_area=options.side**2,
            _auto_resize=False,
            output_type="np",
        )

    return run


if __name__ == "__main__":
    main()
