"""What the processes of test_parallel.py do: a small Flux-shaped editor, trained for a few steps."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial

import torch
from accelerate import init_empty_weights
from torch import nn

from schemas.recipe.training import ObjectiveSection, ParallelSection, TinySection
from training.editors.base import EditorConfig
from training.editors.loading import load_weights
from training.editors.tiny.pixels import PixelEditor
from training.editors.weight_files import WeightFiles
from training.parallel import accumulating, fused_options, gradient_norm, joined, local, parallelize, whole

SAMPLES, SIDE = 8, 16


def small_editor():
    """No weight is zero, so every one that is used has a gradient; 51 rows and 1 row are nothing that 2 divides."""
    section = TinySection(heads=1, head_dim=32, double_blocks=1, single_blocks=4, features=12, words=51)
    torch.manual_seed(0)
    editor = PixelEditor(EditorConfig(editor=section, objective=ObjectiveSection(), crop=SIDE, steps=1))
    editor.register_parameter("unused", nn.Parameter(torch.ones(1)))
    for parameter in editor.parameters():
        if not parameter.is_meta and parameter.count_nonzero() == 0:
            nn.init.normal_(parameter, std=0.05)
    return editor


def inputs(places):
    """Arguments of the editor and the wanted velocity of the samples at these places."""
    drawn = torch.Generator().manual_seed(7)
    pictures = torch.randn(3, SAMPLES, 3, SIDE, SIDE, generator=drawn)[:, places]
    condition = {
        "words": torch.randint(0, 51, (SAMPLES, 16), generator=drawn)[places],
        "overview": torch.randn(SAMPLES, 16, 192, generator=drawn)[places],
    }
    time = torch.rand(SAMPLES, generator=drawn)[places]
    return (pictures[0], time, pictures[1], condition), pictures[2]


@dataclass(frozen=True)
class Case:
    """section: of the recipe. accumulate: passes a step. frozen: single-stream blocks that do not move."""

    section: dict = field(default_factory=dict)
    accumulate: int = 1
    frozen: int = 0
    rate: float = 0.5
    steps: int = 4


def trained(case):
    """Losses and gradient norms of the steps and the weights after them, gathered; the world's size and mesh."""
    section = ParallelSection.model_validate(case.section)
    with joined(section) as world:
        editor = small_editor()
        for block in editor.single_blocks()[: case.frozen]:
            block.requires_grad_(False)
        parallelize(editor, section, world)
        moving = [each for each in editor.parameters() if each.requires_grad]
        optimizer = torch.optim.SGD(moving, lr=case.rate, momentum=0.9, **fused_options(world.device))
        share = torch.arange(world.rank, SAMPLES, world.size).chunk(case.accumulate)
        curve = []
        for _ in range(case.steps):
            total = torch.zeros(())
            for number, places in enumerate(share, start=1):
                accumulating(editor, last=number == len(share))
                given, wanted = inputs(places)
                loss = (editor(*given) - wanted).square().mean() / len(share)
                loss.backward()
                total += loss.detach()
            curve.append((world.mean(total), gradient_norm(moving, 1.0)))
            optimizer.step()
            optimizer.zero_grad()
        weights = {name: whole(each).detach().clone().numpy() for name, each in editor.named_parameters()}
        return curve, weights, (world.size, world.mesh and world.mesh.ndim)


def loaded(file, section):
    """Weights read from a file into a model on the meta device, gathered; bytes that this process asked for and
    holds.
    """
    section = ParallelSection.model_validate(section)
    with joined(section) as world:
        with init_empty_weights(include_buffers=False):
            editor = small_editor()
        parallelize(editor, section, world)
        files, asked = WeightFiles(file), []

        def rows(name, start, stop):
            read = files.rows(name, start, stop)
            asked.append(read.numel())
            return read

        load_weights(editor, world.device, {name: partial(rows, name) for name in files.shapes})
        held = sum(local(each).numel() for each in editor.parameters())
        weights = {name: whole(each).detach().clone().numpy() for name, each in editor.named_parameters()}
        return weights, sum(asked), held


def sums():
    """The sum and the mean over the processes, and the refusal of a shard size."""
    with joined(ParallelSection()) as world:
        world.wait()
        return world.sum(torch.tensor([1.0, world.rank])).tolist(), world.mean(torch.tensor(float(world.rank)))
