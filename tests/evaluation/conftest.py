"""A ledger made by hand."""

import pyarrow.parquet as pq
import pytest

from schemas.ledger import LedgerRow


def row(number, degradation="noise", verdict="accepted", reasons=(), error="", scores=None, uri=None):
    key = f"{number:016x}"
    return LedgerRow(
        unit=number // 4,
        sample_key=f"{key}-0",
        source_key=key,
        uri=uri if uri is not None else f"/photos/{number}.jpg",
        sha256="0" * 64,
        size=1,
        role="synthetic",
        split="train",
        task=degradation,
        degradation=degradation,
        variant=0,
        severity=0.5,
        verdict=verdict,
        reason=reasons[0] if reasons else "",
        reasons=list(reasons) if verdict == "rejected" else [],
        error=error,
        scores=scores or {},
    )


ROWS = [
    row(0, scores={"pair.psnr": 30.0}),
    row(1, scores={"pair.psnr": 20.0}),
    row(2, "blur", scores={"pair.psnr": float("inf")}),
    row(3, "blur", "rejected", ("pair.strength.low", "pair.psnr.high"), scores={"pair.psnr": 50.0}),
    row(4, "blur", "rejected", ("pair.psnr.high",), scores={"pair.psnr": 48.0}),
    row(5, "haze", "rejected", ("pair.strength.low", "source.noise.high")),
    row(6, "haze", "failed", ("degrade",), error="ValueError: <b>no</b>"),
    row(7, "", "rejected", ("duplicate",), uri="tar:/data/a.tar#512+99/x/b.jpg"),
]


@pytest.fixture
def ledger(tmp_path):
    folder = tmp_path / "set [1]" / "ledger"
    folder.mkdir(parents=True)
    pq.write_table(LedgerRow.to_table(ROWS[:3]), folder / "b.parquet")
    pq.write_table(LedgerRow.to_table(ROWS[3:]), folder / "a.parquet")
    return folder
