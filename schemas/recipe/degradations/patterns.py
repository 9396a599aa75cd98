"""Which pattern banks are used."""

from schemas.recipe.section import Section


class PatternsSection(Section):
    """A bank a kind: `embedded` (a small procedural one, made on first use) or the folder or object-store uri of one
    that `tarnish patterns build` wrote, or of photographs of patterns.
    """

    moire: str = "embedded"
    flare: str = "embedded"
    haze: str = "embedded"
    rain: str = "embedded"
    reflection: str = "embedded"
