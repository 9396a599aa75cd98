"""No-reference quality metrics of pyiqa, where it is installed."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from importlib.util import find_spec
from typing import Any

import numpy as np

from filters.contract import Finding, Image
from filters.inference import Device, choose_device, digest, inference
from schemas.errors import RecipeError

_FIELD = "filters.quality.pyiqa"


class PyiqaMetrics:
    """`quality.NAME` for each metric of pyiqa named (musiq, topiq_nr, ...), on the metric's own scale.

    Pictures are shown one by one and whole, for the metrics choose their own sizes, in full precision. pyiqa is not a
    dependency: its licence forbids commercial use, and its metrics fetch weights when they are first made.
    Raises RecipeError when pyiqa is not installed, a name is no no-reference metric, or the device is not there.
    """

    name = "quality"
    provider = "pyiqa"

    def __init__(self, metrics: Sequence[str], device: Device = "auto") -> None:
        if find_spec("pyiqa") is None or find_spec("torch") is None:
            raise RecipeError(
                f"{_FIELD}: {list(metrics)} need the package pyiqa, which tarnish does not bring because its licence "
                "forbids commercial use; pip install pyiqa where that is no hindrance, or set filters.quality.pyiqa=[]"
            )
        import pyiqa

        known = pyiqa.list_models(metric_mode="NR")
        if unknown := [name for name in metrics if name not in known]:
            raise RecipeError(
                f"{_FIELD}: {unknown[0]!r} is no no-reference metric of pyiqa; it has {', '.join(sorted(known))}"
            )
        self._names = tuple(metrics)
        self._device = choose_device(device)

    @property
    def version(self) -> str:
        """16 hex of the sha256 of pyiqa's version and the metrics' names."""
        from importlib.metadata import PackageNotFoundError, version

        try:
            installed = version("pyiqa")
        except PackageNotFoundError:  # imported from a folder
            installed = "unknown"
        return digest(installed, *self._names)

    @cached_property
    def _metrics(self) -> dict[str, Any]:
        import pyiqa

        try:
            return {name: pyiqa.create_metric(name, device=self._device) for name in self._names}
        except (OSError, RuntimeError, ValueError, KeyError) as error:
            raise RecipeError(
                f"{_FIELD}: {list(self._names)} cannot be made ({type(error).__name__}: {error}); fetch their weights "
                "once with pyiqa.create_metric, or leave them out"
            ) from error

    def load(self) -> None:
        """Makes the metrics. Raises RecipeError when they cannot be used."""
        self._metrics  # noqa: B018

    def score(self, images: Sequence[Image]) -> list[Finding]:
        """A finding for each picture (uint8 (H, W, 3), sRGB, any sizes), in order."""
        import torch

        findings = []
        with inference("cpu"):  # no autocast: the metrics were calibrated in full precision
            for image in images:
                pixels = torch.from_numpy(np.ascontiguousarray(image.transpose(2, 0, 1))).to(self._device)
                shown = pixels[None].float() / 255.0
                scores = {f"quality.{name}": float(metric(shown)) for name, metric in self._metrics.items()}
                findings.append(Finding(scores))
        return findings
