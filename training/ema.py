"""The exponential moving average of the weights."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from training.parallel import local, reshard


class MovingAverage:
    """Averages every parameter of a model, sharded as the model is.

    The decay of update n = 0, 1, … is min(decay, (1 + n) / (10 + n)), so the first steps are not held back by the
    initial weights.
    """

    def __init__(self, model: nn.Module, decay: float) -> None:
        self.decay = decay
        self._model = model
        self.weights: dict[str, Tensor] = {
            name: parameter.detach().clone() for name, parameter in model.named_parameters()
        }

    @torch.no_grad()
    def update(self, step: int) -> None:
        """Takes in the weights after optimizer step number `step`, counted from 0."""
        decay = min(self.decay, (1.0 + step) / (10.0 + step))
        current = [local(parameter) for _, parameter in self._model.named_parameters()]
        torch._foreach_lerp_([local(average) for average in self.weights.values()], current, 1.0 - decay)

    @torch.no_grad()
    def into_model(self) -> None:
        """Overwrites the model's weights with the average."""
        for name, parameter in self._model.named_parameters():
            local(parameter).copy_(local(self.weights[name]))

    @contextmanager
    def in_place(self) -> Iterator[None]:
        """The model holds the average inside the context, and its own weights again after it."""
        own = {name: local(parameter).detach().clone() for name, parameter in self._model.named_parameters()}
        self.into_model()
        try:
            yield
        finally:
            reshard(self._model)
            with torch.no_grad():
                for name, parameter in self._model.named_parameters():
                    local(parameter).copy_(own[name])
