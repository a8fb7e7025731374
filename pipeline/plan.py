"""Owns what is due: from settings, accounts, the ledger and one `now` to frozen tasks that can be printed. Pure."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Any

from connectors.ads_insights.questions import Question, Run
from pipeline.account import Account
from pipeline.due import Due
from pipeline.due_slices import DueSlice, LeftOut, Memory, Wanted, due_slices
from pipeline.sizes import BIGGEST, Size
from pipeline.sizes import LONGEST_DAYS as LONGEST_DAYS  # noqa: PLC0414 - part of what a plan promises
from schemas.ad_objects import ObjectTable
from schemas.legality import Remark
from schemas.periods import ONE_DAY, Period, State, midnight, runs_of, today_in
from schemas.reports import Report
from schemas.work import SliceId, SliceRecord

MOST_ROWS = 100_000
"""Rows that one report run is expected to give at most, where the past tells how many a day has."""
GONE_IN_FULL = timedelta(days=7)
"""Archived and deleted objects are read in full so often; between, only those that changed."""
MOST_POLLS = 3
"""Polls that a report run is expected to need; for the estimate of calls alone."""


@dataclass(frozen=True, slots=True)
class InsightsTask:
    """One question of ads insights: neighbouring slices of one report and account."""

    report: Report
    account: Account
    slices: tuple[DueSlice, ...]
    adopted: Run | None = None
    size: Size = BIGGEST

    @property
    def period(self) -> Period:
        """The days asked for."""
        return Period(self.slices[0].asked.start, self.slices[-1].asked.end)

    @property
    def question(self) -> Question:
        """What is asked of the connector."""
        known = [due.rows for due in self.slices]
        rows = None if None in known else sum(row or 0 for row in known)
        return Question(self.report, self.account.id, self.period, rows, self.adopted)

    def ids(self) -> Iterator[SliceId]:
        """The slices' ids."""
        return (SliceId.of_day(self.report.name, self.account.id, due.whole.start) for due in self.slices)

    def halves(self) -> tuple["InsightsTask", "InsightsTask"] | None:
        """The same slices as two smaller tasks; None when one slice is left."""
        if len(self.slices) == 1:
            return None
        middle = len(self.slices) // 2
        return (
            replace(self, slices=self.slices[:middle], adopted=None),
            replace(self, slices=self.slices[middle:], adopted=None),
        )

    def cut(self, days: int) -> list["InsightsTask"]:
        """The same slices as tasks of at most so many days, one slice at least; an adopted run stays as it is."""
        if self.adopted is not None or self.period.days <= days:
            return [self]
        by_asked = {due.asked: due for due in self.slices}
        return [replace(self, slices=tuple(by_asked[part] for part in group)) for group in runs_of(by_asked, days)]


@dataclass(frozen=True, slots=True)
class ObjectsTask:
    """One listing: a table of objects of one account. `gone_since`: see `connectors.ad_objects.Listing`."""

    table: ObjectTable
    account: Account
    why: str
    gone_since: datetime | None = None

    @property
    def id(self) -> SliceId:
        """The slice's id: objects have one per table and account."""
        return SliceId(self.table.table.name, self.account.id, None)


@dataclass(frozen=True, slots=True)
class Plan:
    """Everything that is due at `now`, account by account; `call_seconds`: what a call took in the last load.

    `left_out`: what is wanted and not asked on purpose. `remarks`: what a report, by its name, will not give.
    """

    now: datetime
    insights: tuple[InsightsTask, ...] = ()
    objects: tuple[ObjectsTask, ...] = ()
    families: tuple[Due, ...] = ()
    call_seconds: float | None = None
    left_out: tuple[LeftOut, ...] = ()
    remarks: tuple[tuple[str, Remark], ...] = ()

    @property
    def slices(self) -> int:
        """How many slices are due."""
        families = sum(due.slices for due in self.families)
        return sum(len(task.slices) for task in self.insights) + len(self.objects) + families

    @property
    def calls(self) -> int:
        """About how many calls it takes."""
        families = sum(due.calls for due in self.families)
        return sum(calls_of(task) for task in self.insights) + len(self.objects) * 2 + families

    @property
    def seconds(self) -> int | None:
        """About how long it takes; None while no load has told."""
        return None if self.call_seconds is None else round(self.calls * self.call_seconds)

    def as_data(self) -> dict[str, Any]:
        """The plan as `insights plan --json` prints it."""
        return {
            "now": self.now.isoformat(),
            "slices": self.slices,
            "calls": self.calls,
            "seconds": self.seconds,
            "tasks": [
                *map(_insights_data, self.insights),
                *map(_objects_data, self.objects),
                *(due.as_data() for due in self.families),
            ],
            "left_out": [_left_out_data(left) for left in self.left_out],
            "remarks": [{"report": name, "remark": str(remark)} for name, remark in self.remarks],
        }


def calls_of(task: InsightsTask) -> int:
    """About how many calls a task takes: submission, polls, pages; so many times as each slice has parts."""
    rows = task.question.rows or 0
    pages = max(1, -(-rows // 5000))
    return max(1, len(task.size.parts)) * (1 + MOST_POLLS) + max(pages, len(task.size.parts))


def due_insights(
    report: Report,
    account: Account,
    wanted: Wanted,
    known: Memory,
    now: datetime,
    alive: Iterable[Mapping[str, Any]] = (),
    size: Size = BIGGEST,
) -> Iterator[InsightsTask]:
    """The tasks of one report and account, each of a size that worked.

    `alive` are report runs that a killed process left (ledger rows). Slices that will lack something are asked apart:
    one day too old in a question takes the unique counts from all its rows.
    """
    due = {found.whole: found for found in due_slices(report, account, wanted, known, now)}
    for adopted in _adopted(report, account, due, alive):
        for found in adopted.slices:
            del due[found.whole]
        yield adopted
    for whole in (True, False):
        alike = [slice_ for slice_, found in due.items() if whole is not bool(found.hole)]
        for group in runs_of(alike, _longest(due.values(), size.days)):
            yield InsightsTask(report, account, tuple(due[slice_] for slice_ in group), size=size)


def _longest(due: Iterable[DueSlice], worked: int) -> int:
    """How many days one task may span: as many as worked, and by what a day gave in the past."""
    told = [found.rows / found.asked.days for found in due if found.rows]
    if not told:
        return worked
    return max(1, min(worked, int(MOST_ROWS / max(told))))


def _adopted(
    report: Report, account: Account, due: Mapping[Period, DueSlice], alive: Iterable[Mapping[str, Any]]
) -> Iterator[InsightsTask]:
    """Tasks for runs whose definition is the present one and whose every slice is still due and asks the same days."""
    taken: set[Period] = set()
    for row in alive:
        if (row["table_name"], row["scope"], row["definition"]) != (report.name, account.id, report.definition_hash):
            continue
        period = Period(date.fromisoformat(row["slice_start"][:10]), date.fromisoformat(row["slice_end"][:10]))
        covered = tuple(due[whole] for whole in sorted(due) if due[whole].asked.overlaps(period))
        days = sum(found.asked.days for found in covered)
        inside = all(found.asked.start in period and found.asked.until in period for found in covered)
        if covered and inside and days == period.days and not taken & {found.whole for found in covered}:
            taken |= {found.whole for found in covered}
            run = Run(row["report_run_id"], datetime.fromisoformat(row["submitted_at"]))
            yield InsightsTask(report, account, covered, run)


def due_objects(
    table: ObjectTable, account: Account, record: SliceRecord | None, in_full_at: datetime | None, now: datetime
) -> ObjectsTask | None:
    """The listing of one table and account, if it is due: once per account day, and after every failure."""
    why = _why_objects(record, account, now)
    if why is None:
        return None
    in_full = in_full_at is None or record is None or record.as_of is None or _long_ago(in_full_at, account, now)
    return ObjectsTask(table, account, why, None if in_full or record is None else record.as_of)


def _why_objects(record: SliceRecord | None, account: Account, now: datetime) -> str | None:
    if record is None or record.as_of is None:
        return "never listed"
    if record.state in {State.FAILED, State.SKIPPED}:
        return f"{record.state} before"
    today = today_in(account.zone, now)
    if record.as_of >= midnight(today + ONE_DAY, account.zone):
        return "was listed under a clock that ran ahead"
    return "may have changed" if record.as_of < midnight(today, account.zone) else None


def _long_ago(in_full_at: datetime, account: Account, now: datetime) -> bool:
    """Counted in the account's days: a nightly load is a little early some weeks, an hour where clocks change."""
    return today_in(account.zone, now) - today_in(account.zone, in_full_at) >= GONE_IN_FULL


def _insights_data(task: InsightsTask) -> dict[str, Any]:
    reasons = sorted({due.why for due in task.slices})
    return {
        "table": task.report.name,
        "scope": task.account.id,
        "since": task.period.start.isoformat(),
        "until": task.period.until.isoformat(),
        "slices": len(task.slices),
        "why": reasons,
        "calls": calls_of(task),
        "days_per_run": task.size.days,
        "parts": len(task.size.parts),
        "adopted": task.adopted.id if task.adopted else None,
    }


def _objects_data(task: ObjectsTask) -> dict[str, Any]:
    return {"table": task.table.table.name, "scope": task.account.id, "slices": 1, "why": [task.why], "calls": 2}


def _left_out_data(left: LeftOut) -> dict[str, Any]:
    return {
        "table": left.report.name,
        "scope": left.account.id,
        "since": left.slices[0].start.isoformat(),
        "until": left.slices[-1].until.isoformat(),
        "slices": len(left.slices),
        "why": [left.reason],
    }
