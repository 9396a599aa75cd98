"""Why encoded bytes are no usable picture."""

from typing import Literal

DecodeReason = Literal[
    "decode.empty",
    "decode.not_an_image",
    "decode.truncated",
    "decode.too_many_pixels",
    "decode.animated",
    "decode.transparent",
    "decode.bad_profile",
    "decode.clip_frames",
    "decode.unsupported",
]


class DecodeError(Exception):
    """The bytes are no usable picture: `reason` is the ledger's, `message` says what was found.

    decode.empty: no bytes. decode.not_an_image: no known signature. decode.truncated: the file ends early.
    decode.too_many_pixels: the header announces more than allowed. decode.animated: several frames.
    decode.transparent: alpha below opaque somewhere. decode.bad_profile: an ICC profile that cannot be read or
    does not fit the channels. decode.clip_frames: a clip without a middle frame, or of too many.
    decode.unsupported: anything else (another format, damaged data, a sample type
    without a known white).
    """

    def __init__(self, reason: DecodeReason, message: str) -> None:
        super().__init__(reason, message)
        self.reason: DecodeReason = reason
        self.message = message

    def __str__(self) -> str:
        return f"{self.reason}: {self.message}"
