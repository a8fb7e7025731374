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


def field(column: Column) -> pa.Field:
    """The column as an Arrow field that carries its comment."""
    return pa.field(column.name, TYPES[column.kind], metadata={"comment": column.comment})


def file_schema(table: Table) -> pa.Schema:
    """The schema of the table's files in the lake: without the partition columns."""
    return pa.schema([field(column) for column in table.in_files])


def whole_schema(table: Table) -> pa.Schema:
    """The schema of the table with its partition columns, as `_schema.arrow` holds it."""
    return pa.schema([field(column) for column in table.columns], metadata={"comment": table.meaning})
