"""What a trace knows about a degraded picture."""

from __future__ import annotations

from collections.abc import Sequence

from pipeline.text.fact import Fact, family_of
from pipeline.text.steps import facts_of_step
from schemas.trace import Trace


def facts_of(trace: Trace) -> list[Fact]:
    """What the steps of `trace` did, in their order.

    A distortion made twice is one fact, at its last step, of the greater severity. What came along with a step is left
    out where a step of its own made the same.
    """
    return _merged([fact for step in trace.steps for fact in facts_of_step(step)])


def recognised_facts(recognised: Sequence[tuple[str, float | None]]) -> list[Fact]:
    """Facts of a photograph without a trace: the degradations recognised in it, with severities in [0, 1] or None.

    Raises ValueError for a degradation that has no generic kind.
    """
    facts = []
    for degradation, severity in recognised:
        if degradation not in GENERIC:
            raise ValueError(f"no text for the recognised degradation {degradation!r}; known: {', '.join(GENERIC)}")
        facts.append(Fact(degradation, (GENERIC[degradation],), severity))
    return _merged(facts)


#: The kind of a degradation of which nothing but the name is known.
GENERIC = {
    name: f"{name}.{name}"
    for name in ("noise", "blur", "compression", "haze", "lowlight", "rain", "flare", "moire", "reflection")
}


def _merged(facts: list[Fact]) -> list[Fact]:
    own = {family_of(kind) for fact in facts if not fact.minor for kind in fact.kinds}
    kept: dict[tuple[str, ...], Fact] = {}
    for fact in facts:
        if fact.minor and family_of(fact.kinds[0]) in own:
            continue
        before = kept.pop(fact.kinds, None)
        stronger = before is not None and (before.severity or 0.0) > (fact.severity or 0.0)
        kept[fact.kinds] = before if before is not None and stronger else fact
    return list(kept.values())
