"""What is kept of the pixels of a rejected sample."""

from schemas.record import Record


class Thumbnail(Record):
    """JPEG files of the degraded picture and the clean one, empty where there was none, at most 320 pixels a side."""

    sample_key: str
    degraded: bytes = b""
    clean: bytes = b""
