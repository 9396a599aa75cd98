"""One row of the plan: what one sample will be."""

from schemas.curriculum import Curriculum
from schemas.record import Record
from schemas.source import Role, Split


class PlanRow(Record):
    """One input of the pipeline: a source, a degradation or chain, and a variant. It ends as exactly one ledger row.

    `curriculum` is what the degradation makes of it: single, multiple or high-order; empty where there is none, and in
    plans older than the column.

    `partner_uri` and `partner_sha256` name another photograph of the same split that a reflection mirrors, if any.

    `exclusion` names the reason when the row was settled while planning (an exact duplicate, an unreadable file, a
    picture of a benchmark): such a row goes straight to the ledger.
    """

    unit: int
    sample_key: str
    source_key: str
    uri: str
    sha256: str
    size: int
    role: Role
    split: Split
    degradation: str
    variant: int
    severity: float
    curriculum: Curriculum = ""
    partner_uri: str = ""
    partner_sha256: str = ""
    near_duplicate_of: str = ""
    near_duplicate_distance: int = 64
    similar_to: str = ""
    similarity: float = 0.0
    exclusion: str = ""
    exclusion_error: str = ""
