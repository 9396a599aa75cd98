"""The exponential moving average of the weights."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from training.parallel import local, reshard


class MovingAverage:
    """Averages parameters in fp32, sharded as the model is.

    Of `names` those are averaged that may change, as `requires_grad` says here, when all weights are loaded; the others
    are their own average and take no second memory. The decay of update n = 0, 1, … is min(decay, (1 + n) / (10 + n)),
    so the first steps are not held back by the initial weights; the decays of UARE (2025), .990 and .995, are reached
    after 890 and 1790 updates.

    Raises ValueError when a parameter that may change is not fp32: averages change places with the master weights.
    """

    def __init__(self, model: nn.Module, decay: float, names: Collection[str]) -> None:
        self.decay = decay
        self._model, self._names = model, frozenset(names)
        moving = {name: own for name, own in model.named_parameters() if name in self._names and own.requires_grad}
        if coarse := [name for name, own in moving.items() if own.dtype != torch.float32]:
            raise ValueError(f"parameters that may change must be fp32: {', '.join(coarse[:5])} are not")
        self._means = {name: own.detach().clone() for name, own in moving.items()}

    @property
    def weights(self) -> dict[str, Tensor]:
        """The average of each of the names; of one that may not change, the model's own tensor."""
        named = self._model.named_parameters()
        return {name: self._means.get(name, own.detach()) for name, own in named if name in self._names}

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
        return [(local(parameters[name].detach()), local(mean)) for name, mean in self._means.items()]
