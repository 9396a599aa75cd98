import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from evaluation.ledger_summary import score_values, summarise
from schemas.errors import DatasetError
from schemas.ledger import LedgerRow
from tests.evaluation.conftest import row


def test_counts_equal_the_hand_made_ledger(ledger):
    summary = summarise(ledger)
    assert summary.total == 8
    assert summary.verdicts == {"accepted": 3, "rejected": 4, "failed": 1}
    assert summary.rejected_by_reason == {"pair.strength.low": 2, "duplicate": 1, "pair.psnr.high": 1}
    assert summary.rejected_by_any_reason == {
        "pair.psnr.high": 2,
        "pair.strength.low": 2,
        "duplicate": 1,
        "source.noise.high": 1,
    }
    assert summary.failed_by_stage == {"degrade": 1}
    assert summary.degradations == {
        "": {"accepted": 0, "rejected": 1, "failed": 0},
        "blur": {"accepted": 1, "rejected": 2, "failed": 0},
        "haze": {"accepted": 0, "rejected": 1, "failed": 1},
        "noise": {"accepted": 2, "rejected": 0, "failed": 0},
    }


def test_counts_come_most_frequent_first_then_by_name(ledger):
    summary = summarise(ledger)
    assert list(summary.rejected_by_reason) == ["pair.strength.low", "duplicate", "pair.psnr.high"]
    assert list(summary.counts()) == [
        *("total", "verdicts", "rejected_by_reason", "rejected_by_any_reason", "failed_by_stage", "degradations"),
        "dropped_total",
    ]


def test_dropped_rows_say_why_failed_ones_first(ledger):
    summary = summarise(ledger)
    assert [(one.name, one.verdict, one.reasons, one.error) for one in summary.dropped] == [
        ("6.jpg", "failed", ["degrade"], "ValueError: <b>no</b>"),
        ("a.tar#512+99/x/b.jpg", "rejected", ["duplicate"], ""),
        ("4.jpg", "rejected", ["pair.psnr.high"], ""),
        ("3.jpg", "rejected", ["pair.strength.low", "pair.psnr.high"], ""),
        ("5.jpg", "rejected", ["pair.strength.low", "source.noise.high"], ""),
    ]


def test_the_limit_holds_and_the_total_is_said(ledger):
    rows = [row(100 + i, verdict="rejected", reasons=("r",)) for i in range(300)]
    pq.write_table(LedgerRow.to_table(rows), ledger / "c.parquet")
    summary = summarise(ledger)
    assert (len(summary.dropped), summary.dropped_total) == (200, 305)


def test_a_later_decision_counts_instead_of_the_ledgers(ledger, tmp_path):
    decision = tmp_path / "decision.parquet"
    pq.write_table(
        pa.table(
            {
                "sample_key": [f"{0:016x}-0", f"{3:016x}-0"],
                "verdict": ["rejected", "accepted"],
                "reason": ["pair.psnr.low", ""],
                "reasons": pa.array([["pair.psnr.low"], []], pa.list_(pa.string())),
            }
        ),
        decision,
    )
    summary = summarise(ledger, decision)
    assert summary.verdicts == {"accepted": 3, "rejected": 4, "failed": 1}
    assert summary.rejected_by_reason == dict.fromkeys(
        ["duplicate", "pair.psnr.high", "pair.psnr.low", "pair.strength.low"], 1
    )
    assert score_values(ledger, "pair.psnr", decision)["blur"].accepted == [50.0]
    assert summarise(ledger).rejected_by_reason["pair.strength.low"] == 2


def test_score_values_by_degradation_are_finite_and_ascending(ledger):
    values = score_values(ledger, "pair.psnr")
    assert list(values) == ["blur", "haze", "noise"]
    assert (values["noise"].accepted, values["noise"].dropped, values["noise"].missing) == ([20.0, 30.0], [], 0)
    assert (values["blur"].accepted, values["blur"].dropped, values["blur"].missing) == ([], [48.0, 50.0], 1)
    assert (values["haze"].accepted, values["haze"].dropped, values["haze"].missing) == ([], [], 2)


def test_a_score_that_nobody_measured_is_missing_everywhere(ledger):
    assert [one.missing for one in score_values(ledger, "pair.lpips").values()] == [3, 2, 2]


def test_a_folder_without_parts_is_refused(tmp_path):
    with pytest.raises(DatasetError, match="no ledger part"):
        summarise(tmp_path)
