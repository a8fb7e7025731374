"""Owns how the ledger's memory becomes a plan: reads what is known, lets `plan` decide what is due."""

import gc
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime

import orjson

from pipeline.account import Account
from pipeline.due_slices import LeftOut, Memory, Wanted, left_out
from pipeline.family import Family
from pipeline.ledger import Ledger, Outline
from pipeline.orders import Orders
from pipeline.plan import InsightsTask, ObjectsTask, Plan, due_insights, due_objects
from pipeline.sizes import Sizes
from schemas.ad_objects import ObjectTable
from schemas.legality import remarks
from schemas.periods import Increment, Period, count_of, midnight, settled_minutes, slice_at
from schemas.reports import Report
from schemas.work import SliceId, SliceRecord

Slices = Callable[[str, str], Mapping[SliceId, SliceRecord]]
IN_FULL = "objects.in_full"
ENOUGH_CALLS = 10


@contextmanager
def _uncollected() -> Iterator[None]:
    """A plan makes a great many objects and no rubbish: to look for some meanwhile takes a sixth of the time."""
    collecting = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if collecting:
            gc.enable()


@_uncollected()
def planned(
    ledger: Ledger,
    accounts: Sequence[Account],
    orders: Orders,
    now: Callable[[], datetime],
    families: Sequence[Family] = (),
    known: Slices | None = None,
) -> Plan:
    """What is due of these accounts, a backfill's newest first; the clock is read once for all of it.

    `known` gives the slices of a table and scope where they were read already; the ledger does otherwise.
    """
    moment = now()
    alive = ledger.adoptable(moment)
    sizes = Sizes(ledger, now)
    insights: list[InsightsTask] = []
    missing: list[LeftOut] = []
    for account in accounts:
        wanted = orders.wanted(account, moment)
        for report in orders.reports:
            memory = (
                Memory(known(report.name, account.id))
                if known is not None
                else _memory(ledger, report, account, wanted, moment)
            )
            size = sizes.of(report.name, account.id, report.definition_hash)
            insights += due_insights(report, account, wanted, memory, moment, alive, size)
            missing += filter(None, [left_out(report, account, wanted, memory, moment)])
    if orders.choice.backfill:
        insights.sort(key=lambda task: task.period.start, reverse=True)
    listings = [
        task
        for account in accounts
        for table in (() if orders.choice.backfill else orders.objects)
        if (task := _listing(ledger, table, account, moment)) is not None
    ]
    others = [due for family in families for due in family.due(ledger, moment)]
    told = [(report.name, remark) for report in orders.reports for remark in remarks(report, moment.date())]
    return Plan(
        moment, tuple(insights), tuple(listings), tuple(others), _call_seconds(ledger), tuple(missing), tuple(told)
    )


def _memory(ledger: Ledger, report: Report, account: Account, wanted: Wanted, now: datetime) -> Memory:
    """What is known of a report and account; of slices without a gap only those that may be due, for there are many."""
    if not wanted.backfill and wanted.renew is None:
        minutes = settled_minutes(account.zone, wanted.lookback_days, now.year)
        moment = wanted.moment(account, now)
        before = moment.tomorrow if wanted.include_today else midnight(moment.today, account.zone)
        outline = ledger.outline(report.name, account.id, minutes, before, moment.tomorrow)
        settled = _settled(outline, report, wanted) if outline is not None else None
        if outline is not None and settled is not None:
            return Memory(outline.young, settled)
    return Memory(ledger.slices_of(report.name, account.id))


def _settled(outline: Outline, report: Report, wanted: Wanted) -> Period | None:
    """From the first to the last slice that is known; None if there is none, or one between them is not known."""
    if outline.first is None or outline.last is None:
        return None
    increment: Increment = report.time_increment  # type: ignore[assignment]  # legality has seen the texts
    first, last = outline.first.date(), outline.last.date()
    if outline.slices != count_of(first, last, increment):
        return None
    return Period(first, slice_at(last, increment, wanted.since).end)


def _call_seconds(ledger: Ledger) -> float | None:
    """What a call took in the last load that made enough of them to tell, waits and landing included."""
    for row in reversed(ledger.runs()):
        calls: int = sum(orjson.loads(row["summary"]).get("api_calls", {}).values())
        if calls >= ENOUGH_CALLS and row["finished_at"]:
            took = datetime.fromisoformat(row["finished_at"]) - datetime.fromisoformat(row["started_at"])
            return took.total_seconds() / calls
    return None


def _listing(ledger: Ledger, table: ObjectTable, account: Account, now: datetime) -> ObjectsTask | None:
    name = table.table.name
    noted = ledger.note(f"{IN_FULL}.{name}.{account.id}")
    in_full_at = datetime.fromisoformat(noted) if noted else None
    return due_objects(table, account, ledger.slice(SliceId(name, account.id, None)), in_full_at, now)


def remember_in_full(ledger: Ledger, task: ObjectsTask, at: datetime) -> None:
    """Archived and deleted objects of a table were read in full."""
    ledger.save_note(f"{IN_FULL}.{task.table.table.name}.{task.account.id}", at.isoformat())
