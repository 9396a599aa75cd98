"""A picture that must never enter training."""

from pydantic import Field

from schemas.record import Record


class BenchmarkImage(Record):
    """What the leak check knows of one picture of a benchmark.

    `hashes` are perceptual hashes in hex, of the picture and of its mirror image; `embeddings` are float16, of the
    picture and of crops of it, none where the recipe wants none. `error` tells why it could not be read.
    """

    uri: str
    sha256: str = ""
    hashes: list[str] = Field(default_factory=list)
    embeddings: list[bytes] = Field(default_factory=list)
    error: str = ""
