"""Owns which slices of a report are due, why, and which are left out because Meta no longer has them. Pure."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime

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
    moment, known = wanted.moment(account, now), memory.slices
    limits = kept(report, moment.today)
    for whole, part in _askable(report, wanted, moment, memory):
        if part.end <= limits.since:
            continue
        record = known.get(SliceId.of_day(report.name, account.id, whole.start))
        why = why_due(_known(record), whole, moment, insist=wanted.insist) or _why_again(record, report, wanted)
        if why is None or (wanted.only_failed and (record is None or record.state.value != "failed")):
            continue
        rows = record.rows if record is not None and record.fetched_at is not None else None
        clipped = Period(max(part.start, limits.since), part.end)
        yield DueSlice(whole, clipped, why, rows, _hole(part, limits))


def left_out(report: Report, account: Account, wanted: Wanted, memory: Memory, now: datetime) -> LeftOut | None:
    """The slices that nobody asked while Meta had them; None if there are none."""
    moment, known = wanted.moment(account, now), memory.slices
    limits = kept(report, moment.today)
    if wanted.days.start >= limits.since:
        return None
    old = [whole for whole, part in _askable(report, wanted, moment, memory) if part.end <= limits.since]
    ids = {whole: SliceId.of_day(report.name, account.id, whole.start) for whole in old}
    missed = [whole for whole in old if ids[whole] not in known or known[ids[whole]].as_of is None]
    new = [whole for whole in missed if ids[whole] not in known or known[ids[whole]].reason != limits.too_old()]
    return LeftOut(report, account, tuple(missed), tuple(new), limits.too_old()) if missed else None


def _askable(report: Report, wanted: Wanted, moment: Moment, memory: Memory) -> Iterator[tuple[Period, Period]]:
    """Every wanted slice of which a day is over, with the part that can be asked; none that is known to be final."""
    for whole in _unsettled(report, wanted, memory):
        part = asked(whole, moment.today, include_today=wanted.include_today)
        if part is None:
            return
        yield whole, part


def _unsettled(report: Report, wanted: Wanted, memory: Memory) -> Iterator[Period]:
    """The wanted slices before, inside and after what is settled, oldest first; inside, only those that are known."""
    increment: Increment = report.time_increment  # type: ignore[assignment]  # legality has seen the texts
    days, settled = wanted.days, memory.settled
    if settled is None:
        yield from slices(days, increment, wanted.since)
        return
    if days.start < settled.start:
        yield from slices(Period(days.start, min(days.end, settled.start)), increment, wanted.since)
    starts = sorted(slice_id.start.date() for slice_id in memory.slices if slice_id.start is not None)
    for start in starts:
        whole = slice_at(start, increment, wanted.since)
        if whole.overlaps(days):
            yield whole
    if days.end > settled.end:
        yield from slices(Period(max(days.start, settled.end), days.end), increment, wanted.since)


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
