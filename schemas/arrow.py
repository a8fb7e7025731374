"""Owns what a declared column is in Arrow; the only file of this room that imports pyarrow."""

import pyarrow as pa

from schemas.columns import Column, Kind, Table

TYPES: dict[Kind, pa.DataType] = {
    Kind.TEXT: pa.string(),
    Kind.COUNT: pa.int64(),
    Kind.MONEY: pa.decimal128(18, 6),
    Kind.AMOUNT: pa.decimal128(38, 6),
    Kind.RATIO: pa.float64(),
    Kind.FLAG: pa.bool_(),
    Kind.DAY: pa.date32(),
    Kind.LOCAL_TIME: pa.timestamp("us"),
    Kind.INSTANT: pa.timestamp("us", tz="UTC"),
    Kind.JSON: pa.string(),
    Kind.NUMBERS: pa.list_(pa.float64()),
}


_KINDS = {arrow: kind for kind, arrow in TYPES.items() if kind is not Kind.JSON}


def field(column: Column) -> pa.Field:
    """The column as an Arrow field that carries its comment, and its kind where Arrow has no type of its own for it."""
    kind = {"kind": column.kind.name} if column.kind is Kind.JSON else {}
    return pa.field(column.name, TYPES[column.kind], metadata={"comment": column.comment, **kind})


def columns_of(schema: pa.Schema) -> tuple[Column, ...]:
    """The columns that a schema made of `field`s declares; the meaning of each is its whole comment.

    Raises:
        KeyError: A type is not one of ours.
    """
    return tuple(Column(one.name, _kind_of(one), _told(one, b"comment")) for one in schema)


def _kind_of(found: pa.Field) -> Kind:
    named = _told(found, b"kind")
    if pa.types.is_list(found.type):  # read back from a file its element has another name, so the types differ
        return Kind.NUMBERS
    return Kind[named] if named else _KINDS[found.type]


def _told(found: pa.Field, name: bytes) -> str:
    told: bytes = (found.metadata or {}).get(name, b"")
    return told.decode()


def file_schema(table: Table) -> pa.Schema:
    """The schema of the table's files in the lake: without the partition columns."""
    return pa.schema([field(column) for column in table.in_files])


def whole_schema(table: Table) -> pa.Schema:
    """The schema of the table with its partition columns, as `_schema.arrow` holds it."""
    return pa.schema([field(column) for column in table.columns], metadata={"comment": table.meaning})
