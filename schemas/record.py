"""The base of all records: a frozen pydantic model that knows its Arrow schema."""

from __future__ import annotations

import json
import types
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, Self, Union, get_args, get_origin

import pyarrow as pa
import pyarrow.parquet as pq
from pydantic import BaseModel, ConfigDict, PlainSerializer

_SCALARS: dict[type, pa.DataType] = {
    str: pa.string(),
    int: pa.int64(),
    float: pa.float64(),
    bool: pa.bool_(),
    bytes: pa.binary(),
}


def canonical_json(value: Any) -> str:
    """`value` as JSON text with sorted keys and no spaces: equal values give equal bytes."""
    return json.dumps(value, sort_keys=True, ensure_ascii=False, separators=(",", ":"), allow_nan=False)


#: A JSON object kept as one text column in Arrow.
JsonObject = Annotated[dict[str, Any], PlainSerializer(lambda value: value), "json"]


class Record(BaseModel):
    """A frozen row. Its Arrow schema is derived from its annotations, field by field.

    `str`, `int`, `float`, `bool`, `bytes` map to string, int64, float64, bool and binary; `X | None` to a nullable
    column; `list[X]` to a list; `dict[str, float]` to a map; `JsonObject` and nested records to JSON text.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=True)

    @classmethod
    def arrow_schema(cls) -> pa.Schema:
        """The Arrow schema of a table of these records."""
        return pa.schema(
            [
                pa.field(name, *_arrow_type(_annotation(field.annotation, field.metadata)))
                for name, field in cls.model_fields.items()
            ]
        )

    @classmethod
    def to_table(cls, rows: Iterable[Self]) -> pa.Table:
        """An Arrow table with one row a record, in the order given."""
        schema = cls.arrow_schema()
        dumped = [row.model_dump() for row in rows]
        columns = []
        for name, field in cls.model_fields.items():
            values = [row[name] for row in dumped]
            if _is_json(_annotation(field.annotation, field.metadata)):
                values = [None if value is None else canonical_json(value) for value in values]
            elif pa.types.is_map(schema.field(name).type):
                values = [sorted(value.items()) for value in values]
            columns.append(pa.array(values, type=schema.field(name).type))
        return pa.table(columns, schema=schema)

    @classmethod
    def from_table(cls, table: pa.Table) -> list[Self]:
        """The records of an Arrow table written by `to_table`."""
        json_fields = {
            name for name, field in cls.model_fields.items() if _is_json(_annotation(field.annotation, field.metadata))
        }
        map_fields = {name for name in table.column_names if pa.types.is_map(table.schema.field(name).type)}
        rows = []
        for row in table.to_pylist():
            for name in json_fields & row.keys():
                row[name] = None if row[name] is None else json.loads(row[name])
            for name in map_fields:
                row[name] = dict(row[name])
            rows.append(cls.model_validate(row))
        return rows

    @classmethod
    def read_parquet(cls, path: Path) -> list[Self]:
        """The records of one Parquet file."""
        return cls.from_table(pq.read_table(path))

    def to_json(self) -> str:
        """Canonical JSON text of the record."""
        return canonical_json(self.model_dump(mode="json"))


def _annotation(annotation: Any, metadata: list[Any]) -> Any:
    return Annotated[annotation, "json"] if "json" in metadata else annotation


def _is_json(annotation: Any) -> bool:
    inner, _ = _strip_optional(annotation)
    if get_origin(inner) is Annotated:
        return "json" in inner.__metadata__
    return isinstance(inner, type) and issubclass(inner, BaseModel)


def _strip_optional(annotation: Any) -> tuple[Any, bool]:
    if get_origin(annotation) in (Union, types.UnionType):
        inner = [arg for arg in get_args(annotation) if arg is not type(None)]
        if len(inner) != 1:
            raise TypeError(f"no Arrow type for {annotation!r}: a union of several types")
        return inner[0], True
    return annotation, False


def _arrow_type(annotation: Any) -> tuple[pa.DataType, bool]:
    inner, nullable = _strip_optional(annotation)
    if _is_json(inner):
        return pa.string(), nullable
    if get_origin(inner) is Annotated:
        inner = get_args(inner)[0]
    origin, args = get_origin(inner), get_args(inner)
    if origin is Literal:
        return pa.string(), nullable
    if origin in (list, tuple):
        return pa.list_(_arrow_type(args[0])[0]), nullable
    if origin in (dict, Mapping):
        return pa.map_(_arrow_type(args[0])[0], _arrow_type(args[1])[0]), nullable
    if inner in _SCALARS:
        return _SCALARS[inner], nullable
    raise TypeError(f"no Arrow type for {annotation!r}")
