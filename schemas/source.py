"""Where a sample comes from."""

from typing import Literal

from pydantic import Field

from schemas.record import Record

Role = Literal["synthetic", "real"]
#: What a photograph shows, where the recipe says so.
Subject = Literal["", "portrait", "scene"]
#: train: learned from; validation: chooses the checkpoint; heldout: measured once, at the end.
Split = Literal["train", "validation", "heldout"]


class SourceImage(Record):
    """One encoded image of the source set, as the manifest lists it: one row an input, good or bad.

    `clean_format` is the extension that its clean target will have: that of its own bytes when they can be kept.
    `perceptual_hash` is a 64-bit DCT hash in hex, empty when the bytes cannot be decoded at all.
    `duplicate_ordinal` is 0 for the first input with these bytes and counts up for later ones.
    `near_duplicate_distance` is the smallest Hamming distance (0-64 bits) between this image's perceptual hash and an
    earlier image's; 64 when there is none within the search radius.
    `embedding` is float16, of unit length, empty where the recipe wants none; `similarity` is its largest cosine (0-1)
    with an earlier image's, which is the image `similar_to`; 0 when there is none.
    `leak` tells which benchmark picture the image is and how that is known; empty for none.
    """

    key: str = Field(description="first 16 hex digits of the sha256 of the bytes; of the uri if unreadable")
    uri: str
    sha256: str = Field(description="empty if the bytes could not be read")
    size: int = Field(description="bytes; -1 if they could not be read")
    role: Role = "synthetic"
    subject: Subject = ""
    degradation: str = Field(default="", description="what a real photograph is known to show")
    error: str = Field(default="", description="why the bytes could not be read")
    clean_format: str = Field(default="", description="jpg, png or webp; empty when it cannot be decoded")
    frames: int = Field(default=1, description="of a clip; 1 for a picture")
    perceptual_hash: str = ""
    duplicate_ordinal: int = 0
    near_duplicate_of: str = ""
    near_duplicate_distance: int = 64
    embedding: bytes = b""
    similar_to: str = ""
    similarity: float = 0.0
    leak: str = ""
    split: Split = "train"
