"""One declaration of a column drives Arrow, Parquet and DuckDB; its words are what a SQL client shows."""

from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from schemas.arrow import TYPES, file_schema, whole_schema
from schemas.columns import ORIGIN, Column, Kind, Table, as_data, from_data, merged

VALUES: dict[Kind, list[Any]] = {
    Kind.TEXT: ["émoji 😀 \"'\n", ""],
    Kind.COUNT: [9007199254740993, -(2**63)],
    Kind.MONEY: [Decimal("999999999999.999999"), Decimal("-0.000001")],
    Kind.AMOUNT: [Decimal("12345678901234567890123456789012.123456"), Decimal("0.000000")],
    Kind.RATIO: [0.1, -1e300],
    Kind.FLAG: [True, False],
    Kind.DAY: [date(2026, 2, 28), date(1970, 1, 5)],
    Kind.LOCAL_TIME: [datetime(2026, 11, 22, 23, 59, 59, 999999), datetime(1970, 1, 1)],  # noqa: DTZ001 - local time
    Kind.INSTANT: [datetime(2026, 11, 22, 4, 0, 0, 1, tzinfo=UTC), datetime(1969, 12, 31, 23, 59, 59, tzinfo=UTC)],
    Kind.JSON: ['{"a":12345678901234567890123}', "[]"],
    Kind.NUMBERS: [[100.0, None, 0.5], []],
}
DUCKDB_TYPES = {
    Kind.TEXT: "VARCHAR",
    Kind.COUNT: "BIGINT",
    Kind.MONEY: "DECIMAL(18,6)",
    Kind.AMOUNT: "DECIMAL(38,6)",
    Kind.RATIO: "DOUBLE",
    Kind.FLAG: "BOOLEAN",
    Kind.DAY: "DATE",
    Kind.LOCAL_TIME: "TIMESTAMP",
    Kind.INSTANT: "TIMESTAMP WITH TIME ZONE",
    Kind.JSON: "VARCHAR",
    Kind.NUMBERS: "DOUBLE[]",
}
"""What DuckDB takes a column of a Parquet file for."""
ID = Column("id", Kind.TEXT, "Object")
OWNER = Column("account_id", Kind.TEXT, "Ad account")
SPEND = Column("spend", Kind.MONEY, "Amount spent", "account currency", "docs", ("a", "spend"), quotient=True)


@pytest.mark.parametrize("kind", Kind, ids=lambda kind: kind.name)
def test_round_trip(kind: Kind, tmp_path: Path) -> None:
    """Every kind goes from Arrow through Parquet into a DuckDB column of its declared type and comes back the same."""
    path = tmp_path / "one.parquet"
    values = [*VALUES[kind], None]
    table = Table("one", "One column", (Column("cell", kind, "A cell"),), ("cell",))
    pq.write_table(pa.table([pa.array(values, TYPES[kind])], schema=file_schema(table)), path, compression="zstd")
    with duckdb.connect() as engine:
        engine.execute("SET TimeZone = 'UTC'")
        told = engine.execute("DESCRIBE SELECT * FROM read_parquet(?)", [str(path)]).fetchall()
        assert [row[:2] for row in told] == [("cell", DUCKDB_TYPES[kind])]
        engine.execute(f"CREATE TABLE one (cell {kind.value})")
        engine.execute("INSERT INTO one SELECT * FROM read_parquet(?)", [str(path)])
        assert [row[0] for row in engine.execute("SELECT cell FROM one").fetchall()] == values
    assert pq.read_table(path).column("cell").to_pylist() == values


def test_every_kind_has_a_type() -> None:
    """No kind lacks its type in Arrow."""
    assert TYPES.keys() == set(Kind)


def test_comment() -> None:
    """A comment is the meaning, with the unit where there is one; Arrow carries it."""
    assert (ID.comment, SPEND.comment) == ("Object", "Amount spent [account currency]")
    table = Table("ads", "Ads", (ID, SPEND), ("id",))
    assert file_schema(table).field("spend").metadata == {b"comment": b"Amount spent [account currency]"}
    assert whole_schema(table).metadata == {b"comment": b"Ads"}


def test_where() -> None:
    """A column lies where its path leads, by default at its own name."""
    assert (ID.where, SPEND.where) == (("id",), ("a", "spend"))


def test_partition() -> None:
    """The partition column stands in the whole schema and not in the files."""
    table = Table("ads", "Ads", (OWNER, ID, *ORIGIN), ("id",), ("account_id",))
    assert file_schema(table).names == ["id", "fetched_at", "run_id"]
    assert whole_schema(table).names == ["account_id", "id", "fetched_at", "run_id"]
    assert [column.name for column in table.without_origin()] == ["id"]
    assert table["id"] is ID
    assert ("id" in table, "name" in table) == (True, False)


@pytest.mark.parametrize(
    ("columns", "key", "partition", "says"),
    [
        ((ID, ID), ("id",), (), "table ads: declared twice ['id'], key without column []"),
        (
            (ID,),
            ("id", "day"),
            ("account_id",),
            "table ads: declared twice [], key without column ['account_id', 'day']",
        ),
    ],
)
def test_wrong_tables(columns: tuple[Column, ...], key: tuple[str, ...], partition: tuple[str, ...], says: str) -> None:
    """A table whose columns are declared twice, or whose key has no column, cannot be made."""
    with pytest.raises(ValueError, match=r"^table ads") as wrong:
        Table("ads", "Ads", columns, key, partition)
    assert str(wrong.value) == says


def test_merged() -> None:
    """The declared columns come first, those of older files after them, the origin last."""
    old, new = Column("old", Kind.COUNT, "Before"), Column("new", Kind.TEXT, "Now")
    assert merged((ID, old, *ORIGIN), (ID, new, *ORIGIN)) == (ID, new, old, *ORIGIN)
    assert merged((), (ID, *ORIGIN)) == (ID, *ORIGIN)
    again = Column("id", Kind.TEXT, "Said better")
    assert merged((ID, *ORIGIN), (again, *ORIGIN)) == (again, *ORIGIN)
    assert merged(merged((ID, old, *ORIGIN), (ID, *ORIGIN)), (ID, old, *ORIGIN)) == (ID, old, *ORIGIN)


def test_merged_of_another_kind() -> None:
    """A column that changed its kind is refused: old files could not be read beside new ones."""
    with pytest.raises(ValueError, match=r"^columns changed their type: id, spend$"):
        merged((ID, SPEND), (Column("spend", Kind.RATIO, "x"), Column("id", Kind.COUNT, "x")))


def test_as_data() -> None:
    """Columns survive being kept as plain data."""
    assert as_data([SPEND]) == [
        {
            "name": "spend",
            "kind": "MONEY",
            "meaning": "Amount spent",
            "unit": "account currency",
            "source": "docs",
            "path": ["a", "spend"],
            "quotient": True,
        }
    ]
    assert from_data(as_data([ID, SPEND, *ORIGIN])) == (ID, SPEND, *ORIGIN)
