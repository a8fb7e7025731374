"""Owns which slices of a report are due, why, and which are left out because Meta no longer has them. Pure."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from operator import itemgetter

from pipeline.account import Account
from schemas.periods import Increment, Known, Moment, Period, asked, slice_at, slices, why_due
from schemas.reports import Report
from schemas.retention import Kept, kept
from schemas.work import SliceId, SliceRecord


@dataclass(frozen=True, slots=True)
class DueSlice:
    """A slice that is due: the whole of it, the part that can be asked now, why, and its rows last time.

    `hole` is what it will lack whatever Meta answers: days or fields that are no longer kept.
    """

    whole: Period
    asked: Period
    why: str
    rows: int | None = None
    hole: str = ""


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which days are wanted of ads insights, and how insistently.

    `insist`: failed slices also after they would have been final. `backfill`: also slices that were asked with other
    columns. `renew`: also what was last asked before this moment, final or not.
    """

    days: Period
    since: date
    lookback_days: int
    include_today: bool = False
    insist: bool = False
    only_failed: bool = False
    backfill: bool = False
    renew: datetime | None = None

    def moment(self, account: Account, now: datetime) -> Moment:
        """When the question "is it due?" is asked, in this account's zone."""
        return Moment(now, account.zone, self.lookback_days, self.include_today)


@dataclass(frozen=True, slots=True)
class LeftOut:
    """Slices that are wanted and not asked, and why; `new`: those of which the ledger does not say so yet."""

    report: Report
    account: Account
    slices: tuple[Period, ...]
    new: tuple[Period, ...]
    reason: str


@dataclass(frozen=True, slots=True)
class Memory:
    """What is known of a report and account; every slice inside `settled` that `slices` lack is not due."""

    slices: Mapping[SliceId, SliceRecord]
    settled: Period | None = None


def due_slices(report: Report, account: Account, wanted: Wanted, memory: Memory, now: datetime) -> Iterator[DueSlice]:
    """The slices that are due, oldest first."""
    moment = wanted.moment(account, now)
    limits = kept(report, moment.today)
    for whole, part, record in _askable(report, account, wanted, moment, memory):
        if part.end <= limits.since:
            continue
        why = why_due(_known(record), whole, moment, insist=wanted.insist) or _why_again(record, report, wanted)
        if why is None or (wanted.only_failed and (record is None or record.state.value != "failed")):
            continue
        rows = record.rows if record is not None and record.fetched_at is not None else None
        clipped = part if part.start >= limits.since else Period(limits.since, part.end)
        yield DueSlice(whole, clipped, why, rows, _hole(part, limits))


def left_out(report: Report, account: Account, wanted: Wanted, memory: Memory, now: datetime) -> LeftOut | None:
    """The slices that nobody asked while Meta had them; None if there are none."""
    moment = wanted.moment(account, now)
    limits = kept(report, moment.today)
    if wanted.days.start >= limits.since:
        return None
    old = [
        (whole, record)
        for whole, part, record in _askable(report, account, wanted, moment, memory)
        if part.end <= limits.since and (record is None or record.as_of is None)
    ]
    new = tuple(whole for whole, record in old if record is None or record.reason != limits.too_old())
    return LeftOut(report, account, tuple(whole for whole, _ in old), new, limits.too_old()) if old else None


Askable = tuple[Period, Period, SliceRecord | None]


def _askable(report: Report, account: Account, wanted: Wanted, moment: Moment, memory: Memory) -> Iterator[Askable]:
    """Every wanted slice of which a day is over, the part that can be asked, what is known; none that is settled."""
    for whole, record in _unsettled(report, account, wanted, memory):
        part = asked(whole, moment.today, include_today=wanted.include_today)
        if part is None:
            return
        yield whole, part, record


def _unsettled(
    report: Report, account: Account, wanted: Wanted, memory: Memory
) -> Iterator[tuple[Period, SliceRecord | None]]:
    """The wanted slices before, inside and after what is settled, oldest first; inside, only those that are known."""
    increment: Increment = report.time_increment  # type: ignore[assignment]  # legality has seen the texts
    days, settled, known = wanted.days, memory.settled, memory.slices
    if settled is None:
        for whole in slices(days, increment, wanted.since):
            yield whole, known.get(SliceId.of_day(report.name, account.id, whole.start))
        return
    if days.start < settled.start:
        for whole in slices(Period(days.start, min(days.end, settled.start)), increment, wanted.since):
            yield whole, None
    for start, record in sorted(_by_start(known), key=itemgetter(0)):
        whole = slice_at(start.date(), increment, wanted.since)
        if whole.overlaps(days):
            yield whole, record
    if days.end > settled.end:
        for whole in slices(Period(max(days.start, settled.end), days.end), increment, wanted.since):
            yield whole, None


def _by_start(known: Mapping[SliceId, SliceRecord]) -> Iterator[tuple[datetime, SliceRecord]]:
    return ((found.start, record) for found, record in known.items() if found.start is not None)


def _why_again(record: SliceRecord | None, report: Report, wanted: Wanted) -> str | None:
    """Why a backfill asks what nothing else would."""
    if record is None:
        return None
    if wanted.renew is not None and (record.as_of is None or record.as_of < wanted.renew):
        return "asked for with --force"
    if wanted.backfill and record.as_of is not None and record.definition != report.definition_hash:
        return "landed with other columns"
    return None


def _hole(part: Period, limits: Kept) -> str:
    cut = limits.cut() if part.start < limits.since else ""
    old = limits.unique_since is not None and part.start < limits.unique_since
    return "; ".join(filter(None, [cut, limits.without_unique() if old else ""]))


def _known(record: SliceRecord | None) -> Known | None:
    if record is None or record.end is None:
        return None
    return Known(record.state, record.end.date(), record.as_of)
