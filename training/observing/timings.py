"""Where the time of training steps went."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Literal, Self

from training.flops import utilisation

#: What a step consists of; the rest of its time is overhead.
Part = Literal["encode", "forward", "backward", "optimizer"]
_GIB = 2**30


@dataclass(frozen=True)
class Memory:
    """Peaks in bytes: what tensors held and what the allocator kept for them on the GPU; without one, the memory of
    the process, and no `reserved`.
    """

    allocated: int
    reserved: int | None


@dataclass(frozen=True)
class Timings:
    """Sums over `steps` optimizer steps, as the leading process saw them.

    seconds: wall time. waited: time without data, of the process that waited longest in each step. parts: time in each
    part of a step, by name. samples, flops: of all processes. devices: how many share the work. peak: operations a
    second that all of them could do; None where it is not known.
    """

    steps: int
    seconds: float
    waited: float
    samples: int
    flops: float
    devices: int
    memory: Memory
    peak: float | None = None
    parts: Mapping[str, float] = field(default_factory=dict)

    @classmethod
    def joined(cls, timings: Sequence[Self]) -> Self:
        """The sums over several, the greatest of their memory. Raises ValueError for none."""
        if not timings:
            raise ValueError("timings: there are none to join")
        memories = [each.memory for each in timings]
        parts: dict[str, float] = {}
        for each in timings:
            for name, seconds in each.parts.items():
                parts[name] = parts.get(name, 0.0) + seconds
        return cls(
            steps=sum(each.steps for each in timings),
            seconds=sum(each.seconds for each in timings),
            waited=sum(each.waited for each in timings),
            samples=sum(each.samples for each in timings),
            flops=sum(each.flops for each in timings),
            devices=timings[-1].devices,
            memory=Memory(
                max(each.allocated for each in memories),
                max((each.reserved for each in memories if each.reserved is not None), default=None),
            ),
            peak=timings[-1].peak,
            parts=parts,
        )

    @property
    def samples_per_second(self) -> float:
        """Of all processes together."""
        return self.samples / self.seconds

    @property
    def wait_share(self) -> float:
        """Share of the time in which some process had no data."""
        return self.waited / self.seconds

    @property
    def overhead_share(self) -> float | None:
        """Share of the time outside encoders, forward, backward and optimizer: data wait, reductions, logs. None where
        the parts were not measured.
        """
        return max(0.0, 1.0 - sum(self.parts.values()) / self.seconds) if self.parts else None

    @property
    def mfu(self) -> float | None:
        """Model FLOPs utilisation, in [0, 1]."""
        return None if self.peak is None else utilisation(self.flops, self.seconds, self.peak)

    def row(self) -> dict[str, Any]:
        """Figures a step and a second, None where they are not known; memory in GiB, TFLOP/s of one device."""
        return {
            "step_seconds": self.seconds / self.steps,
            "samples_per_second": self.samples_per_second,
            "data_wait_seconds": self.waited / self.steps,
            "data_wait_share": self.wait_share,
            "overhead_share": self.overhead_share,
            "tflops_per_device": self.flops / (self.seconds * self.devices) / 1e12,
            "mfu": self.mfu,
            "part_seconds": {name: seconds / self.steps for name, seconds in self.parts.items()},
            "memory_gib": {name: size / _GIB for name, size in asdict(self.memory).items() if size is not None},
        }
