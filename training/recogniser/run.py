"""A training run of the recogniser that can stop after any step and go on to the same weights."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

import timm
import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor
from torch.nn import functional

from filters.recogniser.model import CONFIG, WEIGHTS
from filters.recogniser.network import RecogniserNetwork
from filters.recogniser.views import measure_names
from pipeline.files import write_atomically
from schemas.errors import CheckpointError, DatasetError, DivergedError, RecipeError
from schemas.recogniser import RecogniserConfig
from training.recogniser.batches import Batch, Batches
from training.recogniser.examples import Examples
from training.saved_steps import take_steps

#: Weights while they are trained, with AdamW's moments, beside what the folder will hold.
STATE = "training.safetensors"
#: Pictures whose statistics set the scale of each.
STANDARD = 256
#: Weight of the squared error of severities beside the cross-entropies.
SEVERITY = 4.0
_WARM_UP, _DECAY = 0.08, 0.05


@dataclass(frozen=True)
class Settings:
    """backbone: of timm. tile, whole: sides of the views, pixels. batch: pictures a step. learning_rate: AdamW's, after
    a warm-up over the first 8 % of steps; it falls to nothing along a cosine."""

    backbone: str
    steps: int
    batch: int
    tile: int
    whole: int
    learning_rate: float
    seed: int


class Run:
    """Weights, moments and step are all its state: a step draws its batch from seed and step number alone.

    Raises RecipeError for a backbone that cannot be used, DatasetError where there is nothing to learn from, and
    CheckpointError where `out` belongs to another run. Bytes are those of one machine and number of threads.
    """

    def __init__(self, examples: Examples, settings: Settings, out: Path, device: str) -> None:
        if not examples.names:
            raise DatasetError("the datasets have no training sample of a known degradation; run `tarnish synthesize`")
        self.out, self._settings, self._device = out, settings, device
        self.config = RecogniserConfig(
            backbone=settings.backbone,
            names=examples.names,
            statistics=measure_names(),
            tile=settings.tile,
            whole=settings.whole,
        )
        told = [asdict(settings), self.config.model_dump(), examples.fingerprint(), timm.__version__]
        self._identity = hashlib.sha256(json.dumps(told).encode()).hexdigest()
        self._batches = Batches(examples, self.config, settings.batch, settings.seed)
        try:
            with torch.random.fork_rng(devices=[]):
                torch.manual_seed(settings.seed)
                self.network = RecogniserNetwork(settings.backbone, len(examples.names), len(measure_names()))
        except ValueError as error:
            raise RecipeError(f"--backbone: {error}") from error
        self.network.to(device).to(memory_format=torch.channels_last).train()  # type: ignore[call-overload]
        self._optimizer = _optimizer(self.network, settings.learning_rate)
        self.step = self._continued()

    @property
    def finished(self) -> bool:
        """Whether all steps are taken."""
        return self.step >= self._settings.steps

    @property
    def parameters(self) -> int:
        """Trained weights, in number."""
        return sum(one.numel() for one in self.network.parameters())

    def advance(self) -> float:
        """Takes one step and returns its loss. Raises DivergedError when that is no number."""
        if self.step == 0:
            self.network.standardise(self._batches.drawn(STANDARD, "statistics").statistics.to(self._device))
        batch = Batch(*(part.to(self._device) for part in self._batches[self.step]))
        for group in self._optimizer.param_groups:
            group["lr"] = _rate(self._settings, self.step)
        with torch.backends.cudnn.flags(deterministic=True, benchmark=False, allow_tf32=False):
            presence, severity = self.network(batch.tiles, batch.wholes, batch.statistics)
            loss = objective(presence, severity, batch)
            self._optimizer.zero_grad()
            loss.backward()
        value = float(loss.detach())
        if not math.isfinite(value):
            raise DivergedError(f"the loss of step {self.step} is {value}; lower --learning-rate")
        self._optimizer.step()
        self.step += 1
        return value

    def save(self) -> None:
        """Writes the state to the folder; after the last step configuration and network, and removes the state."""
        # One entry: the order of several is left to chance, and the file's bytes with it.
        metadata = {"tarnish": json.dumps({"identity": self._identity, "step": self.step})}
        weights = {name: tensor.detach().cpu().contiguous() for name, tensor in self.network.state_dict().items()}
        self.out.mkdir(parents=True, exist_ok=True)
        if not self.finished:
            moments = {name: tensor.cpu().contiguous() for name, tensor in self._moments().items()}
            write_atomically(self.out / STATE, save({**weights, **moments}, metadata), self.out)
            return
        write_atomically(self.out / CONFIG, self.config.to_json().encode() + b"\n", self.out)
        write_atomically(self.out / WEIGHTS, save(weights, metadata), self.out)
        (self.out / STATE).unlink(missing_ok=True)

    def _moments(self) -> dict[str, Tensor]:
        """AdamW's tensors by the names of their weights."""
        return {
            f"{kind}/{name}": self._optimizer.state[weight][kind]
            for name, weight in self.network.named_parameters()
            for kind in ("step", "exp_avg", "exp_avg_sq")
        }

    def _continued(self) -> int:
        """The step of the run that `out` holds, its state loaded; 0 where it holds none."""
        for path in (self.out / WEIGHTS, self.out / STATE):
            if not path.exists():
                continue
            try:
                with safe_open(path, "pt") as file:
                    metadata = json.loads((file.metadata() or {}).get("tarnish", "{}"))
                    tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
            except SafetensorError as error:
                raise CheckpointError(
                    f"{path} is no safetensors file ({error}); delete it or name another --out"
                ) from error
            if metadata.get("identity") != self._identity:
                raise CheckpointError(
                    f"{path} is of another run (other data, backbone, steps, batch, views, learning rate, seed or "
                    "version of timm); delete it or name another --out"
                )
            self.network.load_state_dict({name: one for name, one in tensors.items() if "/" not in name})
            for name, moment in self._moments().items():
                if name in tensors:
                    moment.copy_(tensors[name])
            return int(metadata["step"])
        return 0


def objective(presence: Tensor, severity: Tensor, batch: Batch) -> Tensor:
    """Loss of a batch: binary cross-entropy of each presence, cross-entropy of the presences as shares, and the squared
    error of the severities of what is present, × SEVERITY.

    The first makes each probability mean what it says whatever else is there; the second sets the logits against each
    other, by which the most likely degradation of a picture is chosen.
    """
    each = functional.binary_cross_entropy_with_logits(presence, batch.present, reduction="none").sum(1).mean()
    shares = functional.cross_entropy(presence, batch.present / batch.present.sum(1, keepdim=True))
    there = batch.present[:, :-1]
    off = ((severity.sigmoid() - batch.severities).square() * there).sum() / there.sum().clamp(min=1.0)
    return each + shares + SEVERITY * off


def _rate(settings: Settings, step: int) -> float:
    warm = min(1.0, (step + 1) / max(1.0, _WARM_UP * settings.steps))
    return settings.learning_rate * warm * 0.5 * (1.0 + math.cos(math.pi * step / settings.steps))


def _optimizer(network: RecogniserNetwork, rate: float) -> torch.optim.AdamW:
    """AdamW (Loshchilov and Hutter 2019), no decay of biases and norms, its state made at zero."""
    weights = list(network.parameters())
    groups = [
        {"params": [one for one in weights if one.ndim > 1], "weight_decay": _DECAY},
        {"params": [one for one in weights if one.ndim <= 1], "weight_decay": 0.0},
    ]
    adam = torch.optim.AdamW(groups, lr=rate, foreach=True)
    for one in weights:
        adam.state[one] = {
            "step": torch.tensor(0.0),
            "exp_avg": torch.zeros_like(one),
            "exp_avg_sq": torch.zeros_like(one),
        }
    return adam


def train(run: Run, save_every: int, report: Callable[[int, float], None]) -> None:
    """Takes the steps that are left, saving every `save_every`, and leaves the recogniser in `run.out`.

    report: called with the number of steps taken and the loss after each; when it raises, also KeyboardInterrupt, the
    steps taken are saved first.
    """
    if run.finished:
        run.save()
    take_steps(run, save_every, report)
