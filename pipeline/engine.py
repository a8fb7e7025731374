"""Owns the in-memory engine that checks and sums up rows: one connection a thread, as opening one costs a while."""

import threading
from collections.abc import Sequence

import duckdb
import pyarrow as pa

_LOCAL = threading.local()


def ask(statement: str, values: Sequence[object] = (), **tables: pa.Table) -> list[tuple[object, ...]]:
    """Runs one statement, with the values of its parameters, over Arrow tables, each under its name; writes no file."""
    connection: duckdb.DuckDBPyConnection | None = getattr(_LOCAL, "connection", None)
    if connection is None:
        connection = _LOCAL.connection = duckdb.connect(config={"threads": 1})
    for name, table in tables.items():
        connection.register(name, table)
    try:
        return connection.execute(statement, list(values)).fetchall()
    finally:
        for name in tables:
            connection.unregister(name)
