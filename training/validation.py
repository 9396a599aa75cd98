"""The score that chooses checkpoints."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from degradations.rng import generator
from schemas.recipe.training import TrainingSection
from schemas.tasks import TASKS
from training.data.batches import to_tensor
from training.data.crops import centre_crop
from training.data.pairs import PairSet
from training.editors.base import Editor, Request
from training.sampling import sample

#: Shares of the sampled change among which validation chooses one for each task.
BLENDS = tuple(round(0.1 * tenths, 1) for tenths in range(11))


@dataclass(frozen=True)
class Verdict:
    """score: dB, see `score`. gain: mean PSNR gain of each degradation in dB, with its task's blend. blend: for each
    task the share of the change with the greatest mean gain, so a task that the editor would harm is left alone.
    """

    score: float
    gain: dict[str, float]
    blend: dict[str, float]


def score(gain: Mapping[str, float]) -> float:
    """Mean gain over the degradations plus the sum of the negative ones: no gain of one buys harm to another."""
    return float(np.mean(list(gain.values()))) + sum(min(0.0, value) for value in gain.values())


class Validation:
    """Fixed centre crops of the validation pairs: up to `samples` a degradation and set, evenly spread."""

    def __init__(self, sets: Mapping[str, PairSet], training: TrainingSection) -> None:
        self._objective, self._steps = training.objective, training.validation.steps
        crops, self._requests = [], []
        self._degradations: list[str] = []
        self._tasks: list[str] = []
        for pairs in sets.values():
            for degradation, positions in pairs.positions_by_degradation().items():
                for position in _spread(positions, training.validation.samples):
                    pair = pairs[position]
                    crops.append(centre_crop(pair, training.crop))
                    self._requests.append(Request(TASKS[pair.task].en, pair.degraded))
                    self._degradations.append(degradation)
                    self._tasks.append(pair.task)
        self._degraded = to_tensor([crop.degraded for crop in crops])
        self._clean = to_tensor([crop.clean for crop in crops])
        noise = generator(0, "validation").standard_normal(tuple(self._degraded.shape), dtype=np.float32)
        self._noise = torch.from_numpy(noise)

    def __call__(self, editor: Editor) -> Verdict:
        """The verdict on the editor's weights as they are."""
        restored = torch.cat(
            [
                sample(editor, self._degraded[part], self._requests[part], self._noise[part], self._steps)
                for part in (slice(start, start + 16) for start in range(0, len(self._degradations), 16))
            ]
        )
        before = psnr(self._degraded, self._clean)
        change = restored - self._degraded
        gained = {blend: psnr(self._degraded + blend * change, self._clean) - before for blend in BLENDS}
        blends = {}
        for task, places in _places(self._tasks).items():
            means = {blend: float(gained[blend][places].mean()) for blend in BLENDS}
            blends[task] = max(means, key=means.__getitem__)
        gain = {
            degradation: float(gained[blends[self._tasks[places[0]]]][places].mean())
            for degradation, places in sorted(_places(self._degradations).items())
        }
        return Verdict(score(gain), gain, blends)


def _places(names: list[str]) -> dict[str, list[int]]:
    found: dict[str, list[int]] = {}
    for place, name in enumerate(names):
        found.setdefault(name, []).append(place)
    return found


def psnr(image: Tensor, clean: Tensor) -> Tensor:
    """Peak signal-to-noise ratio (B,) in dB of images in [0, 1], at most 60."""
    return -10.0 * torch.log10((image - clean).square().mean(dim=(1, 2, 3)).clamp_min(1e-6))


def _spread(positions: list[int], count: int) -> list[int]:
    chosen = np.linspace(0, len(positions) - 1, min(count, len(positions))).round().astype(int)
    return [positions[index] for index in chosen]
