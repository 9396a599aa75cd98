"""What DCP says, in words for people."""

from __future__ import annotations

import warnings

from torch.distributed.checkpoint.api import CheckpointException


def described(error: CheckpointException) -> str:
    """What went wrong, on which process."""
    return "; ".join(f"process {rank}: {cause[0]!r}" for rank, cause in sorted(error.failures.items()))


def unremarked() -> None:
    """Turns off DCP's remark that a single process is a single process."""
    warnings.filterwarnings("ignore", message="torch.distributed is disabled")
