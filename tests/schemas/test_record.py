"""Records: frozen, with an Arrow schema derived from the annotations, lossless both ways."""

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from schemas.ledger import LedgerRow
from schemas.plan import PlanRow
from schemas.record import Record, canonical_json
from schemas.scores import Scores
from schemas.shard import ShardIndexRow
from schemas.source import SourceImage
from schemas.trace import Cue, Step, Trace

json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)  # fmt: skip
traces = st.builds(
    Trace,
    sample_key=st.text(max_size=10),
    source_sha256=st.text(max_size=10),
    recipe_fingerprint=st.text(max_size=10),
    code_version=st.text(max_size=5),
    cues=st.lists(st.builds(Cue, name=st.text(), provider=st.text(), version=st.text()), max_size=2),
    steps=st.lists(
        st.builds(
            Step,
            degradation=st.text(max_size=10),
            severity=st.floats(0, 1),
            params=st.dictionaries(st.text(max_size=5), json_values, max_size=4),
        ),
        max_size=3,
    ),
)


@given(traces)
def test_a_trace_survives_json(trace):
    assert Trace.model_validate_json(trace.to_json()) == trace


@given(st.none() | traces, st.dictionaries(st.text(max_size=6), st.floats(allow_nan=False), max_size=4))
def test_a_ledger_row_survives_arrow(trace, scores):
    row = LedgerRow(
        unit=3, sample_key="k", source_key="s", uri="/a", sha256="0", size=1, role="synthetic", split="train",
        task="noise", degradation="noise", variant=0, severity=0.5, verdict="rejected", reason="a.low",
        reasons=["a.low", "b.high"], scores=scores, answers={"q": "a"}, trace=trace,
    )  # fmt: skip
    table = LedgerRow.to_table([row, row])
    assert table.schema == LedgerRow.arrow_schema()
    assert LedgerRow.from_table(table) == [row, row]


@pytest.mark.parametrize("record", [LedgerRow, PlanRow, ShardIndexRow, SourceImage, Trace, Scores])
def test_every_record_has_an_arrow_schema_with_its_fields(record):
    assert record.arrow_schema().names == list(record.model_fields)


def test_arrow_types_follow_the_annotations():
    class Example(Record):
        a: int
        b: float | None
        c: list[str]
        d: dict[str, float]

    schema = Example.arrow_schema()
    assert schema.field("a").type == pa.int64() and not schema.field("a").nullable
    assert schema.field("b").type == pa.float64() and schema.field("b").nullable
    assert schema.field("c").type == pa.list_(pa.string())
    assert schema.field("d").type == pa.map_(pa.string(), pa.float64())


def test_records_are_frozen_and_refuse_unknown_fields():
    cue = Cue(name="depth", provider="prior", version="1")
    with pytest.raises(ValidationError):
        cue.name = "masks"
    with pytest.raises(ValidationError):
        Cue(name="depth", provider="prior", version="1", extra=1)


def test_canonical_json_is_one_text_for_equal_values():
    assert canonical_json({"b": 1, "a": "é"}) == '{"a":"é","b":1}'
