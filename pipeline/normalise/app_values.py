"""Owns how rows of app insights become rows of their table: by day, typed, each with a key that stands alone."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

import pyarrow as pa

from pipeline.errors import Inconsistent
from pipeline.normalise import exact_json
from pipeline.normalise.careful import NO_KEY, NO_OBJECT, STRUCTURE
from pipeline.normalise.frames import Source, assemble, quarantined
from pipeline.normalise.parsed import Aside
from pipeline.normalise.typed import typed
from schemas.app_insights import BORDER, REDACTED, AppMetric
from schemas.app_insights_metrics import Adds
from schemas.arrow import TYPES
from schemas.columns import Kind, Table
from schemas.periods import Period

OUTSIDE = "outside the days that were asked"
_DECLARED = frozenset({"time", "value", "breakdowns"})
_INSTANT = TYPES[Kind.INSTANT]


@dataclass(frozen=True, slots=True)
class AppRow:
    """One row as it was sent: its texts, taken apart."""

    time: datetime
    breakdowns: str
    redacted: bool
    value: str | None
    extra: str | None

    @property
    def day(self) -> date:
        """The day of app insights that the row begins in."""
        return self.time.astimezone(BORDER).date()


@dataclass(slots=True)
class AppValues:
    """The rows of one answer; `aside` are rows that are none of it, as they were sent, each with its reason.

    `days`: those that rows may begin in; None where any may.
    """

    entry: AppMetric
    days: Period | None = None
    rows: list[AppRow] = field(default_factory=list)
    aside: list[tuple[str, str]] = field(default_factory=list)

    def take(self, page: bytes) -> None:
        """Takes the raw JSON array of a page."""
        for found in exact_json.read(page):
            row = self._row(found) if isinstance(found, dict) else NO_OBJECT
            if isinstance(row, AppRow):
                self.rows.append(row)
            else:
                self.aside.append((exact_json.write(found), row))

    def _row(self, found: Mapping[str, Any]) -> AppRow | str:
        time = _instant(found.get("time"))
        if time is None:
            return NO_KEY
        if self.days is not None and time.astimezone(BORDER).date() not in self.days:
            return OUTSIDE
        given = found.get("breakdowns") or {}
        values = self._breakdowns(given if isinstance(given, dict) else {})
        extra = {name: value for name, value in found.items() if name not in _DECLARED and value is not None}
        extra |= {} if isinstance(given, dict) else {"breakdowns": given}
        return AppRow(
            time,
            exact_json.write(values),
            REDACTED in values.values(),
            _text(found.get("value")),
            exact_json.write(extra) if extra else None,
        )

    def _breakdowns(self, given: Mapping[str, Any]) -> dict[str, str]:
        """Every breakdown that was asked for and every other that came; '' where the row lacks it."""
        names = sorted({*self.entry.breakdowns, *given})
        return {name: _text(given.get(name)) or "" for name in names}

    def by_day(self) -> dict[date, list[AppRow]]:
        """The rows by the day that they begin in."""
        found: dict[date, list[AppRow]] = {}
        for row in self.rows:
            found.setdefault(row.day, []).append(row)
        return found


@dataclass(frozen=True, slots=True)
class AppFrame:
    """The typed rows of one slice, and what was set aside of them."""

    rows: pa.Table
    aside: list[dict[str, object]]


def frame(table: Table, entry: AppMetric, rows: Iterable[AppRow], days: Period | None, source: Source) -> AppFrame:
    """Types the rows of one slice; `days` are those that each value spans, without them the day of each row.

    Raises:
        Inconsistent: Two rows of one time have the same breakdown values, and none of them is REDACTED.
    """
    ordered = sorted(rows, key=lambda row: (row.time, row.breakdowns, row.value or ""))
    columns = {
        **{name: _repeated(text, len(ordered)) for name, text in _asked(entry).items()},
        "intervals_to_aggregate": pa.array([entry.intervals_to_aggregate] * len(ordered), pa.int64()),
        "breakdowns": pa.array([row.breakdowns for row in ordered], pa.string()),
        "time": pa.array([row.time for row in ordered], _INSTANT),
        "ordinal": pa.array(_ordinals(ordered, source), pa.int64()),
        "date_start": pa.array([days.start if days else row.day for row in ordered], pa.date32()),
        "date_stop": pa.array([days.until if days else row.day for row in ordered], pa.date32()),
        "extra": pa.array([row.extra for row in ordered], pa.string()),
    }
    values, aside = _values(entry, ordered)
    explained = [_explained(source, fault, ordered) for fault in aside]
    return AppFrame(assemble(table, {**columns, "value": values}, len(ordered), source), explained)


def set_aside(table: Table, found: Iterable[tuple[str, str]], source: Source) -> Iterator[dict[str, object]]:
    """Rows of `meta.quarantine` for whole rows, each as it was sent with its reason."""
    return (quarantined(source, Aside(table.name, None, raw, reason), "") for raw, reason in found)


def _asked(entry: AppMetric) -> dict[str, str]:
    return {
        "metric": entry.metric,
        "event_name": entry.event_name,
        "aggregate_by": entry.aggregate_by,
        "period": entry.period,
        "ecosystem": entry.ecosystem,
        "adds": entry.adds.value,
        "definition_hash": entry.definition[:8],
    }


def _values(entry: AppMetric, rows: Sequence[AppRow]) -> tuple[pa.Array, list[Aside]]:
    texts = pa.array([row.value for row in rows], pa.string())
    found = typed(texts, Kind.AMOUNT, quotient=entry.adds is Adds.RATIO)
    reasons = {fault.row: STRUCTURE if fault.raw.startswith(("[", "{")) else fault.reason for fault in found.faults}
    aside = [Aside("", "value", fault.raw, reasons[fault.row], fault.row) for fault in found.faults]
    return found.values, aside


def _ordinals(rows: Sequence[AppRow], source: Source) -> list[int]:
    """Numbers values that REDACTED makes alike, in the order of their values: another order of sending changes none."""
    seen: Counter[tuple[datetime, str]] = Counter()
    ordinals = []
    for row in rows:
        key = (row.time, row.breakdowns)
        if seen[key] and not row.redacted:
            raise Inconsistent(f"{source.place}: the answer holds {row.time:%Y-%m-%dT%H:%M} {row.breakdowns} twice")
        ordinals.append(seen[key])
        seen[key] += 1
    return ordinals


def _explained(source: Source, fault: Aside, rows: Sequence[AppRow]) -> dict[str, object]:
    row = rows[fault.row or 0]
    key = exact_json.write({"time": row.time.isoformat(), "breakdowns": exact_json.read(row.breakdowns)})
    return quarantined(source, Aside(source.table, fault.column, fault.raw, fault.reason, fault.row), key)


def _instant(value: object) -> datetime | None:
    if not isinstance(value, str):
        return None
    found: datetime | None = typed(pa.array([exact_json.whole(value)]), Kind.INSTANT).values[0].as_py()
    return found


def _text(value: object) -> str | None:
    """A scalar as text; a structure as its JSON, which no number is."""
    if isinstance(value, dict | list):
        return exact_json.write(value)
    text = exact_json.scalar(value)
    return None if text is None else exact_json.whole(text)


def _repeated(text: str, rows: int) -> pa.Array:
    return pa.repeat(pa.scalar(text, pa.string()), rows)
