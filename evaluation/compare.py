"""Degraded and restored pictures against the clean ones: the table that says whether restoring helped."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Any

from pydantic import computed_field
from rich.table import Table

from degradations.contract import Image
from evaluation.exhibit import Exhibit, exhibit
from evaluation.fidelity import psnr, ssim
from schemas.errors import DatasetError
from schemas.record import Record


@dataclass(frozen=True)
class Triple:
    """One held-out sample. degraded, restored, clean: uint8 (H, W, 3) sRGB, of equal shape. severity: in [0, 1]."""

    sample_key: str
    source_key: str
    degradation: str
    task: str
    severity: float
    degraded: Image
    restored: Image
    clean: Image


class Fidelity(Record):
    """PSNR in dB and SSIM of degraded and restored, each against clean. A gain above 0 means that restoring helped."""

    psnr_degraded: float
    psnr_restored: float
    ssim_degraded: float
    ssim_restored: float

    @computed_field  # type: ignore[prop-decorator]
    @property
    def psnr_gain(self) -> float:
        """PSNR of restored less that of degraded, dB."""
        return self.psnr_restored - self.psnr_degraded

    @computed_field  # type: ignore[prop-decorator]
    @property
    def ssim_gain(self) -> float:
        """SSIM of restored less that of degraded."""
        return self.ssim_restored - self.ssim_degraded


class Measured(Fidelity):
    """The fidelity of one sample."""

    sample_key: str
    source_key: str
    degradation: str
    task: str
    severity: float


class Mean(Fidelity):
    """The mean fidelity of `n` samples, or of `n` degradations."""

    n: int


@dataclass(frozen=True)
class Example:
    """A sample to look at. choice: why this one ("median gain", "worst gain", "best gain")."""

    choice: str
    measured: Measured
    pictures: Exhibit


@dataclass(frozen=True)
class Comparison:
    """rows: one a sample, in the order given. degradations: mean over the samples of each, by name.

    mean_over_images: every sample counts once. mean_over_degradations: every degradation counts once.
    examples: by degradation name, then median, worst, best.
    """

    rows: tuple[Measured, ...]
    degradations: dict[str, Mean]
    mean_over_images: Mean
    mean_over_degradations: Mean
    examples: tuple[Example, ...]

    def summary(self) -> dict[str, Any]:
        """Plain JSON for summary.json: the means per degradation and both overall means."""
        return {
            "per_degradation": {name: mean.model_dump() for name, mean in self.degradations.items()},
            "mean_over_images": self.mean_over_images.model_dump(),
            "mean_over_degradations": self.mean_over_degradations.model_dump(),
        }


def compare(triples: Iterable[Triple], examples: int = 2) -> Comparison:
    """Measures each triple and keeps up to `examples` of each degradation: median gain in PSNR, worst, best.

    The median of an even number is the lower one; equal gains go by sample key, so the order of the triples does not
    matter. Holds the reduced pictures of all triples until the choice is made (about 0.2 MB each), never their pixels.
    Raises DatasetError when there is no triple, ValueError when the pictures of one differ in shape.
    """
    rows: list[Measured] = []
    pictures: dict[str, Exhibit] = {}
    for triple in triples:
        rows.append(_measure(triple))
        if examples > 0:
            pictures[triple.sample_key] = exhibit(triple.degraded, triple.restored, triple.clean)
    if not rows:
        raise DatasetError("nothing to compare: no accepted held-out sample; raise plan.heldout or relax the policy")
    names = sorted({row.degradation for row in rows})
    groups = {name: [row for row in rows if row.degradation == name] for name in names}
    means = {name: _mean(group) for name, group in groups.items()}
    return Comparison(
        rows=tuple(rows),
        degradations=means,
        mean_over_images=_mean(rows),
        mean_over_degradations=_mean(list(means.values())),
        examples=tuple(
            Example(choice, row, pictures[row.sample_key])
            for group in groups.values()
            for choice, row in _choose(group, examples)
        ),
    )


def to_rich_table(comparison: Comparison) -> Table:
    """The table for the terminal: a row a degradation, then the two overall means."""
    table = Table(title="Held-out photographs: degraded → restored, against clean", title_justify="left")
    table.add_column("degradation")
    for heading in ("n", "PSNR (dB)", "gain", "SSIM", "gain"):
        table.add_column(heading, justify="right")
    last = list(comparison.degradations)[-1]
    for name, mean in comparison.degradations.items():
        table.add_row(*_cells(name, mean), end_section=name == last)
    table.add_row(*_cells("mean over images", comparison.mean_over_images), style="bold")
    table.add_row(*_cells("mean over degradations", comparison.mean_over_degradations))
    return table


def _cells(name: str, mean: Mean) -> list[str]:
    return [
        name,
        str(mean.n),
        f"{mean.psnr_degraded:.2f} → {mean.psnr_restored:.2f}",
        _signed(mean.psnr_gain, 2),
        f"{mean.ssim_degraded:.3f} → {mean.ssim_restored:.3f}",
        _signed(mean.ssim_gain, 3),
    ]


def _signed(gain: float, digits: int) -> str:
    return f"[{'green' if gain >= 0 else 'red'}]{gain:+.{digits}f}[/]"


def _measure(triple: Triple) -> Measured:
    return Measured(
        sample_key=triple.sample_key,
        source_key=triple.source_key,
        degradation=triple.degradation,
        task=triple.task,
        severity=triple.severity,
        psnr_degraded=psnr(triple.degraded, triple.clean),
        psnr_restored=psnr(triple.restored, triple.clean),
        ssim_degraded=ssim(triple.degraded, triple.clean),
        ssim_restored=ssim(triple.restored, triple.clean),
    )


def _mean(of: Sequence[Fidelity]) -> Mean:
    return Mean(
        n=len(of),
        psnr_degraded=fmean(one.psnr_degraded for one in of),
        psnr_restored=fmean(one.psnr_restored for one in of),
        ssim_degraded=fmean(one.ssim_degraded for one in of),
        ssim_restored=fmean(one.ssim_restored for one in of),
    )


def _choose(group: Sequence[Measured], examples: int) -> list[tuple[str, Measured]]:
    ranked = sorted(group, key=lambda row: (row.psnr_gain, row.sample_key))
    positions = {"median gain": (len(ranked) - 1) // 2, "worst gain": 0, "best gain": len(ranked) - 1}
    chosen: dict[int, str] = {}
    for choice, position in list(positions.items())[:examples]:
        chosen[position] = f"{chosen[position]}, {choice}" if position in chosen else choice
    return [(choice, ranked[position]) for position, choice in chosen.items()]
