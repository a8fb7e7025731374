"""Owns days, grids and ranges, and the two questions asked of a slice: is it due, is it final. No clock, no I/O.

Days are the ad account's days. Periods are half-open inside, `until` is inclusive for users and on the wire; the only
places that convert are `Period.inclusive` and `Period.until`.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from functools import lru_cache
from typing import Literal
from zoneinfo import ZoneInfo

Increment = int | Literal["monthly", "all_days"]

ONE_DAY = timedelta(days=1)
GRID_ORIGIN = date(1970, 1, 5)
"""The Monday that N-day slices are counted from, so that a moving start never shifts weeks."""


@dataclass(frozen=True, slots=True, order=True)
class Period:
    """Whole days from `start` up to, not including, `end`."""

    start: date
    end: date

    def __post_init__(self) -> None:
        if self.end <= self.start:
            raise ValueError(f"a period ends after it starts, not {self.start} to {self.end}")

    @classmethod
    def inclusive(cls, since: date, until: date) -> "Period":
        """The period a user or the wire means by two days, both inclusive."""
        return cls(since, until + ONE_DAY)

    @property
    def until(self) -> date:
        """The last day inside, as users and the wire name it."""
        return self.end - ONE_DAY

    @property
    def days(self) -> int:
        """How many days are inside."""
        return (self.end - self.start).days

    def __contains__(self, day: date) -> bool:
        return self.start <= day < self.end

    def overlaps(self, other: "Period") -> bool:
        """Whether the two share a day."""
        return self.start < other.end and other.start < self.end


@lru_cache(maxsize=10_000)
def today_in(zone: str, now: datetime) -> date:
    """The day it is in `zone` at the instant `now`."""
    return now.astimezone(ZoneInfo(zone)).date()


@lru_cache(maxsize=100_000)
def midnight(day: date, zone: str) -> datetime:
    """The instant at which `day` begins in `zone`, as UTC.

    Where a change of clocks skips midnight (Sao Paulo until 2018, Beirut) the day begins at the first moment that
    exists: `fold=0` reads the missing hour with the offset from before the change.
    """
    return datetime.combine(day, time.min, ZoneInfo(zone)).astimezone(UTC)


def slice_at(day: date, increment: Increment, since: date) -> Period:
    """The slice of the grid that `day` falls into.

    `all_days` is one slice from `since` on; its end here is `date.max`, because it never has one of its own.
    """
    if increment == "all_days":
        return Period(since, date.max)
    if increment == "monthly":
        first = day.replace(day=1)
        return Period(first, (first + timedelta(days=31)).replace(day=1))
    if increment == 1:
        return Period(day, day + ONE_DAY)
    offset = (day - GRID_ORIGIN).days % increment
    return Period(day - timedelta(days=offset), day + timedelta(days=increment - offset))


def slices(wanted: Period, increment: Increment, since: date) -> Iterator[Period]:
    """The slices that share a day with `wanted`, oldest first: a range typed by users widens to slice borders."""
    day = wanted.start
    while day < wanted.end:
        found = slice_at(day, increment, since)
        yield found
        if found.end == date.max:
            return
        day = found.end


def count_of(first: date, last: date, increment: Increment) -> int:
    """How many slices of the grid start from `first` to `last`, both of which do."""
    if increment == "all_days":
        return 1
    if increment == "monthly":
        return (last.year - first.year) * 12 + last.month - first.month + 1
    return (last - first).days // increment + 1


def asked(whole: Period, today: date, *, include_today: bool) -> Period | None:
    """The part of a slice that can be asked for now: up to yesterday, or today when that is wanted; None if nothing."""
    end = min(whole.end, today + ONE_DAY if include_today else today)
    return Period(whole.start, end) if end > whole.start else None


@lru_cache(maxsize=1_000)
def settled_minutes(zone: str, lookback_days: int, year: int) -> int:
    """Minutes from a slice's end, read as UTC, after which it is settled in `zone`, whatever its clocks do."""
    place, first = ZoneInfo(zone), datetime(year - 4, 1, 1, tzinfo=UTC)
    weeks = (first + timedelta(days=7 * number) for number in range(5 * 53))
    offset = min(week.astimezone(place).utcoffset() or timedelta() for week in weeks)
    return (timedelta(days=lookback_days) - offset) // timedelta(minutes=1)


class State(StrEnum):
    """What became of a slice; the words of `meta.slices`."""

    LANDED = "landed"
    EMPTY = "empty"
    PARTIAL = "partial"
    FAILED = "failed"
    LOST = "lost"
    UNKNOWN = "unknown"
    SKIPPED = "skipped"


SETTLING = frozenset({State.LANDED, State.EMPTY, State.UNKNOWN, State.PARTIAL})
"""States that a later read may still change, until the slice is final; one with a hole is partial."""


@dataclass(frozen=True, slots=True)
class Known:
    """What the ledger remembers of a slice when it is asked whether the slice is due.

    `end` is the end that was asked for, exclusive. `as_of` is None when nothing ever landed.
    """

    state: State
    end: date
    as_of: datetime | None


def settled_at(whole: Period, zone: str, lookback_days: int) -> datetime | None:
    """The instant after which Meta no longer restates the slice; None for one that never ends."""
    if whole.end == date.max:
        return None
    return midnight(whole.end + timedelta(days=lookback_days), zone)


def is_final(known: Known | None, whole: Period, zone: str, lookback_days: int) -> bool:
    """Whether a read late enough has landed: computed, never stored, so that a changed setting takes effect."""
    settled = settled_at(whole, zone, lookback_days)
    if known is None or known.as_of is None or known.state not in SETTLING or settled is None:
        return False
    return known.end >= whole.end and known.as_of >= settled


@dataclass(frozen=True, slots=True)
class Moment:
    """When the question "is it due?" is asked: one `now` for a whole plan, in one account's zone."""

    now: datetime
    zone: str
    lookback_days: int
    include_today: bool = False
    today: date = field(init=False)
    """The account's present day."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "today", today_in(self.zone, self.now))  # asked for once a slice

    @property
    def tomorrow(self) -> datetime:
        """When the account's next day begins: what was read after that was read under another clock."""
        return midnight(self.today + ONE_DAY, self.zone)


def why_due(known: Known | None, whole: Period, moment: Moment, *, insist: bool = False) -> str | None:
    """Why the slice is due now, in words for a plan; None if it is not.

    `insist` is `load --failed` and `backfill`: a failed slice is asked again even after it would have been final.
    """
    today_counts = moment.include_today and moment.today in whole
    if whole.start >= moment.today and not today_counts:
        return None
    if known is None:
        return "never asked"
    if today_counts:
        return "today is wanted"
    if known.as_of is not None and known.as_of > moment.now and known.as_of >= moment.tomorrow:
        return "was asked under a clock that ran ahead"
    if known.state in {State.FAILED, State.SKIPPED}:
        return _why_again(known, whole, moment, insist=insist)
    if known.state is State.LOST or is_final(known, whole, moment.zone, moment.lookback_days):
        return None
    if known.as_of is None or known.as_of < midnight(moment.today, moment.zone):
        return "may have been restated"
    return None


def _why_again(known: Known, whole: Period, moment: Moment, *, insist: bool) -> str | None:
    settled = settled_at(whole, moment.zone, moment.lookback_days)
    if known.state is State.SKIPPED:
        return "was skipped"
    if insist or settled is None or moment.now < settled:
        return "failed before"
    return None


def runs_of(periods: Iterable[Period], longest_days: int) -> Iterator[tuple[Period, ...]]:
    """Neighbouring periods gathered into groups of at most `longest_days` days (one period at least), in order."""
    group: list[Period] = []
    for period in sorted(periods):
        apart = group and (group[-1].end != period.start or (period.end - group[0].start).days > longest_days)
        if apart:
            yield tuple(group)
            group = []
        group.append(period)
    if group:
        yield tuple(group)
