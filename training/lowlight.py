"""Training of the network that darkens photographs, on reversed pairs: bright → dark."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

from degradations.lowlight.network import darkened, layers, maps
from degradations.rng import generator
from pipeline.files import write_atomically
from schemas.errors import CheckpointError, DivergedError
from training.lowlight_pairs import PairPictures, random_crop
from training.saved_steps import take_steps

#: Weight of the gradient term beside L1.
GRADIENT = 0.5
_FORMAT = "1"
_DECAYS, _EPSILON = (0.9, 0.99), 1e-8


@dataclass(frozen=True)
class Settings:
    """crop: side of the squares, pixels, a multiple of 4. learning_rate: Adam's at the start; it falls to nothing along
    a cosine."""

    steps: int
    batch: int
    crop: int
    learning_rate: float
    seed: int


def best_device() -> str:
    """The first GPU, else the CPU."""
    return "cuda" if torch.cuda.is_available() else "cpu"


class Run:
    """A training run that can stop after any step and go on to the same bytes.

    A step draws its crops from a generator of seed and step number alone, so weights, Adam's two moments and the step
    are all its state: `OUT.partial`, a safetensors file beside `out`, replaced whole every time it is saved.

    Raises CheckpointError where `out` or its partial file belongs to another run. Bytes are those of one machine and
    number of threads.
    """

    def __init__(self, pictures: PairPictures, settings: Settings, out: Path, device: str) -> None:
        self.out, self.partial = out, out.with_name(out.name + ".partial")
        self._settings, self._device = settings, device
        self._pictures = pictures
        self._identity = _identity(pictures, settings)
        self.step, state = 0, initial_weights(settings.seed)
        names = list(state)
        state |= {f"{kind}.{name}": torch.zeros_like(state[name]) for kind in ("first", "second") for name in names}
        for path in (out, self.partial):
            if path.exists():
                self.step, state = _continued(path, self._identity, state)
                break
        self._state = {name: tensor.to(device) for name, tensor in state.items()}
        self._names = names

    @property
    def finished(self) -> bool:
        """Whether all steps are taken."""
        return self.step >= self._settings.steps

    @property
    def darkness(self) -> str:
        """Stops between the pictures of the pairs: least, median and most."""
        return " / ".join(f"{np.quantile(self._pictures.stops, share):.1f}" for share in (0.0, 0.5, 1.0))

    def advance(self) -> float:
        """Takes one step and returns its loss. Raises DivergedError when that is no number."""
        bright, dark, stops = self._batch()
        weights = {name: self._state[name].requires_grad_() for name in self._names}
        with torch.backends.cudnn.flags(deterministic=True, benchmark=False, allow_tf32=False):
            loss = objective(darkened(bright, stops, *maps(weights, bright, stops)), dark)
            gradients = torch.autograd.grad(loss, list(weights.values()))
        value = float(loss.detach())
        if not math.isfinite(value):
            raise DivergedError(f"the loss of step {self.step} is {value}; lower --learning-rate")
        self.step += 1
        with torch.no_grad():
            for name, gradient in zip(self._names, gradients, strict=True):
                self._adam(name, gradient)
        return value

    def save(self) -> None:
        """Writes the state beside `out`; after the last step, the network to `out`, and removes the state."""
        # One entry: the order of several is left to chance, and the file's bytes with it.
        metadata = {"tarnish": json.dumps({"identity": self._identity, "step": self.step})}
        tensors = {name: tensor.detach().cpu().contiguous() for name, tensor in self._state.items()}
        folder = self.out.parent
        if not self.finished:
            write_atomically(self.partial, save(tensors, metadata), folder)
            return
        write_atomically(self.out, save({name: tensors[name] for name in self._names}, metadata), folder)
        self.partial.unlink(missing_ok=True)

    def _batch(self) -> tuple[Tensor, Tensor, Tensor]:
        """Bright and dark squares (n, 3, c, c) in [0, 1] and their stops (n,).

        The dark one is mixed with the bright one by a geometric mean of share U(.1, 1), so that every darkness from
        nearly none to the pair's own is learned.
        """
        rng = generator(self._settings.seed, "lowlight", self.step)
        crops, stops = [], []
        for _ in range(self._settings.batch):
            number = int(rng.integers(len(self._pictures)))
            share = float(rng.uniform(0.1, 1.0))
            bright, dark = random_crop(*self._pictures[number], self._settings.crop, rng)
            crops.append(np.stack([bright, bright ** np.float32(1.0 - share) * dark ** np.float32(share)]))
            stops.append(share * self._pictures.stops[number])
        both = torch.from_numpy(np.stack(crops).transpose(1, 0, 4, 2, 3).copy()).to(self._device)
        return both[0], both[1], torch.tensor(stops, device=self._device)

    def _adam(self, name: str, gradient: Tensor) -> None:
        """Adam (Kingma and Ba 2015), its rate falling along a cosine."""
        weight, first, second = (self._state[prefix + name] for prefix in ("", "first.", "second."))
        settings, (slow, slower) = self._settings, _DECAYS
        rate = settings.learning_rate * 0.5 * (1.0 + math.cos(math.pi * (self.step - 1) / settings.steps))
        first.mul_(slow).add_(gradient, alpha=1.0 - slow)
        second.mul_(slower).addcmul_(gradient, gradient, value=1.0 - slower)
        spread = (second / (1.0 - slower**self.step)).sqrt_().add_(_EPSILON)
        weight.addcdiv_(first, spread, value=-rate / (1.0 - slow**self.step))


def objective(answer: Tensor, wanted: Tensor) -> Tensor:
    """Mean absolute error of values plus half that of their differences to the right and down."""
    loss = (answer - wanted).abs().mean()
    for axis in (2, 3):
        loss = loss + GRADIENT * (answer.diff(dim=axis) - wanted.diff(dim=axis)).abs().mean()
    return loss


def initial_weights(seed: int) -> dict[str, Tensor]:
    """He et al.'s (2015) normal weights, biases 0, and a head of zeros: half the stops everywhere, no residual."""
    weights = {}
    for name, shape in layers().items():
        rng = generator(seed, "lowlight", name)
        deviation = 0.0 if name.startswith("head.") or len(shape) == 1 else math.sqrt(2.0 / math.prod(shape[1:]))
        weights[name] = torch.from_numpy((rng.standard_normal(shape) * deviation).astype(np.float32))
    return weights


def _identity(pictures: PairPictures, settings: Settings) -> str:
    """What makes two runs the same: settings and pixels."""
    return hashlib.sha256(json.dumps([_FORMAT, asdict(settings), pictures.digest]).encode()).hexdigest()


def _continued(path: Path, identity: str, state: dict[str, Tensor]) -> tuple[int, dict[str, Tensor]]:
    """The step and state of a file of this run; of a finished network, no moments."""
    try:
        with safe_open(path, "pt") as file:
            metadata = json.loads((file.metadata() or {}).get("tarnish", "{}"))
            if metadata.get("identity") != identity:
                raise CheckpointError(
                    f"{path} is of another run (other pairs, steps, batch, crop, learning rate or seed); "
                    "delete it or name another --out"
                )
            return metadata["step"], state | {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except SafetensorError as error:
        raise CheckpointError(f"{path} is no safetensors file ({error}); delete it or name another --out") from error


def train(run: Run, save_every: int, report: Callable[[int, float], None]) -> Path:
    """Takes the steps that are left, saving every `save_every`, and leaves the network in `run.out`.

    report: called with the number of steps taken and the loss after each; when it raises, also KeyboardInterrupt, the
    steps taken are saved first.
    """
    take_steps(run, save_every, report)
    return run.out
