"""Semantics without weights: statistics of the picture, calibrated."""

from __future__ import annotations

from collections.abc import Sequence

from filters.contract import Finding, Image
from filters.statistics.calibrated import calibration, semantics, version
from filters.statistics.features import statistics


class StatisticalSemantics:
    """Scores `semantics.CLASS`, `severity.DEGRADATION` and the `statistics.*` that they are made of."""

    name = "semantics"

    @property
    def provider(self) -> str:
        return "statistics"

    @property
    def version(self) -> str:
        return version()

    def load(self) -> None:
        """Reads the embedded calibration."""
        calibration()

    def score(self, images: Sequence[Image]) -> list[Finding]:
        """A finding for each picture (uint8 (H, W, 3), sRGB, any size), in order."""
        findings = []
        for image in images:
            measured = statistics(image)
            findings.append(Finding({**measured, **semantics(measured)}))
        return findings
