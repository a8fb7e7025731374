"""Owns the quick path of hourly files: DuckDB reads a stretch of lines at once, strictly; None where care is needed."""

from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.compute as pc

from pipeline import engine
from pipeline import sql_text as sql
from pipeline.normalise import hourly_probe
from schemas.arrow import TYPES
from schemas.brand_safety import LINE
from schemas.columns import Kind

KEY = "impression_id"
_READ_AS = {Kind.TEXT: "VARCHAR", Kind.COUNT: "JSON"}
"""A number is taken as it is spelt: as BIGINT 1.5 would be rounded in silence, and "7" be a number."""
_COLUMNS = ", ".join(f"{sql.text(column.name)}: {sql.text(_READ_AS[column.kind])}" for column in LINE)
_STATEMENT = f"SELECT * FROM read_json(?, format = 'newline_delimited', auto_detect = false, columns = {{{_COLUMNS}}})"  # noqa: S608 - declared names


def read(text: memoryview, lines: int, scratch: Path) -> dict[str, pa.Array] | None:
    """The typed columns of so many lines; None unless every value of every line is proven to stand there as sent.

    `scratch` is where the text lies meanwhile.
    """
    probe = hourly_probe.probed(bytes(text))
    if not probe.plain:
        return None
    try:
        scratch.write_bytes(text)
        found = engine.read(_STATEMENT, [str(scratch)]).combine_chunks()
        cells = {column.name: _typed(found.column(column.name), column.kind) for column in LINE}
    except (duckdb.Error, pa.ArrowInvalid):
        return None
    finally:
        scratch.unlink(missing_ok=True)
    if found.num_rows != lines or cells[KEY].null_count:
        return None
    values = {kind: sum(lines - cells[c.name].null_count for c in LINE if c.kind is kind) for kind in _READ_AS}
    return cells if probe.proves(values[Kind.TEXT], values[Kind.COUNT]) else None


def _typed(texts: pa.ChunkedArray, kind: Kind) -> pa.Array:
    """Refuses, by `ArrowInvalid`, whatever is not a bare whole number that fits."""
    whole = texts.combine_chunks()
    return whole if kind is Kind.TEXT else pc.cast(whole, TYPES[kind])
