"""The name of a sample's pictures as they are, by which caches know them."""

from __future__ import annotations

from training.families.buckets import Size


def identity_of(key: str, digest: str, size: Size, mirrored: bool) -> str:
    """KEY-DIGEST/HxW/m0, m1 where mirrored. digest: of the encoded pictures."""
    return f"{key}-{digest}/{size.height}x{size.width}/m{mirrored:d}"
