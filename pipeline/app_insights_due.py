"""Owns which slices of app insights are due, and when one is final: a day, until it has stopped changing. Pure.

No page says for how long Meta restates app insights. A day is therefore read again every day until its values have
stood unchanged for a week; what changes for four weeks is not waited for any longer. A `range` is asked by calendar
months: one value over a range that grows for ever would soon be more than the API answers, and could not be cut.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from pipeline.account import Account
from pipeline.due_slices import Wanted
from schemas.app_insights import TABLE_NAME, ZONE, AppMetric
from schemas.app_insights_metrics import LIFETIME, RANGE
from schemas.periods import (
    SETTLING,
    Increment,
    Known,
    Moment,
    Period,
    State,
    asked,
    is_final,
    midnight,
    slice_at,
    slices,
    why_due,
)
from schemas.work import SliceId, SliceRecord

LOOKBACK_DAYS = 28
"""After so many days a day is final when it was read once more, whether or not it still changed."""
QUIET = timedelta(days=7)
"""Values that were found unchanged for so long have stopped changing."""

Memory = Mapping[SliceId, SliceRecord]


@dataclass(frozen=True, slots=True)
class AppSlice:
    """A slice that is due: the days that are asked (None for what has none), and why."""

    id: SliceId
    asked: Period | None
    why: str


def due_slices(app_id: str, entry: AppMetric, wanted: Wanted, known: Memory, now: datetime) -> list[AppSlice]:
    """The slices of one entry and app that are due, oldest first."""
    moment = wanted.moment(Account(app_id, ZONE), now)
    if entry.period == LIFETIME:
        return _current(app_id, entry, wanted, known, moment)
    increment: Increment = "monthly" if entry.period == RANGE else 1
    found = []
    for whole in slices(wanted.days, increment, wanted.since):
        part = asked(whole, moment.today, include_today=False)
        if part is None:
            break
        slice_id = SliceId.of_day(TABLE_NAME, entry.scope(app_id), whole.start)
        why = _why(known.get(slice_id), whole, moment, wanted)
        if why is not None:
            found.append(AppSlice(slice_id, part, why))
    return found


def groups(due: Sequence[AppSlice], days: int) -> Iterator[tuple[AppSlice, ...]]:
    """Neighbouring slices as they are asked together, each group of at most so many days."""
    group: list[AppSlice] = []
    for found in due:
        if group and (len(group) == days or not _follows(group[-1], found)):
            yield tuple(group)
            group = []
        group.append(found)
    if group:
        yield tuple(group)


def final(record: SliceRecord) -> bool:
    """Whether a day, or the month of a range, is over and has stopped changing; what has no days never has."""
    if record.id.start is None or record.end is None:
        return False
    whole = Period(record.id.start.date(), record.end.date())
    over = whole in {slice_at(whole.start, 1, whole.start), slice_at(whole.start, "monthly", whole.start)}
    return over and (is_quiet(record) or is_final(_known(record), whole, ZONE, LOOKBACK_DAYS))


def is_quiet(record: SliceRecord) -> bool:
    """Whether the values that were read at `fetched_at` were still the same at `as_of`, long enough later."""
    if record.state not in SETTLING or record.as_of is None or record.fetched_at is None:
        return False
    return record.as_of - record.fetched_at >= QUIET


def _follows(before: AppSlice, after: AppSlice) -> bool:
    return before.asked is not None and after.asked is not None and before.asked.end == after.asked.start


def _why(record: SliceRecord | None, whole: Period, moment: Moment, wanted: Wanted) -> str | None:
    if wanted.only_failed and (record is None or record.state is not State.FAILED):
        return None
    if record is not None and wanted.renew is not None and (record.as_of is None or record.as_of < wanted.renew):
        return "asked for with --force"
    known = _known(record)
    if record is not None and known is not None and known.end >= whole.end and is_quiet(record):
        return None
    return why_due(known, whole, moment, insist=wanted.insist)


def _current(app_id: str, entry: AppMetric, wanted: Wanted, known: Memory, moment: Moment) -> list[AppSlice]:
    """A value without days is asked as it is now, once a day; nothing of the past can be asked."""
    slice_id = SliceId(TABLE_NAME, entry.scope(app_id), None)
    record = known.get(slice_id)
    failed = record is not None and record.state is State.FAILED
    if wanted.backfill or (wanted.only_failed and not failed):
        return []
    if record is None or record.as_of is None:
        why = "never asked"
    elif failed or record.state is State.SKIPPED:
        why = "failed before"
    elif record.as_of < midnight(moment.today, moment.zone):
        why = "may have changed"
    else:
        return []
    return [AppSlice(slice_id, None, why)]


def _known(record: SliceRecord | None) -> Known | None:
    if record is None or record.end is None:
        return None
    return Known(record.state, record.end.date(), record.as_of)
