"""Owns what is due of Advanced Attribution: lists once a day, reports by the days that they cover now. Pure.

A report's slice is the range that it covers when it is run: the present one is asked once a day until its figures have
settled; one that the range has moved past is never asked again, because nothing can ask for it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, time
from typing import Any

from pipeline.due import Due
from schemas.attribution import ROWS
from schemas.attribution_reports import covered, period_of, zone_of
from schemas.periods import Known, Moment, Period, State, is_final, midnight, today_in, why_due
from schemas.work import SliceId, SliceRecord

LOOKBACK_DAYS = 28
"""Days in which conversions may still be credited to a range, as for insights; the page does not say."""
FORCED = "asked for with --force"
ZONE = "UTC"
"""A line of business names no zone that this API shows: its lists are due by UTC's days."""


@dataclass(frozen=True, slots=True)
class Wish:
    """How insistently a command asks: also what failed long ago, only what failed, also what was asked before then."""

    insist: bool = False
    only_failed: bool = False
    renew: datetime | None = None

    def renews(self, record: SliceRecord) -> bool:
        """Whether it asks again for what this record says, due or not."""
        return self.renew is not None and (record.as_of is None or record.as_of < self.renew)


@dataclass(frozen=True, slots=True)
class ReportDue:
    """One report's slice that is due: its id, the whole of it, the days that are over, and why."""

    id: SliceId
    whole: Period
    part: Period
    zone: str
    why: str


def why_list(record: SliceRecord | None, now: datetime, wish: Wish) -> str | None:
    """Why a list is due; None if it is not."""
    if record is None or record.as_of is None:
        return None if wish.only_failed and record is None else "never asked"
    if record.state is State.FAILED:
        return "failed before"
    if wish.only_failed:
        return None
    if wish.renews(record):
        return FORCED
    return "as of an earlier day" if record.as_of < midnight(today_in(ZONE, now), ZONE) else None


def due_report(
    scope: str,
    date_range: Mapping[str, Any],
    definition: str,
    known: Mapping[SliceId, SliceRecord],
    now: datetime,
    wish: Wish,
) -> ReportDue | None:
    """The slice of a report that is due now; None if there is none.

    Raises:
        ValueError: Its date range is none that the page describes.
    """
    zone, whole = zone_of(date_range), period_of(date_range, now)
    part = covered(whole, zone, now)
    if part is None:
        return None
    slice_id = SliceId.of_day(ROWS, scope, whole.start)
    record = known.get(slice_id)
    why = _why(record, definition, whole, Moment(now, zone, LOOKBACK_DAYS), wish)
    return None if why is None else ReportDue(slice_id, whole, part, zone, why)


def _why(record: SliceRecord | None, definition: str, whole: Period, moment: Moment, wish: Wish) -> str | None:
    if wish.only_failed and (record is None or record.state is not State.FAILED):
        return None
    if record is None:
        return "never asked"
    if wish.renews(record):
        return FORCED
    if record.definition != definition and record.state is not State.FAILED:
        return "its definition changed"
    if record.end is None:
        return "never asked"
    known = Known(record.state, record.end.date(), record.as_of)
    return why_due(known, whole, moment, insist=wish.insist)


def final(record: SliceRecord) -> bool:
    """Whether a report's slice was read after its figures had settled; one of its lifetime never was."""
    if record.id.start is None or record.end is None:
        return False
    whole = Period(record.id.start.date(), record.end.date())
    if whole.start.year == 1970:  # noqa: PLR2004 - `LIFETIME`: it has no end
        return False
    return is_final(Known(record.state, whole.end, record.as_of), whole, record.time_zone, LOOKBACK_DAYS)


def in_plan(due: ReportDue, calls: int) -> Due:
    """The entry of a plan."""
    until = datetime.combine(due.part.until, time.min)
    return Due(due.id.table, due.id.scope, 1, (due.why,), calls, due.id.start, until)
