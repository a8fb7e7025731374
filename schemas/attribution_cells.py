"""Owns what the cells of a report's rows are called and what kind they have: from its definition and its columns. Pure.

The shape of rows is not published (graph-api.md 9, row 8): a row may be keyed by a column's key or by its name, and an
attribution column gives one figure for each metric, keyed by something that begins with it.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from schemas.attribution_columns import ATTRIBUTION, is_metric, metrics_of
from schemas.columns import Kind

OWN = ("report_run_id", "row_number", "date_start", "date_stop", "fetched_at", "run_id")
"""The columns that the view of every report has; no cell takes their names."""
DAYS = frozenset({"date", "day"})
"""Columns that show a day. No page names one: the pair is ours."""
_NOT_PLAIN = re.compile(r"[^a-z0-9]+")
_QUOTIENT = re.compile(r"(^|_)(per|frequency|rate)(_|$)")


@dataclass(frozen=True, slots=True)
class Cell:
    """One cell of a report's rows: the name that its view gives it, its kind, what the file calls it."""

    name: str
    kind: Kind
    label: str
    quotient: bool = False


def cells(labels: Iterable[str], wanted: Sequence[Mapping[str, Any]], there: Iterable[Mapping[str, Any]]) -> list[Cell]:
    """The cells of rows with these labels, in their order: figures are AMOUNT, days are DAY, all else is text.

    `wanted` are the definition's columns, `there` those of the line of business; unknown ones are text.
    """
    catalogue = {str(column["key"]): column for column in there}
    said = ({name: part for name, part in column.items() if part not in ("", None)} for column in wanted)
    known = [{**catalogue.get(str(column.get("key")), {}), **column} for column in said]
    found: list[Cell] = []
    taken = {*OWN}
    for label in labels:
        column = _column_of(label, known)
        plain = str(column["key"]) if column and column.get("category") != ATTRIBUTION else label
        name = _free(_plain(plain) or f"column_{len(found) + 1}", taken)
        kind = _kind(column)
        found.append(Cell(name, kind, label, quotient=_QUOTIENT.search(name) is not None))
        taken.add(name)
    return found


def _column_of(label: str, known: Sequence[Mapping[str, Any]]) -> Mapping[str, Any] | None:
    for column in known:
        if label in {column.get("key"), column.get("name")}:
            return column
    attribution = (column for column in known if column.get("category") == ATTRIBUTION or metrics_of(column))
    begun = [column for column in attribution if label.startswith((str(column.get("key")), column.get("name") or "\0"))]
    return max(begun, key=lambda column: len(str(column.get("key"))), default=None)


def _kind(column: Mapping[str, Any] | None) -> Kind:
    if column is None:
        return Kind.TEXT
    if is_metric(column):
        return Kind.AMOUNT
    return Kind.DAY if column.get("key") in DAYS else Kind.TEXT


def _plain(label: str) -> str:
    """A label as a name that SQL needs not quote; '' if nothing is left of it."""
    name = _NOT_PLAIN.sub("_", label.lower()).strip("_")
    return f"column_{name}" if name[:1].isdigit() else name


def _free(name: str, taken: Iterable[str]) -> str:
    """The name, or the first of `name_2`, `name_3` that is not taken."""
    there, number, free = set(taken), 1, name
    while free in there:
        number += 1
        free = f"{name}_{number}"
    return free
