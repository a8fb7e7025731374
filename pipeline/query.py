"""Owns how a question in SQL is answered from the published warehouse, read-only, and how the answer is shown."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any
from unicodedata import combining, east_asian_width

import duckdb

from pipeline.errors import Store, Usage

MOST_SHOWN = 200
"""Rows that a terminal is shown; `--json` gives all."""


@dataclass(frozen=True, slots=True)
class Answer:
    """The columns and rows of a result."""

    columns: tuple[str, ...]
    rows: list[tuple[Any, ...]]


def ask(warehouse: Path, sql: str, parameters: Sequence[object] = ()) -> Answer:
    """Runs SQL on the warehouse; `parameters` stand for its question marks.

    Raises:
        Store: There is no warehouse, or it cannot be read.
        Usage: The SQL is wrong, or wants to write.
    """
    if not warehouse.exists():
        raise Store(f"warehouse {warehouse}: nothing is published yet; run `insights load` first")
    try:
        connection = duckdb.connect(str(warehouse), read_only=True)
    except duckdb.Error as error:
        raise Store(f"warehouse {warehouse}: cannot be read ({error}); run `insights publish`") from error
    with connection:
        try:
            connection.execute(sql, parameters)
            columns = tuple(column[0] for column in connection.description or ())
            return Answer(columns, connection.fetchall() if columns else [])
        except duckdb.Error as error:
            raise Usage(f"query: {error}") from error


def as_data(answer: Answer) -> dict[str, Any]:
    """The answer as JSON: exact numbers stay exact as text where JSON's would not be."""
    rows = [[_json(value) for value in row] for row in answer.rows]
    return {"columns": list(answer.columns), "rows": rows}


def as_text(answer: Answer) -> str:
    """The answer as a table for a terminal."""
    shown = [[_text(value) for value in row] for row in answer.rows[:MOST_SHOWN]]
    widths = [max([_cells(name), *(_cells(row[i]) for row in shown)]) for i, name in enumerate(answer.columns)]
    numeric = [all(isinstance(row[i], int | float | Decimal | None) for row in answer.rows) for i in range(len(widths))]
    lines = ["  ".join(_padded(name, width) for name, width in zip(answer.columns, widths, strict=True)).rstrip()]
    lines.append("  ".join("-" * width for width in widths))
    for row in shown:
        cells = [_padded(text, width, right=right) for text, width, right in zip(row, widths, numeric, strict=True)]
        lines.append("  ".join(cells).rstrip())
    if len(answer.rows) > MOST_SHOWN:
        lines.append(f"... {len(answer.rows) - MOST_SHOWN:,} more rows; --json gives all of them")
    return "\n".join(lines)


def _cells(text: str) -> int:
    """How many cells of a terminal a text takes: wide letters two, marks on top of others none."""
    return sum(0 if combining(letter) else 2 if east_asian_width(letter) in "WF" else 1 for letter in text)


def _padded(text: str, width: int, *, right: bool = False) -> str:
    """The text in as many cells of a terminal; some letters take two."""
    gap = " " * (width - _cells(text))
    return gap + text if right else text + gap


def _json(value: Any) -> Any:
    if isinstance(value, Decimal):
        return str(value)
    if isinstance(value, datetime | date):
        return value.isoformat()
    if isinstance(value, list | tuple):
        return [_json(part) for part in value]
    if isinstance(value, dict):
        return {str(key): _json(part) for key, part in value.items()}
    return value if value is None or isinstance(value, str | int | float | bool) else str(value)


def _text(value: Any) -> str:
    return "" if value is None else str(value).replace("\n", "\\n")
