"""Owns which objects of an account are known to the lake: candidates for a question that must be divided.

They need not be complete or fresh (`connectors/ads_insights/ladder.py`).
"""

import json

from connectors.ads_insights.ladder import Narrowing
from pipeline import engine
from pipeline.lake import Lake, path_of
from pipeline.sql_text import name
from schemas.ad_objects import OBJECT_TABLES
from schemas.columns import Table
from schemas.reports import Filter
from schemas.work import current_place


def landed_ids(lake: Lake, account: str, level: str, within: Narrowing) -> tuple[str, ...]:
    """The ids of a level's objects that a narrowing lets through, as far as its filters speak of them."""
    table = OBJECT_TABLES[f"{level}s"].table
    path = lake.root / path_of(table.name, current_place("account_id", account))
    if not path.exists():
        return ()
    conditions = [(column, entry) for entry in within.filters if (column := _column(table, level, entry)) is not None]
    where = " AND ".join(["true", *(_condition(column, entry) for column, entry in conditions)])
    statement = f"SELECT id FROM read_parquet(?) WHERE {where} ORDER BY id"  # noqa: S608 - declared names
    found = engine.ask(statement, [[str(path)], *(json.loads(entry.value) for _, entry in conditions)])
    return tuple(str(row[0]) for row in found)


def _column(table: Table, level: str, entry: Filter) -> str | None:
    """The column that a filter on ids speaks of; None if the table has none, as ads know nothing of creatives' sets."""
    owner = entry.field.removesuffix(".id")
    column = "id" if owner == level else f"{owner}_id"
    return column if column in table else None


def _condition(column: str, entry: Filter) -> str:
    negation = "NOT " if entry.operator == "NOT_IN" else ""
    return f"{negation}list_contains(?::VARCHAR[], {name(column)})"
