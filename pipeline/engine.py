"""Owns the in-memory engine that checks and sums up rows: one connection a thread, as opening one costs a while."""

import threading

import duckdb
import pyarrow as pa

_LOCAL = threading.local()


def ask(statement: str, **tables: pa.Table) -> list[tuple[object, ...]]:
    """Runs one statement over Arrow tables, each under its name; never touches a file."""
    connection: duckdb.DuckDBPyConnection | None = getattr(_LOCAL, "connection", None)
    if connection is None:
        connection = _LOCAL.connection = duckdb.connect(config={"threads": 1})
    for name, table in tables.items():
        connection.register(name, table)
    try:
        return connection.execute(statement).fetchall()
    finally:
        for name in tables:
            connection.unregister(name)
