"""How a degraded image was made: enough to make it again."""

from pydantic import Field

from schemas.record import JsonObject, Record


class Step(Record):
    """One degradation of a chain with its drawn parameters, as plain JSON."""

    degradation: str
    severity: float
    params: JsonObject


class Cue(Record):
    """A scene cue that the steps used (depth, masks) and the provider that computed it."""

    name: str
    provider: str
    version: str


class Trace(Record):
    """The history of one sample. `pipeline.replay` turns the source bytes and a trace into the same pixels."""

    sample_key: str
    source_sha256: str
    recipe_fingerprint: str
    code_version: str
    cues: list[Cue] = Field(default_factory=list)
    steps: list[Step] = Field(default_factory=list)
