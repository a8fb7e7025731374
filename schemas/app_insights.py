"""Owns what is asked of app insights, entry by entry, and the one table that the answers fill."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import Any

from schemas.app_insights_metrics import (
    ADDITIVE_AGGREGATIONS,
    DAILY,
    LIFETIME,
    METRICS,
    RANGE,
    REFERENCE,
    Adds,
)
from schemas.columns import ORIGIN, Column, Kind, Table
from schemas.work import Place

TABLE_NAME = "app_insights"
OWNER = "app_id"
ZONE = "Etc/GMT+8"
"""The zone of every day of app insights: GMT-8 all year, as replies show (graph-api.md 5.5); IANA turns the sign."""
BORDER = timezone(timedelta(hours=-8))
REDACTED = "REDACTED"
"""What Meta writes for a breakdown value whose sample is too small."""


@dataclass(frozen=True, slots=True)
class AppMetric:
    """One entry of `metrics`: what one question asks of one app. Texts are '' where nothing is asked for.

    Another breakdown, event, aggregation, period, interval or ecosystem is another entry, and another scope.
    """

    metric: str
    event_name: str = ""
    aggregate_by: str = ""
    period: str = DAILY
    breakdowns: tuple[str, ...] = ()
    intervals_to_aggregate: int = 1
    ecosystem: str = ""

    @classmethod
    def of(cls, given: str | Mapping[str, Any]) -> "AppMetric":
        """The entry that the configuration gives, legal or not; without a period, the metric's own first one."""
        words = {"metric": given} if isinstance(given, str) else dict(given)
        known = METRICS.get(words["metric"])
        words.setdefault("period", known.periods[0] if known else DAILY)
        return cls(**{**words, "breakdowns": tuple(words.get("breakdowns", ()))})

    @property
    def definition(self) -> str:
        """Everything that decides the numbers, in 16 hex digits; the order of the breakdowns does not."""
        told = [self.metric, self.event_name, self.aggregate_by, self.period, sorted(self.breakdowns)]
        text = json.dumps([*told, self.intervals_to_aggregate, self.ecosystem])
        return hashlib.sha256(text.encode()).hexdigest()[:16]

    @property
    def name(self) -> str:
        """The entry's part of scopes and paths: `<metric>-<8 hex of the definition hash>`."""
        return f"{self.metric}-{self.definition[:8]}"

    @property
    def adds(self) -> Adds:
        """Whether values of several times may be summed."""
        known = METRICS[self.metric].adds
        if known is not Adds.ADDITIVE:
            return known
        if self.aggregate_by in {"SCORE", "MEDIAN_VALUE"}:
            return Adds.RATIO
        apart = self.intervals_to_aggregate == 1 and self.period not in {RANGE, LIFETIME}
        return Adds.ADDITIVE if apart and self.aggregate_by in ADDITIVE_AGGREGATIONS else Adds.ROLLING

    def parameters(self) -> dict[str, str | int | list[str]]:
        """The parameters of the call, apart from its days (graph-api.md 5.2)."""
        asked: dict[str, str | int | list[str]] = {
            "period": self.period,
            "aggregateBy": self.aggregate_by,
            "breakdowns": list(self.breakdowns),
            "event_name": self.event_name,
            "intervals_to_aggregate": self.intervals_to_aggregate if self.intervals_to_aggregate > 1 else "",
            "ecosystem": self.ecosystem,
        }
        return {name: value for name, value in asked.items() if value not in ("", [])}

    def scope(self, app_id: str) -> str:
        """The scope of the entry's slices."""
        return f"{app_id}/{self.name}"

    def place(self, app_id: str, start: datetime | None) -> Place:
        """Where a slice lies; its rows are those of this entry, of that day."""
        stem = f"{self.name}-{start.date().isoformat() if start else 'current'}"
        within = ("date_start", start.date(), start.date() + timedelta(days=1)) if start else None
        entry = (("metric", self.metric), ("definition_hash", self.definition[:8]))
        return Place(((OWNER, app_id),), stem, within, entry)


_KEY = (
    Column(OWNER, Kind.TEXT, "App", source=REFERENCE),
    Column("metric", Kind.TEXT, "Metric, as the API names it", source=REFERENCE),
    Column("event_name", Kind.TEXT, "App event that was asked for; empty for other metrics", source=REFERENCE),
    Column("aggregate_by", Kind.TEXT, "Aggregation that was asked for; empty for the API's own", source=REFERENCE),
    Column("period", Kind.TEXT, "What one value spans: daily, hourly, range: a month, lifetime", source=REFERENCE),
    Column("intervals_to_aggregate", Kind.COUNT, "Periods that one value spans, 1, 7 or 28", "periods", REFERENCE),
    Column("ecosystem", Kind.TEXT, "GAME or NON_GAME where that was asked for, else empty", source=REFERENCE),
    Column(
        "breakdowns",
        Kind.JSON,
        "Breakdown values: every breakdown that was asked for by its name, empty if the row lacks it; {} without any",
        source=REFERENCE,
    ),
    Column("time", Kind.INSTANT, "Start of the period of the value", source=REFERENCE),
    Column("ordinal", Kind.COUNT, "0; 1, 2 and so on where several values of a time are REDACTED alike"),
)

APP_INSIGHTS = Table(
    TABLE_NAME,
    "Values of app insights: app x metric x event x aggregation x period x breakdown values x time",
    (
        *_KEY,
        Column("date_start", Kind.DAY, "First day of the value, in GMT-8 as all days of app insights"),
        Column("date_stop", Kind.DAY, "Last day of the value, in GMT-8"),
        Column("value", Kind.AMOUNT, "Value; NULL where Meta sent none", "unit of the metric", REFERENCE),
        Column("adds", Kind.TEXT, "additive: values of several times may be summed; rolling and ratio: they may not"),
        Column("definition_hash", Kind.TEXT, "Entry of the configuration that asked; the end of the slice's scope"),
        Column("extra", Kind.JSON, "What the API's row carried and no column declares"),
        *ORIGIN,
    ),
    tuple(column.name for column in _KEY),
    (OWNER,),
)
