"""Owns Advanced Attribution as a family: its tables, what of it is due, and the order in which a load goes about it.

Configured reports are settled at Meta first, then due reports are run, then the lists are read, so that they show both.
A line of business that does not answer is one failure; the others go on.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from connectors.attribution.reads import Reads
from connectors.attribution.runs import Patience, Runs
from connectors.attribution.writes import Writes
from connectors.errors import Fault, PermissionRefused
from connectors.http.retry import Policy
from pipeline.attribution_book import AttributionBook
from pipeline.attribution_due import ZONE, ReportDue, Wish, due_report, in_plan, why_list
from pipeline.attribution_lists import FAMILY, AttributionLists
from pipeline.attribution_runs import AttributionRuns, Question
from pipeline.attribution_settling import Settling
from pipeline.catalogue import Owned
from pipeline.committer import failure_of
from pipeline.due import Due
from pipeline.ledger import Ledger
from pipeline.line import Line
from pipeline.workshop import Workshop
from schemas.attribution import LISTS, REPORT_RUNS, REPORTS, ROWS, ROWS_TABLE, SCHEDULES
from schemas.attribution_reports import PART, AttributionReport, canonical, hash_of
from schemas.periods import midnight, today_in
from schemas.work import SliceId, SliceRecord

ONCE = Policy(attempts=1)
CALLS_OF_A_RUN = 6
"""Listing before, starting, three looks, the address of the file: for the estimate of a plan alone."""
SHOW_REPORTS = frozenset({REPORTS.table.name, REPORT_RUNS.table.name, SCHEDULES.table.name})
"""The lists that change with what a load makes: read again whenever it made something."""


@dataclass(frozen=True, slots=True)
class Runnable:
    """A report that is to be run: its id at Meta, its definition and hash, and the configured report that it is."""

    id: str
    definition: dict[str, Any]
    hash: str
    ours: AttributionReport | None = None


@dataclass(frozen=True, slots=True)
class AttributionFamily:
    """The configured lines of business, narrowed to what a command is about.

    `tables` are those it is about, `lines` the lines of business; `filters` go with the edges that they are named by.
    """

    owners: tuple[str, ...]
    lines: tuple[str, ...]
    tables: frozenset[str]
    reports: tuple[AttributionReport, ...]
    filters: Mapping[str, Mapping[str, Any]]
    wish: Wish
    patience: Patience
    most_at_once: int
    name: str = FAMILY

    @property
    def owned(self) -> Sequence[Owned]:
        """Its tables; none has a grain that could change."""
        return [Owned(t.name, FAMILY, FAMILY, (t,)) for t in (*(one.table for one in LISTS), ROWS_TABLE)]

    def due(self, ledger: Ledger, now: datetime) -> Sequence[Due]:
        """What is due, as far as the ledger alone tells."""
        return [
            entry
            for line in self.lines
            for entry in (*self._due_lists(ledger, line, now), *self._due_rows(ledger, line, now))
        ]

    async def load(self, shop: Workshop, line: Line) -> None:
        """Loads what is due of every line of business, one by one; refused for all is refused whole."""
        due = [name for name in self.lines if self.due_of(shop.committer.store.ledger, name, shop.clock.now())]
        refused = [await _LineWork.of(self, shop, line, name).load() for name in due]
        denied = [fault for fault in refused if isinstance(fault, PermissionRefused)]
        if denied and len(denied) == len(self.owners):
            shop.refusals.families[FAMILY] = denied[0]

    def due_of(self, ledger: Ledger, line: str, now: datetime) -> Sequence[Due]:
        """What is due of one line of business."""
        return replace(self, lines=(line,)).due(ledger, now)

    def of_line(self, line: str) -> tuple[AttributionReport, ...]:
        """The configured reports of one line of business."""
        return tuple(report for report in self.reports if report.line == line)

    def lists_due(self, ledger: Ledger, line: str, now: datetime) -> Mapping[str, str]:
        """Why each list that is due is due."""
        found = {name: why_list(_list(ledger, name, line), now, self.wish) for name in self._lists()}
        return {name: why for name, why in found.items() if why is not None}

    def unsettled(self, book: AttributionBook, line: str) -> Mapping[str, str]:
        """Why each configured report that is not at Meta as it is configured is due."""
        found = {report.name: _why_unsettled(book, report) for report in self.of_line(line)}
        return {name: why for name, why in found.items() if why is not None and ROWS in self.tables}

    def _lists(self) -> list[str]:
        return [one.table.name for one in LISTS if one.table.name in self.tables]

    def _due_lists(self, ledger: Ledger, line: str, now: datetime) -> list[Due]:
        return [Due(name, line, 1, (why,), 1) for name, why in self.lists_due(ledger, line, now).items()]

    def _due_rows(self, ledger: Ledger, line: str, now: datetime) -> list[Due]:
        """Reports as the ledger knows them; those that it does not know are one entry of the line of business."""
        if ROWS not in self.tables:
            return []
        book = AttributionBook(ledger, line)
        unsettled = self.unsettled(book, line)
        changing = {(book.report(name) or {}).get("id") for name in unsettled}
        calls = CALLS_OF_A_RUN * max(1, len(unsettled))
        why = sorted(set(unsettled.values())) or ([] if self.of_line(line) else self._why_look(book, now))
        found = [Due(ROWS, line, max(1, len(unsettled)), tuple(why), calls)] if why else []
        for report, note in book.runnable().items():
            due = _due(ledger, line, report, note["date_range"], note["hash"], now, self.wish)
            if due is not None and report not in changing:
                found.append(in_plan(due, CALLS_OF_A_RUN))
        return found

    def _why_look(self, book: AttributionBook, now: datetime) -> list[str]:
        """Why somebody else's reports are looked for: once a day, as new ones may be there."""
        looked = book.looked_at()
        if self.wish.only_failed or (looked is not None and looked >= midnight(today_in(ZONE, now), ZONE)):
            return []
        return ["its reports are not known yet" if looked is None else "new reports may be there"]


@dataclass(frozen=True, slots=True)
class _LineWork:
    """One line of business in one load."""

    family: AttributionFamily
    shop: Workshop
    book: AttributionBook
    settling: Settling
    lists: AttributionLists
    runs: AttributionRuns

    @classmethod
    def of(cls, family: AttributionFamily, shop: Workshop, line: Line, name: str) -> "_LineWork":
        reads = Reads(line.graph())
        writes = Writes(reads, line.graph(policy=ONCE), shop.clock, shop.say)
        book = AttributionBook(shop.committer.store.ledger, name)
        settling = Settling(book, reads, writes, shop.say)
        target = line.target
        runs = Runs(reads, line.http, shop.clock, family.patience, target.address(""), target.timeout_seconds, shop.say)
        lists = AttributionLists(shop, reads, name, family.filters)
        return cls(family, shop, book, settling, lists, AttributionRuns(shop, book, settling, runs))

    async def load(self) -> Fault | None:
        """Everything that is due; what fails is recorded, and a refusal of the whole line of business comes back."""
        line, now = self.book.line, self.shop.clock.now()
        due = dict(self.family.lists_due(self.book.ledger, line, now))
        opening = self.lists.record(next(iter(due), ROWS))
        try:
            refused = self.shop.refusals.of(f"{FAMILY} {line}")
            if refused is not None:
                raise refused
            await self.settling.reads.line(line)
        except Fault as fault:
            self.shop.refusals.learn(f"{FAMILY} {line}", fault)
            await self._refused(opening, fault)
            return fault
        ran = ROWS in self.family.tables and await self._rows(now)
        wanted = due.keys() | (SHOW_REPORTS & self.family.tables if ran else set())
        for table in (one for one in LISTS if one.table.name in wanted):
            await self.lists.load(table)
        return None

    async def _refused(self, record: SliceRecord, fault: Fault) -> None:
        """One failure for the whole line of business: of a list that is due, so that it stays due."""
        if record.id.table == ROWS:
            self._fail("", fault)
        else:
            await self.shop.committer.fail([record], fault)

    async def _rows(self, now: datetime) -> bool:
        """Settles and runs reports; whether anything was made."""
        try:
            reports = await (self._configured() if self.family.of_line(self.book.line) else self._existing())
        except Fault as fault:
            self._fail("", fault)
            return False
        self.book.keep_runnable(
            {one.id: {"date_range": one.definition.get("date_range", {}), "hash": one.hash} for one in reports}, now
        )
        wish, ledger = self.family.wish, self.book.ledger
        found = []
        for one in reports:
            try:
                due = _due(ledger, self.book.line, one.id, one.definition.get("date_range", {}), one.hash, now, wish)
            except ValueError as error:
                self._fail(one.id, error)
                continue
            if due is not None:
                found.append((due, Question(one.id, one.definition, one.hash, due.part, one.ours)))
        slots = asyncio.Semaphore(self.family.most_at_once)
        async with asyncio.TaskGroup() as group:
            for due, question in found:
                group.create_task(self._run(due, question, slots))
        return bool(found)

    async def _run(self, due: ReportDue, question: Question, slots: asyncio.Semaphore) -> None:
        async with slots:
            await self.runs.load(due, question)

    async def _configured(self) -> list[Runnable]:
        """The configured reports as they are at Meta now; one that cannot be settled is a failure of its own."""
        found = []
        for report in self.family.of_line(self.book.line):
            try:
                report_id = await self.settling.settled(report)
                await self.settling.scheduled(report, report_id)
            except Fault as fault:
                self._fail("", fault)
                continue
            found.append(Runnable(report_id, report.posted["definition"], report.hash, report))
        return found

    async def _existing(self) -> list[Runnable]:
        """The reports that somebody made at Meta; what is left of parts of ours is none of them."""
        listed = await self.settling.reports()
        whole = (one for one in listed if not PART.search(str(one.get("name"))) and str(one["id"]).isdigit())
        definitions = ((str(one["id"]), one.get("definition") or {}) for one in whole)
        return [Runnable(name, definition, hash_of(canonical(definition))) for name, definition in definitions]

    def _fail(self, report: str, fault: Exception) -> None:
        """A failure of what has no slice: a report that is not there yet, or whose days nobody can tell."""
        record = self.lists.record(ROWS)
        scope = f"{self.book.line}/{report}" if report else self.book.line
        named = replace(record, id=SliceId(ROWS, scope, None))
        self.shop.committer.totals.failures.append(failure_of(named, fault))
        self.shop.say("attribution.failed", scope=scope, because=str(fault))


def _list(ledger: Ledger, table: str, line: str) -> SliceRecord | None:
    return ledger.slice(SliceId(table, line, None))


def _due(
    ledger: Ledger, line: str, report: str, date_range: Mapping[str, Any], definition: str, now: datetime, wish: Wish
) -> ReportDue | None:
    scope = f"{line}/{report}"
    return due_report(scope, date_range, definition, ledger.slices_of(ROWS, scope), now, wish)


def _why_unsettled(book: AttributionBook, report: AttributionReport) -> str | None:
    noted = book.report(report.name)
    if noted is None:
        return "never settled"
    if noted["hash"] != report.hash:
        return "its definition changed"
    changed = report.schedule is not None and book.schedule(report.name) != hash_of(report.schedule)
    return "its schedule changed" if changed else None
