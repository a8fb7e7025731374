"""Owns which tables a report of ads insights fills: facts, actions, results; pure arithmetic on declarations."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

from schemas.breakdowns import ACTION_BREAKDOWNS, BREAKDOWNS, Breakdown
from schemas.columns import ORIGIN, Column, Kind, Table
from schemas.insights_fields import FIELDS, SOURCES, InsightField, Shape
from schemas.reports import KEY_IDS, UNASKED, Report
from schemas.windows import DEFAULT, WINDOWS

PARTITION = ("account_id",)
ACTIONS_SUFFIX = "_actions"
RESULTS_SUFFIX = "_results"
DETAIL_SUFFIX = "_detail"

_IN_FACTS = (Shape.IDENTITY, Shape.SCALAR, Shape.STRUCTURED)
_IN_ACTIONS = (Shape.ACTIONS, Shape.HISTOGRAM)
_STATS = SOURCES["AAS"]
_ORDINAL = Column("ordinal", Kind.COUNT, "0 unless the API repeats an element; then 1, 2 and so on, in its order")


@dataclass(frozen=True, slots=True)
class ReportTables:
    """The tables that a report owns; those without a field to fill them do not exist."""

    facts: Table
    actions: Table | None = None
    results: Table | None = None

    def __iter__(self) -> Iterator[Table]:
        return (table for table in (self.facts, self.actions, self.results) if table is not None)


@lru_cache(maxsize=256)
def tables_of(report: Report) -> ReportTables:
    """The tables of a legal report."""
    return ReportTables(
        facts=_facts(report),
        actions=_actions(report) if report.having(*_IN_ACTIONS) else None,
        results=_results(report) if report.having(Shape.RESULTS) else None,
    )


def quotient_metrics(report: Report) -> frozenset[str]:
    """The list metrics that the API computes by division: rounding their values is not reported."""
    return frozenset(field.name for field in report.having(*_IN_ACTIONS, Shape.RESULTS) if field.quotient)


def key_columns(report: Report) -> tuple[Column, ...]:
    """The columns that identify a row of the facts and stand in all tables of the report."""
    identity = tuple(_of_field(FIELDS[name]) for name in (*KEY_IDS[report.level], *UNASKED))
    splits = tuple(_of_breakdown(BREAKDOWNS[name]) for name in dict.fromkeys(report.breakdowns))
    return (*identity, *splits)


def _facts(report: Report) -> Table:
    key = key_columns(report)
    names = {column.name for column in key}
    fields = tuple(_of_field(field) for field in report.having(*_IN_FACTS) if field.name not in names)
    return Table(
        report.name,
        f"Ads insights by {_grain(report)}",
        (*key, *_details(report), *fields, _extra("row"), *ORIGIN),
        tuple(column.name for column in key),
        PARTITION,
    )


def _actions(report: Report) -> Table:
    splits = tuple(_of_breakdown(ACTION_BREAKDOWNS[name]) for name in dict.fromkeys(report.action_breakdowns))
    metric = Column("metric", Kind.TEXT, "Field of the API that held the list, such as actions", source=_STATS)
    value = Column("value", Kind.AMOUNT, "Value under the default attribution", "unit of the metric", _STATS)
    histogram = Column("histogram", Kind.NUMBERS, "Value of metrics that are lists of numbers", source=_STATS)
    return _child(
        report,
        ACTIONS_SUFFIX,
        "List metrics, one row per element",
        (metric, *splits, _ORDINAL),
        (value, *_windows(report), histogram),
    )


def _results(report: Report) -> Table:
    page = SOURCES["AAI"]
    told = (
        Column("metric", Kind.TEXT, "Field of the API that held the list, such as results", source=page),
        Column("indicator", Kind.TEXT, "What counts as a result, such as actions:link_click", source=page),
        Column(
            "attribution_windows", Kind.TEXT, "Windows of the value, joined by commas; empty if not sent", source=page
        ),
        _ORDINAL,
    )
    value = Column("value", Kind.AMOUNT, "Value; NULL where the API names an indicator without one", "", page)
    return _child(report, RESULTS_SUFFIX, "Results, one row per indicator and value", told, (value,))


def _child(report: Report, suffix: str, meaning: str, own_key: tuple[Column, ...], values: tuple[Column, ...]) -> Table:
    key = (*key_columns(report), *own_key)
    return Table(
        f"{report.name}{suffix}",
        f"{meaning}; by {_grain(report)}",
        (*key, *values, _extra("element"), *ORIGIN),
        tuple(column.name for column in key),
        PARTITION,
    )


def _windows(report: Report) -> Iterator[Column]:
    for name in report.asked_windows:
        if name != DEFAULT:
            meaning = f"Value {WINDOWS[name].meaning}"
            yield Column(f"value_{name}", Kind.AMOUNT, meaning, "unit of the metric", _STATS, path=(name,))


def _details(report: Report) -> Iterator[Column]:
    for name in dict.fromkeys(report.breakdowns):
        asset = BREAKDOWNS[name]
        if asset.asset_keys:
            meaning = f"{asset.meaning.removesuffix(', by its id')}, whole as sent"
            yield Column(f"{name}{DETAIL_SUFFIX}", Kind.JSON, meaning, source=asset.page, path=(name,))


def _of_field(field: InsightField) -> Column:
    return Column(field.name, field.kind, field.meaning, field.unit, field.page, quotient=field.quotient)


def _of_breakdown(breakdown: Breakdown) -> Column:
    return Column(breakdown.name, Kind.TEXT, f"{breakdown.meaning}; empty if the row lacks it", source=breakdown.page)


def _extra(of: str) -> Column:
    return Column("extra", Kind.JSON, f"What the API's {of} carried and no column declares")


def _grain(report: Report) -> str:
    return ", ".join((report.level, "period", *dict.fromkeys(report.breakdowns)))
