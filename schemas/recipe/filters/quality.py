"""Optional learned metrics of clean targets."""

from schemas.recipe.section import Section


class QualitySection(Section):
    """pyiqa: names of no-reference metrics of pyiqa (musiq, topiq_nr, ...), each a score `quality.NAME`; pyiqa is not a
    dependency, because its licence forbids commercial use.
    aesthetic: safetensors file of a linear aesthetic head over the image features of `filters.semantics` with provider
    open_clip (LAION's form: weight (1, d), bias (1)); empty for none.
    """

    pyiqa: tuple[str, ...] = ()
    aesthetic: str = ""
