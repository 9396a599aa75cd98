"""What became of a unit."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field, replace

from filters.looking import Spent
from pipeline.unit import Unit
from schemas.ledger import LedgerRow

#: Characters of a fault that a report carries.
_TOLD = 200


@dataclass(frozen=True)
class UnitReport:
    """What became of one unit: its number, rows by (verdict, first reason), by filter those that it failed on and the
    first fault, and what each filter was shown, by label.
    """

    unit: int
    counts: dict[tuple[str, str], int]
    unscored: dict[str, int] = field(default_factory=dict)
    faults: dict[str, str] = field(default_factory=dict)
    spent: dict[str, Spent] = field(default_factory=dict)

    @property
    def rows(self) -> int:
        return sum(self.counts.values())

    def to_bytes(self) -> bytes:
        spent = {label: asdict(one) for label, one in self.spent.items()}
        return json.dumps(
            [self.unit, [[*key, n] for key, n in self.counts.items()], self.unscored, self.faults, spent]
        ).encode()

    @classmethod
    def from_bytes(cls, data: bytes) -> UnitReport:
        unit, counts, unscored, faults, spent = json.loads(data)
        by_verdict = {(verdict, reason): n for verdict, reason, n in counts}
        return cls(unit, by_verdict, unscored, faults, {label: Spent(**one) for label, one in spent.items()})

    @classmethod
    def of_unit(cls, unit: Unit, spent: dict[str, Spent]) -> UnitReport:
        """The report of a unit whose items have been through all stages."""
        verdicts = ((item.verdict, item.failed or (item.reasons[0] if item.reasons else "")) for item in unit.items)
        report = cls._of(unit.number, verdicts, (fault for item in unit.items for fault in item.unscored))
        return replace(report, spent=spent)

    @classmethod
    def of_rows(cls, unit: int, rows: Iterable[LedgerRow]) -> UnitReport:
        """The report of a unit that ended as these ledger rows."""
        kept = list(rows)
        faults = (fault for row in kept for fault in row.unscored)
        return cls._of(unit, ((row.verdict, row.reason) for row in kept), faults)

    @classmethod
    def _of(cls, unit: int, verdicts: Iterable[tuple[str, str]], faults: Iterable[str]) -> UnitReport:
        told = list(faults)
        names = Counter(fault.partition(":")[0] for fault in told)
        first = {fault.partition(":")[0]: fault.partition(":")[2].strip()[:_TOLD] for fault in reversed(told)}
        return cls(unit, dict(Counter(verdicts)), dict(names), first)
