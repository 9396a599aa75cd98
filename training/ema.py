"""The exponential moving average of the weights."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from training.parallel import local, reshard


class MovingAverage:
    """Averages the parameters that may change, in fp32 and sharded as the model is.

    Which ones may change is what `requires_grad` says here, when all weights are loaded; the others are their own
    average, and take no second memory. The decay of update n = 0, 1, … is min(decay, (1 + n) / (10 + n)), so the first
    steps are not held back by the initial weights; .990 (UARE 2025) is reached at update 890, .995 at 1790.

    weights: the average of each parameter by name; for one that may not change the parameter itself.

    Raises ValueError when a parameter that may change is not fp32: an average is exchanged with the master weights.
    """

    def __init__(self, model: nn.Module, decay: float) -> None:
        self.decay = decay
        self._model = model
        moving = {name: parameter for name, parameter in model.named_parameters() if parameter.requires_grad}
        if coarse := [name for name, parameter in moving.items() if parameter.dtype != torch.float32]:
            raise ValueError(f"parameters that may change must be fp32: {', '.join(coarse[:5])} are not")
        self._moving = {name: parameter.detach().clone() for name, parameter in moving.items()}

    @property
    def weights(self) -> dict[str, Tensor]:
        named = self._model.named_parameters()
        return {name: self._moving.get(name, parameter.detach()) for name, parameter in named}

    @torch.no_grad()
    def update(self, step: int) -> None:
        """Takes in the weights after optimizer step number `step`, counted from 0."""
        decay = min(self.decay, (1.0 + step) / (10.0 + step))
        torch._foreach_lerp_([mean for _, mean in self._pairs()], [own for own, _ in self._pairs()], 1.0 - decay)

    @torch.no_grad()
    def into_model(self) -> None:
        """Overwrites the model's weights with the average."""
        for own, mean in self._pairs():
            own.copy_(mean)

    @contextmanager
    def in_place(self) -> Iterator[None]:
        """The model holds the average inside the context, and its own weights again after it. They change places
        tensor by tensor, so that there is never a third copy: do not read `weights` inside.
        """
        self._exchange()
        try:
            yield
        finally:
            self._exchange()

    @torch.no_grad()
    def _exchange(self) -> None:
        reshard(self._model)
        for own, mean in self._pairs():
            aside = own.clone()
            own.copy_(mean)
            mean.copy_(aside)

    def _pairs(self) -> list[tuple[Tensor, Tensor]]:
        """What this process holds of each parameter that may change, and of its average."""
        parameters = dict(self._model.named_parameters())
        return [(local(parameters[name].detach()), local(mean)) for name, mean in self._moving.items()]
