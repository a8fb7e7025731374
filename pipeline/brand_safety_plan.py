"""Owns which hours of brand safety are due, which Meta does not have yet, and which are lost. Pure.

Hours are labels in local wall time of the assumed zone (graph-api.md 4.3); one that a change of clocks leaves out is
none, one that it repeats is one. Meta keeps fifteen days (4.1): what was not landed whole by then is lost.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

from schemas.brand_safety import ASSUMED_ZONE, LATENCY, WINDOW
from schemas.periods import ONE_DAY, State
from schemas.work import ONE_HOUR, SliceRecord

LATE = timedelta(hours=48)
"""An hour that was empty so long after its end stays so: before that, a listing without files may mean "not yet"."""
WHOLE = frozenset({State.LANDED, State.EMPTY})
_ZONE = ZoneInfo(ASSUMED_ZONE)


@dataclass(frozen=True, slots=True)
class Availability:
    """Which hours Meta has of a placement; `odd` are those texts of the reply that are no hours."""

    earliest: datetime
    latest: datetime
    missing: frozenset[datetime] = frozenset()
    odd: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Hours:
    """What is to be done about the hours of one business and placement, those that leave the window first, first."""

    due: tuple[datetime, ...] = ()
    missing: tuple[datetime, ...] = ()
    lost: tuple[datetime, ...] = ()


@dataclass(frozen=True, slots=True)
class Span:
    """The days that a command is about, both inclusive; `only_failed`: of these only what failed."""

    since: date | None = None
    until: date | None = None
    only_failed: bool = False

    def __contains__(self, hour: datetime) -> bool:
        return (self.since or hour.date()) <= hour.date() <= (self.until or hour.date())


def hours(
    known: Mapping[datetime, SliceRecord], available: Availability, now: datetime, span: Span | None = None
) -> Hours:
    """What of a placement's hours is due now, what is not there yet, and what has been lost and is not yet said to be.

    `known` is what the ledger remembers, by hour.
    """
    span = span or Span()
    due, missing = [], []
    for hour in labels(available.earliest, available.latest):
        record = known.get(hour)
        if hour not in span or not _is_due(record):
            continue
        if span.only_failed and (record is None or record.state is not State.FAILED):
            continue
        if hour not in available.missing:
            due.append(hour)
        elif record is None or not record.rows:
            missing.append(hour)
    return Hours(tuple(due), tuple(missing), tuple(_lost(known, available, now)))


def _is_due(record: SliceRecord | None) -> bool:
    if record is None or record.state not in {*WHOLE, State.LOST}:
        return True
    return record.state is State.EMPTY and not is_settled(record)


def is_settled(record: SliceRecord) -> bool:
    """Whether an hour is as it will stay: whole, empty for long, or lost."""
    if record.state is not State.EMPTY:
        return record.state in {State.LANDED, State.LOST}
    return record.id.start is not None and record.as_of is not None and record.as_of >= ends(record.id.start) + LATE


def _lost(known: Mapping[datetime, SliceRecord], available: Availability, now: datetime) -> Iterator[datetime]:
    """Hours from the first that was ever known up to the window, as far as nothing says that they are whole or lost.

    One before the first hour that Meta tells of is lost only when it is too old by the rule as well.
    """
    if not known:
        return
    for hour in labels(min(known), available.earliest - ONE_HOUR):
        record = known.get(hour)
        settled = record is not None and record.state in {*WHOLE, State.LOST}
        if not settled and ends(hour) + WINDOW <= now:
            yield hour


@lru_cache(maxsize=20_000)
def ends(hour: datetime) -> datetime:
    """The instant at which an hour ends, in UTC; of a repeated one, its second time."""
    return (hour.replace(tzinfo=_ZONE, fold=1)).astimezone(UTC) + ONE_HOUR


@lru_cache(maxsize=20_000)
def _exists(hour: datetime) -> bool:
    return hour.replace(tzinfo=_ZONE).astimezone(UTC).astimezone(_ZONE).replace(tzinfo=None) == hour


def labels(first: datetime, last: datetime) -> Iterator[datetime]:
    """The hours from one to another, both inclusive, that exist on the clocks of the assumed zone."""
    hour = first
    while hour <= last:
        if _exists(hour):
            yield hour
        hour += ONE_HOUR


def expected(now: datetime) -> Availability:
    """What Meta should have now, where it was not asked or what it said is no hour (4.1)."""
    here = now.astimezone(_ZONE).replace(tzinfo=None)
    earliest = datetime.combine((here - WINDOW).date(), time.min)
    latest = (here - LATENCY - ONE_HOUR).replace(minute=0, second=0, microsecond=0)
    return Availability(earliest, latest)


def read_ranges(said: Mapping[str, Any], now: datetime) -> Availability:
    """What a reply says of a placement's hours; texts that are no hours, such as 2024-02-31T00:00, are passed over."""
    odd: list[str] = []
    usual = expected(now)
    earliest = _hour(said.get("earliest_datetime"), odd) or usual.earliest
    latest = _hour(said.get("latest_datetime"), odd) or usual.latest
    named = said.get("missing_datetimes")
    missing = [_hour(text, odd) for text in named] if isinstance(named, Sequence) and not isinstance(named, str) else []
    latest = min(latest, usual.latest + ONE_DAY)  # a day far ahead would make a plan without end
    earliest = max(earliest, usual.earliest - WINDOW)
    return Availability(earliest, latest, frozenset(hour for hour in missing if hour), tuple(odd))


def _hour(text: object, odd: list[str]) -> datetime | None:
    try:
        hour = datetime.strptime(str(text), "%Y-%m-%dT%H:%M")  # noqa: DTZ007 - a label of local wall time
    except ValueError:
        if text is not None:
            odd.append(str(text))
        return None
    return hour.replace(minute=0)
