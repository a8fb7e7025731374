"""Owns the in-memory engine that checks and sums up rows: one connection a thread, as opening one costs a while."""

import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

import duckdb
import pyarrow as pa

_LOCAL = threading.local()


def read(statement: str, values: Sequence[object] = (), **tables: pa.Table) -> pa.Table:
    """As `ask`; the rows as an Arrow table."""
    with _registered(tables) as connection:
        return connection.execute(statement, list(values)).to_arrow_table()


def ask(statement: str, values: Sequence[object] = (), **tables: pa.Table) -> list[tuple[object, ...]]:
    """Runs one statement, with the values of its parameters, over Arrow tables, each under its name; writes no file."""
    with _registered(tables) as connection:
        return connection.execute(statement, list(values)).fetchall()


@contextmanager
def _registered(tables: Mapping[str, pa.Table]) -> Iterator[duckdb.DuckDBPyConnection]:
    connection: duckdb.DuckDBPyConnection | None = getattr(_LOCAL, "connection", None)
    if connection is None:
        connection = _LOCAL.connection = duckdb.connect(config={"threads": 1})
    for name, table in tables.items():
        connection.register(name, table)
    try:
        yield connection
    finally:
        for name in tables:
            connection.unregister(name)
