"""The JSON members of a sample."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from filters.policy import LIKENESS
from schemas.ledger import LedgerRow
from schemas.plan import PlanRow
from schemas.record import canonical_json
from schemas.tasks import TASKS
from schemas.text import TextRow
from schemas.trace import Trace


def describe(row: PlanRow | LedgerRow, task: str, scores: Mapping[str, float], trace: Trace) -> bytes:
    """`KEY.json`: task, prompts in English and Chinese, severity, scores (null where not a number) and trace.

    Scores against other sources are left to the ledger: a sample depends on its own bytes alone.
    """
    prompts = TASKS[task]
    description = {
        "key": row.sample_key,
        "task": task,
        "degradation": row.degradation,
        "severity": row.severity,
        "curriculum": row.curriculum,
        "role": row.role,
        "prompts": {"en": prompts.en, "zh": prompts.zh},
        "scores": {
            name: None if math.isnan(value) else value for name, value in scores.items() if name not in LIKENESS
        },
        "trace": trace.model_dump(mode="json"),
    }
    return canonical_json(description).encode()


def text_member(texts: Sequence[TextRow]) -> dict[str, bytes]:
    """`KEY.text.json`, a list of texts without the key; nothing where there are none."""
    if not texts:
        return {}
    return {"text.json": canonical_json([text.model_dump(exclude={"sample_key"}) for text in texts]).encode()}
