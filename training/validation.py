"""The score that chooses checkpoints."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from degradations.rng import generator
from schemas.errors import DatasetError
from schemas.recipe.training import TinySection, TrainingSection
from schemas.tasks import TASKS
from training import flow
from training.data.batches import to_tensor
from training.data.fits import fitted
from training.data.identity import identity_of
from training.data.pairs import PairSet, Pixels
from training.data.sets import validation_positions
from training.editors.base import Condition, Request
from training.encodings import Encoder
from training.families.buckets import Size
from training.families.timesteps import shift_for
from training.parallel import World
from training.sampling import sample

#: Shares of the sampled change among which validation chooses one for each task of a small editor.
BLENDS = tuple(round(0.1 * tenths, 1) for tenths in range(11))
#: Most samples, and most pixels of them, that pass the editor at once.
_BATCH, _PIXELS = 16, 1024**2


@dataclass(frozen=True)
class Verdict:
    """score: greater is better. gain: mean PSNR gain of each degradation in dB, with its task's blend; loss: mean
    objective of each degradation; either is empty where the other is the score. blend: for each task the share of the
    change with the greatest mean gain, so a task that a small editor would harm is left alone.
    """

    score: float
    gain: dict[str, float]
    loss: dict[str, float]
    blend: dict[str, float]


class Shown(NamedTuple):
    """Validation samples to look at: float32 (3, H, W) in [0, 1] on the CPU, with what they show."""

    before: list[Tensor]
    after: list[Tensor]
    clean: list[Tensor]
    captions: list[str]


class _Sample(NamedTuple):
    degraded: Pixels
    clean: Pixels
    request: Request
    degradation: str
    task: str
    identity: str | None


def gain_score(gain: Mapping[str, float]) -> float:
    """Mean gain over the degradations plus the sum of the negative ones: no gain of one buys harm to another."""
    return float(np.mean(list(gain.values()))) + sum(min(0.0, value) for value in gain.values())


class Validation:
    """Fixed middles of the validation pairs: up to `samples` a degradation and set, evenly spread.

    Their noise and timesteps depend on their place in the list alone, so scores of all steps compare. The processes of
    a world share the samples out; each must call it.
    """

    def __init__(self, sets: Iterable[PairSet], training: TrainingSection) -> None:
        self._training, self._section = training, training.validation
        self._samples = [sample for pairs in sets for sample in _chosen(pairs, training)]

    def __call__(self, encoder: Encoder, world: World) -> tuple[Verdict, Shown]:
        """The verdict on the weights of the encoder's editor as they are, and what it is about: the first sample of
        each of as many degradations as `validation.pictures` says.
        """
        degradations = _places(each.degradation for each in self._samples)
        shown = [places[0] for places in degradations.values()][: self._section.pictures]
        if self._section.score == "loss":
            losses = self._shared(encoder, world, lambda encoder, places, own: self._losses(encoder, places))
            loss = {name: float(losses[places].mean()) for name, places in sorted(degradations.items())}
            return Verdict(-float(np.mean(list(loss.values()))), {}, loss, {}), self._pictures(encoder, world, shown)
        restored: dict[int, Tensor] = {}
        before, *gained = self._shared(encoder, world, lambda *given: self._gains(restored, *given)).unbind(1)
        rows = dict(zip(self._blends, gained, strict=True))
        blend = {}
        for task, places in _places(each.task for each in self._samples).items():
            means = {share: float((row - before)[places].mean()) for share, row in rows.items()}
            blend[task] = max(means, key=means.__getitem__)
        gain = {
            name: float((rows[blend[self._samples[places[0]].task]] - before)[places].mean())
            for name, places in sorted(degradations.items())
        }
        kept = {place: restored[place] for place in shown if place in restored}
        return Verdict(gain_score(gain), gain, {}, blend), self._gathered(kept, world, shown)

    @property
    def _blends(self) -> tuple[float, ...]:
        return BLENDS if isinstance(self._training.editor, TinySection) else (1.0,)

    def _shared(self, encoder: Encoder, world: World, measure) -> Tensor:  # type: ignore[no-untyped-def]
        """What `measure` says of each sample, gathered from the processes: float64 (samples, …) on the CPU."""
        chunks = _chunks([each.degraded.shape[:2] for each in self._samples])
        rounds = -(-len(chunks) // world.size)
        found: dict[int, Tensor] = {}
        for number in range(rounds):
            mine = number * world.size + world.rank
            places = chunks[min(mine, len(chunks) - 1)]  # one without a chunk left goes along with the others
            measured = measure(encoder, places, mine < len(chunks))
            if mine < len(chunks):
                found.update(zip(places, measured, strict=True))
        width = next(iter(found.values())).shape if found else measured.shape[1:]
        gathered = torch.zeros(len(self._samples), *width, dtype=torch.float64)
        for place, value in found.items():
            gathered[place] = value
        return world.sum(gathered)

    def _losses(self, encoder: Encoder, places: Sequence[int]) -> Tensor:
        """The objective (B,) at fixed times and noise."""
        degraded, clean, requests = self._batch(places)
        objective, editor = self._training.objective, encoder.editor
        with torch.no_grad():
            start, end = (editor.encode(each.to(editor.device)).mean.float() for each in (degraded, clean))
            rule = editor.timesteps.training if objective.shift is None else objective.shift
            shift = shift_for(rule, editor.target_tokens(*degraded.shape[2:]))
            point = flow.draw_point(end, start, objective, shift, "validation", places)
            condition = editor.collate(self._conditions(encoder, places, requests))
            predicted = editor(point.state, point.time, point.reference, condition)
        return flow.sample_losses(predicted, point.velocity, objective.logarithmic).double().cpu()

    def _gains(self, restored: dict[int, Tensor], encoder: Encoder, places: Sequence[int], own: bool) -> Tensor:
        """PSNR before, and after with each blend: (B, 1 + blends). Fills `restored` with this process's own."""
        degraded, clean, _ = self._batch(places)
        after = self._restored(encoder, places)
        if own:
            restored.update(zip(places, after, strict=True))
        values = [psnr(degraded, clean)]
        values += [psnr(degraded + share * (after - degraded), clean) for share in self._blends]
        return torch.stack(values, dim=1).double()

    def _restored(self, encoder: Encoder, places: Sequence[int]) -> Tensor:
        degraded, _, requests = self._batch(places)
        editor = encoder.editor
        shape = editor.latent_shape(*degraded.shape[2:])
        noise = [generator(0, "validation", place).standard_normal(shape, dtype=np.float32) for place in places]
        steps, guidance = self._section.steps, self._section.guidance
        return sample(
            editor,
            degraded,
            requests,
            torch.from_numpy(np.stack(noise)),
            steps,
            guidance,
            encode=lambda asked: self._conditions(encoder, places, asked),
        )

    def _conditions(self, encoder: Encoder, places: Sequence[int], requests: Sequence[Request]) -> Sequence[Condition]:
        return encoder.conditions(requests, [self._samples[place].identity for place in places])

    def _batch(self, places: Sequence[int]) -> tuple[Tensor, Tensor, list[Request]]:
        chosen = [self._samples[place] for place in places]
        degraded, clean = to_tensor([each.degraded for each in chosen]), to_tensor([each.clean for each in chosen])
        return degraded, clean, [each.request for each in chosen]

    def _pictures(self, encoder: Encoder, world: World, shown: Sequence[int]) -> Shown:
        restored = {place: self._restored(encoder, [place])[0] for place in shown}
        return self._gathered(restored if world.leads else {}, world, shown)

    def _gathered(self, restored: Mapping[int, Tensor], world: World, shown: Sequence[int]) -> Shown:
        """The pictures that the processes restored, each held by one of them."""
        pairs = [self._batch([place])[:2] for place in shown]
        after = [
            world.sum(restored.get(place, torch.zeros_like(pair[0][0])))
            for place, pair in zip(shown, pairs, strict=True)
        ]
        captions = [self._samples[place].degradation for place in shown]
        return Shown([pair[0][0] for pair in pairs], after, [pair[1][0] for pair in pairs], captions)


def _chosen(pairs: PairSet, training: TrainingSection) -> list[_Sample]:
    chosen = []
    for degradation, positions in validation_positions(pairs, training.validation.samples).items():
        for position in positions:
            pair = pairs[position]
            crop = fitted(pair, training.data, training.crop)
            if pair.task not in TASKS:
                raise DatasetError(
                    f"training set {pairs.name!r}: validation sample {pair.key} is of the unknown task {pair.task!r}; "
                    f"known: {', '.join(TASKS)}"
                )
            request = Request(TASKS[pair.task].en, crop.whole)
            size = Size(*crop.degraded.shape[:2])
            known = None if training.data.fit == "crop" else identity_of(pair.key, pair.digest, size, False)
            chosen.append(_Sample(crop.degraded, crop.clean, request, degradation, pair.task, known))
    return chosen


def _chunks(sizes: Sequence[tuple[int, ...]]) -> list[list[int]]:
    """Places of neighbours of one size, few enough to pass the editor at once."""
    chunks: list[list[int]] = []
    for place, size in enumerate(sizes):
        most = max(1, min(_BATCH, _PIXELS // (size[0] * size[1])))
        if chunks and sizes[chunks[-1][0]] == size and len(chunks[-1]) < most:
            chunks[-1].append(place)
        else:
            chunks.append([place])
    return chunks


def _places(names: Iterable[str]) -> dict[str, list[int]]:
    found: dict[str, list[int]] = {}
    for place, name in enumerate(names):
        found.setdefault(name, []).append(place)
    return found


def psnr(image: Tensor, clean: Tensor) -> Tensor:
    """Peak signal-to-noise ratio (B,) in dB of images in [0, 1], at most 60."""
    return -10.0 * torch.log10((image - clean).square().mean(dim=(1, 2, 3)).clamp_min(1e-6))
