"""What people decided about samples."""

from typing import Literal

from schemas.record import Record


class ReviewRow(Record):
    """One person's decision about one sample; `note` says why, in their words. `withdraw` takes back an earlier one."""

    sample_key: str
    decision: Literal["accept", "reject", "withdraw"]
    reviewer: str = ""
    note: str = ""
