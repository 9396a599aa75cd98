"""The index of a shard: where each member of each sample lies in the tar."""

from schemas.curriculum import Curriculum
from schemas.record import Record
from schemas.source import Role, Split


class ShardIndexRow(Record):
    """One member of one sample. `offset` and `size` are bytes of the member's data in the tar file; `width` and
    `height` are pixels as stored, 0 for what is no picture and in indices of earlier versions.
    """

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
    width: int = 0
    height: int = 0
