"""What the warehouse must hold, from the sandbox's truth, by code that shares nothing with the product's typing."""

import json
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, date, datetime
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Any

from schemas.ad_objects import OBJECT_TABLES
from schemas.ads_insights import tables_of
from schemas.columns import Column, Kind, Table
from schemas.insights_fields import FIELDS, Shape
from schemas.reports import Report

Row = dict[str, Any]
SIX = Decimal("0.000001")
ASIDE = {"fetched_at", "run_id"}
READ: dict[Kind, Callable[[str], Any]] = {
    Kind.TEXT: str,
    Kind.COUNT: int,
    Kind.MONEY: lambda text: Decimal(text).quantize(SIX, ROUND_HALF_EVEN),
    Kind.AMOUNT: lambda text: Decimal(text).quantize(SIX, ROUND_HALF_EVEN),
    Kind.RATIO: float,
    Kind.DAY: date.fromisoformat,
    Kind.INSTANT: lambda text: datetime.fromisoformat(text).astimezone(UTC),
    Kind.FLAG: lambda text: text in {"True", "true", "1"},
}


def expected_value(text: Any, kind: Kind) -> Any:
    """One cell as the warehouse must give it."""
    if text is None:
        return None
    if kind is Kind.JSON:
        return canonical(text)
    if isinstance(text, dict):  # an asset: its key is its id, else its hash, else its video (interface 3)
        text = next(text[name] for name in ("id", "hash", "video_id") if name in text)
    return READ[kind](str(text))


def canonical(value: Any) -> str:
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def as_found(row: Mapping[str, Any], table: Table) -> Row:
    """A row of the warehouse, comparable."""
    found: Row = {}
    for name, value in row.items():
        if name in ASIDE:
            continue
        if value is not None and table[name].kind is Kind.JSON:
            found[name] = canonical(json.loads(value))
        else:
            found[name] = value.astimezone(UTC) if isinstance(value, datetime) else value
    return found


def keyed(rows: Iterable[Row], table: Table) -> dict[tuple[Any, ...], Row]:
    """Rows by key; two rows with one key are a fault by themselves."""
    found: dict[tuple[Any, ...], Row] = {}
    for row in rows:
        key = tuple(row[name] for name in table.key)
        assert key not in found, f"{table.name}: {key} twice"
        found[key] = row
    return found


def expected_facts(report: Report, truth: Sequence[Row]) -> list[Row]:
    """The rows of the facts table."""
    table = tables_of(report).facts
    return [_cells(row, table, report.breakdowns) for row in truth]


def _cells(row: Row, table: Table, empty: Iterable[str]) -> Row:
    cells = {}
    for column in table.columns:
        if column.name in ASIDE:
            continue
        value = row.get(column.where[0])
        if value is None and column.name in empty:
            value = ""
        cells[column.name] = expected_value(value, column.kind) if column.name != "extra" else None
    return cells


def expected_actions(report: Report, truth: Sequence[Row]) -> list[Row]:
    """The rows of the actions table."""
    table = tables_of(report).actions
    if table is None:
        return []
    found = []
    for row in truth:
        for name in (f.name for f in report.having(Shape.ACTIONS, Shape.HISTOGRAM)):
            seen: Counter[tuple[str, ...]] = Counter()
            for element in row.get(name) or []:
                split = tuple(str(element.get(part, "")) for part in report.action_breakdowns)
                found.append(_action(report, table, row, name, element, seen[split]))
                seen[split] += 1
    return found


def _action(report: Report, table: Table, row: Row, metric: str, element: Row, ordinal: int) -> Row:
    cells: Row = {}
    histogram = FIELDS[metric].shape is Shape.HISTOGRAM
    for column in table.columns:
        if column.name in ASIDE:
            continue
        cells[column.name] = _action_cell(report, column, row, element, histogram=histogram)
    known = {"value", *report.action_breakdowns, *report.action_attribution_windows}
    unknown = {name: value for name, value in element.items() if name not in known}
    return {**cells, "metric": metric, "ordinal": ordinal, "extra": canonical(unknown) if unknown else None}


def _action_cell(report: Report, column: Column, row: Row, element: Row, *, histogram: bool) -> Any:
    if column.name == "histogram":
        return [float(part) for part in element["value"]] if histogram else None
    if column.name == "value" or column.name.startswith("value_"):
        return None if histogram else expected_value(element.get(column.where[0]), column.kind)
    if column.name in report.action_breakdowns:
        return str(element.get(column.name, ""))
    value = row.get(column.name)
    return expected_value("" if value is None and column.name in report.breakdowns else value, column.kind)


def expected_results(report: Report, truth: Sequence[Row]) -> list[Row]:
    """The rows of the results table."""
    table = tables_of(report).results
    if table is None:
        return []
    found = []
    for row in truth:
        for name in (f.name for f in report.having(Shape.RESULTS)):
            seen: Counter[tuple[str, str]] = Counter()
            for element in row.get(name) or []:
                for value in element.get("values") or [{}]:
                    windows = ",".join(value.get("attribution_windows") or ())
                    cells = _cells(row, table, report.breakdowns)
                    told = (str(element.get("indicator", "")), windows)
                    cells |= {"metric": name, "indicator": told[0], "attribution_windows": windows}
                    cells |= {"ordinal": seen[told], "value": expected_value(value.get("value"), Kind.AMOUNT)}
                    found.append(cells)
                    seen[told] += 1
    return found


def expected_objects(name: str, truth: Sequence[Row]) -> list[Row]:
    """The rows of a table of objects."""
    table = OBJECT_TABLES[name].table
    return [
        {column.name: _object_cell(column, found) for column in table.columns if column.name not in ASIDE}
        for found in truth
    ]


def _object_cell(column: Column, found: Row) -> Any:
    if column.name == "extra":
        return None
    if column.name == "account_id":
        return str(found["account_id"]).removeprefix("act_")
    value: Any = found
    for step in column.where:
        value = value.get(step) if isinstance(value, dict) else None
    return expected_value(value, column.kind)
