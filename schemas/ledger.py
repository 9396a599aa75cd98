"""The ledger: every input of the pipeline ends as exactly one row."""

from typing import Literal

from pydantic import Field

from schemas.curriculum import Curriculum
from schemas.record import Record
from schemas.source import Role, Split
from schemas.trace import Trace

Verdict = Literal["accepted", "rejected", "failed"]


class LedgerRow(Record):
    """What became of one plan row.

    accepted: its members are in `shard`. rejected: `reasons` has every reason, the first one is `reason`.
    failed: an exception that says nothing about the image; `reason` names the stage, `error` the exception.
    """

    unit: int
    sample_key: str
    source_key: str
    uri: str
    sha256: str
    size: int
    role: Role
    split: Split
    task: str
    degradation: str
    variant: int
    severity: float
    curriculum: Curriculum = ""
    near_duplicate_of: str = ""
    verdict: Verdict
    reason: str = ""
    reasons: list[str] = Field(default_factory=list)
    error: str = ""
    shard: str = Field(default="", description="the shard's file name, empty unless accepted")
    scores: dict[str, float] = Field(default_factory=dict)
    answers: dict[str, str] = Field(default_factory=dict)
    filters: list[str] = Field(default_factory=list, description="which filters ran, as name=provider:version")
    unscored: list[str] = Field(
        default_factory=list,
        description="filters that failed on this row, with the error; the next run of the same command tries again",
    )
    trace: Trace | None = None
