"""What the filters measured, before anybody decides."""

from pydantic import Field

from schemas.record import Record


class Scores(Record):
    """Scores of one sample by name (`source.sharpness`, `pair.psnr`) and raw answers of models kept as text."""

    values: dict[str, float] = Field(default_factory=dict)
    answers: dict[str, str] = Field(default_factory=dict)
