"""Rows as the API sends them, and what both paths make of them."""

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

from pipeline.normalise import careful, frames, quick
from pipeline.normalise.layout import Layout
from schemas.reports import Report

FETCHED_AT = datetime(2026, 11, 22, 4, 0, tzinfo=UTC)
KEY = {
    "account_id": "111",
    "campaign_id": "12",
    "adset_id": "123",
    "ad_id": "1234",
    "date_start": "2026-09-01",
    "date_stop": "2026-09-01",
}
PLAIN = Report(
    "plain",
    "ad",
    fields=("ad_name", "impressions", "spend", "ctr", "cpc", "actions", "purchase_roas", "results"),
    action_attribution_windows=("7d_click",),
)


@dataclass(frozen=True)
class Kept:
    """What became of some rows: plain values by table, what was set aside, what was counted."""

    tables: dict[str, list[dict[str, Any]]]
    aside: list[dict[str, Any]]
    lacking: Counter[str]
    unknown: Counter[str]
    days: list[date | None]

    @property
    def facts(self) -> list[dict[str, Any]]:
        return next(iter(self.tables.values()))

    def cells(self, table: str, *names: str) -> list[tuple[Any, ...]]:
        return [tuple(row[name] for name in names) for row in self.tables[table]]

    @property
    def reasons(self) -> list[tuple[Any, ...]]:
        return [tuple(entry[n] for n in ("table_name", "column_name", "raw", "reason")) for entry in self.aside]


def source_of(report: Report) -> frames.Source:
    return frames.Source(report.name, "111", "account_id", "111", FETCHED_AT, "run", "plain 111 2026-09-01")


def page(*rows: object) -> bytes:
    return json.dumps(rows, separators=(",", ":")).encode()


def row(**cells: object) -> dict[str, object]:
    return {**KEY, **cells}


def raw_row(text: str) -> bytes:
    """A page of one row whose own cells are written letter by letter."""
    return b"[" + json.dumps(KEY)[:-1].encode() + b"," + text.encode() + b"}]"


def kept(found: frames.Frames) -> Kept:
    tables = {name: table.to_pylist() for name, table in found.rows.items()}
    aside = [entry for _, entry in found.aside]
    return Kept(tables, aside, +found.lacking, +found.unknown, [day for day, _ in found.aside])


def carefully(*pages: bytes, report: Report = PLAIN) -> Kept:
    layout = Layout(report)
    return kept(frames.build(layout, careful.parse(layout, pages), source_of(report)))


def quickly(*pages: bytes, report: Report = PLAIN, extras: Mapping[str, None] | None = None) -> Kept | None:
    """None where the quick path leaves the pages to the careful one."""
    layout = Layout(report)
    try:
        parsed = quick.parse(layout, pages, list(extras or {}))
    except quick.Careless:
        return None
    return kept(frames.build(layout, parsed, source_of(report)))


def learned(*pages: bytes, report: Report = PLAIN) -> dict[str, None]:
    """The undeclared scalars that the careful path has learned from some pages."""
    return dict.fromkeys(sorted(careful.parse(Layout(report), pages).scalars))
