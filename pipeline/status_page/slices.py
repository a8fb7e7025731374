"""Owns the story of one slice, and of the slices of one day: mark, reason, when asked, by which calls and runs."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from functools import lru_cache
from typing import Any

import orjson

from pipeline import codec
from pipeline.finality import final
from pipeline.ledger import Ledger
from pipeline.plan import Plan
from pipeline.status_page.marks import AMISS, Mark, mark_of
from pipeline.status_page.source import Source
from pipeline.status_page.words import address, day
from schemas.periods import Period
from schemas.work import Place, SliceFile, SliceId, SliceRecord

MOST_REPORT_RUNS = 20
MOST_OF_A_DAY = 200


@dataclass(frozen=True, slots=True)
class ReportRun:
    """A report run that asked for the slice, as the ledger remembers it."""

    id: str
    state: str
    submitted_at: datetime
    finished_at: datetime | None
    reason: str


@dataclass(frozen=True, slots=True)
class Story:
    """Everything that is known of one slice. `why` is why it is due, None if it is not; `failure` of its last run."""

    id: SliceId
    record: SliceRecord | None
    mark: Mark
    why: str | None
    files: Sequence[SliceFile]
    report_runs: Sequence[ReportRun]
    command: str | None
    failure: Mapping[str, Any] | None

    @property
    def title(self) -> str:
        """The period in words."""
        return period_words(self.id, self.record.end if self.record else None)

    @property
    def set_aside(self) -> int:
        """Cells and rows that could not be typed and lie in quarantine."""
        return sum(file.rows for file in self.files if file.path.startswith("_quarantine/"))


def slice_address(slice_id: SliceId) -> str:
    """Where the story of a slice is told."""
    page = _page_of(slice_id.table, slice_id.scope)
    return f"{page}&start={codec.border(slice_id.start)}" if slice_id.start else page


@lru_cache(maxsize=10_000)
def _page_of(table: str, scope: str) -> str:
    """Quoted once for a whole calendar."""
    return address("slice", table=table, scope=scope)


def period_words(slice_id: SliceId, end: datetime | None) -> str:
    """The period of a slice: `as last seen`, a day, an hour of a day, or days from one to another."""
    start = slice_id.start
    if start is None:
        return "as last seen"
    if end is None or end - start == timedelta(days=1):
        return day(start.date())
    if end - start < timedelta(days=1):
        return f"{day(start.date())} {start:%H:%M} to {end:%H:%M}"
    return f"{day(start.date())} to {day(end.date() - timedelta(days=1))}"


@dataclass(frozen=True, slots=True)
class Wanted:
    """Why a slice is due, and its days; None for objects."""

    why: str
    days: Period | None = None


def due_slices(plan: Plan | None) -> dict[SliceId, Wanted]:
    """What is due of ads insights and of objects; other families name no slices, only tables and scopes."""
    if plan is None:
        return {}
    insights = {
        slice_id: Wanted(due.why, due.whole)
        for task in plan.insights
        for slice_id, due in zip(task.ids(), task.slices, strict=True)
    }
    return {**insights, **{task.id: Wanted(task.why) for task in plan.objects}}


def mark_in(source: Source, record: SliceRecord, place: Place | None, *, due: bool) -> Mark:
    """The mark of a slice that is known."""
    return mark_of(record.state, final=final(record, place, source.lookback_days), due=due)


def read_story(source: Source, ledger: Ledger, slice_id: SliceId) -> Story:
    """The story of one slice, also of one that was never asked for."""
    found = ledger.placed_slice(slice_id)
    due = due_slices(source.plan_of(ledger, slice_id.scope.partition("/")[0], slice_id.table)).get(slice_id)
    record, place = found or (None, None)
    run = ledger.run(record.run_id) if record else None
    return Story(
        id=slice_id,
        record=record,
        mark=mark_in(source, record, place, due=due is not None) if record else mark_of(None),
        why=due.why if due else None,
        files=ledger.files_of(slice_id),
        report_runs=[_report_run(row) for row in ledger.report_runs_of(slice_id, MOST_REPORT_RUNS)],
        command=run["command"] if run else None,
        failure=_failure(orjson.loads(run["summary"]), slice_id) if run else None,
    )


def slices_of_day(
    source: Source, ledger: Ledger, at: date, table: str | None, scope: str | None
) -> tuple[list[tuple[SliceRecord, Mark]], bool]:
    """The slices that start on a day: all of a table and scope, else those that are amiss. Whether there were more."""
    found: list[tuple[SliceRecord, Mark]] = []
    start = datetime.combine(at, time.min)
    for name, whose in _pairs(ledger, table, scope):
        for record, place in ledger.placed_slices_from(name, whose, start, start + timedelta(days=1)):
            mark = mark_in(source, record, place, due=False)
            if (table and scope) or mark in AMISS:
                found.append((record, mark))
        if len(found) > MOST_OF_A_DAY:
            break
    return found[:MOST_OF_A_DAY], len(found) > MOST_OF_A_DAY


def _pairs(ledger: Ledger, table: str | None, scope: str | None) -> list[tuple[str, str]]:
    """The tables and scopes to look through: the one, or all that have something amiss."""
    if table and scope:
        return [(table, scope)]
    amiss = {mark.value for mark in AMISS}
    rows = [row for row in ledger.standing() if row["state"] in amiss and table in (None, row["table_name"])]
    return list(dict.fromkeys((row["table_name"], row["scope"]) for row in rows))


def _report_run(row: Mapping[str, Any]) -> ReportRun:
    submitted = datetime.fromisoformat(row["submitted_at"])
    return ReportRun(
        row["report_run_id"], row["state"], submitted, codec.read_instant(row["finished_at"]), row["reason"]
    )


def _failure(summary: Mapping[str, Any], slice_id: SliceId) -> Mapping[str, Any] | None:
    """What the summary of a run says of this slice's failure."""
    start = slice_id.start.date().isoformat() if slice_id.start else ""
    wanted = (slice_id.table, slice_id.scope, start)
    told = summary.get("failures", [])
    return next((one for one in told if (one["table"], one["scope"], one["slice"]) == wanted), None)
