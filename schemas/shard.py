"""The index of a shard: where each member of each sample lies in the tar."""

from schemas.curriculum import Curriculum
from schemas.record import Record
from schemas.source import Role, Split


class ShardIndexRow(Record):
    """One member of one sample. `offset` and `size` are bytes of the member's data in the tar file."""

    shard: str
    key: str
    member: str
    offset: int
    size: int
    sha256: str
    task: str
    degradation: str
    severity: float
    curriculum: Curriculum = ""
    role: Role
    split: Split
