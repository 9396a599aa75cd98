"""Reading the answers of a model strictly: what is not in the form asked for is nothing, never a guess."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

#: Changes when the same text is read differently.
READER = "1"

# Emphasis, bullets and quotes of Markdown around a line are no part of what it says.
_BEFORE, _AFTER = r"[ \t*_`#>-]*", r"[ \t*_`]*"


@dataclass(frozen=True)
class Answer:
    """text: as the model gave it. finished: False when it was cut off at the most tokens allowed."""

    text: str
    finished: bool = True


def read_score(answer: Answer) -> dict[str, float] | None:
    """{"judge.degradation": 1.0 to 5.0}, from lines "Degradation Score: N"; other lines may stand around them.

    None when no such line is there, one has anything but a whole number from 1 to 5, two differ, or the answer was cut
    off.
    """
    value = _value(answer, "Degradation Score", "<?([1-5])>?")
    return None if value is None else {"judge.degradation": float(value)}


def read_checks(answer: Answer, checks: Iterable[tuple[str, str]]) -> dict[str, float] | None:
    """{score: 0.0 (no) or 1.0 (yes)} for each (score, label), from lines "LABEL: yes" or "LABEL: no".

    None when any of the lines is missing, says anything else or contradicts another, or the answer was cut off.
    """
    found = {score: _value(answer, label, "(yes|no)") for score, label in checks}
    if None in found.values():
        return None
    return {score: float(value == "yes") for score, value in found.items()}


def _value(answer: Answer, label: str, form: str) -> str | None:
    """What follows `label:`, in lower case, if it is there and has the form wherever it is there, always the same."""
    if not answer.finished:
        return None
    mark = rf"(?<!\w){label.replace(' ', '[ _]')}{_AFTER}[:：]"
    values = re.findall(rf"^{_BEFORE}{mark}{_AFTER}{form}{_AFTER}\.?{_AFTER}\r?$", answer.text, re.I | re.M)
    if len(values) != len(re.findall(mark, answer.text, re.I)):
        return None
    told = {value.lower() for value in values}
    return told.pop() if len(told) == 1 else None
