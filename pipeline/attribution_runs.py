"""Owns a report's slice from its question to its landed rows: run, wait, divide where it is too much, type, land."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, time
from typing import Any

from connectors.attribution.runs import COMPLETED, ERROR, TIMEOUT, TOO_MUCH, Runs
from connectors.attribution.smaller import halves
from connectors.errors import Fault, GaveUp, Missing, TooMuch
from pipeline.attribution_book import AttributionBook
from pipeline.attribution_due import ReportDue, final
from pipeline.attribution_settling import Settling
from pipeline.committer import Closing
from pipeline.errors import Inconsistent
from pipeline.normalise.attribution_rows import RunFile, rows_of
from pipeline.normalise.frames import Source, quarantine_table
from pipeline.slices import SliceWriter, Target
from pipeline.workshop import Workshop
from schemas.attribution import REPORT, ROWS
from schemas.attribution_reports import AttributionReport, canonical, hash_of
from schemas.periods import ONE_DAY, Period, State
from schemas.work import Place, SliceRecord

MOST_RUNS = 3
"""Runs of one question that end as `error` before it is given up for this load."""
MOST_PARTS = 6
"""How often a report is halved: 64 parts."""


@dataclass(frozen=True, slots=True)
class Question:
    """What one run is asked: a report at Meta, its definition and days, and which part of the whole it is.

    `part` is '' for the whole, '0' and '1' for its halves, '00' and so on for theirs. `ours` is the configured report
    that it belongs to: only of those are parts made.
    """

    report: str
    definition: dict[str, Any]
    hash: str
    period: Period
    ours: AttributionReport | None
    part: str = ""

    @property
    def tag(self) -> str:
        """What a run in the ledger is recognised by; of a part also which campaigns and days it is: they may move."""
        return f"{self.hash}/{self.part}/{hash_of(canonical(self.definition))}" if self.part else self.hash


@dataclass(slots=True)
class Reading:
    """What is read for one slice: the files of its parts in order, and when the first of their runs was started."""

    due: ReportDue
    record: SliceRecord
    files: list[RunFile] = field(default_factory=list)
    as_of: datetime | None = None


@dataclass(frozen=True, slots=True)
class AttributionRuns:
    """The report runs of one line of business in one run of ours."""

    shop: Workshop
    book: AttributionBook
    settling: Settling
    runs: Runs

    async def load(self, due: ReportDue, question: Question) -> None:
        """Carries one slice out."""
        reading = Reading(due, self._record(due, question))
        try:
            await self._ask(question, reading)
            await self._land(question.report, reading)
        except (Fault, Inconsistent, OSError) as fault:
            self.shop.refusals.learn(f"attribution {self.book.line}", fault)
            await self.shop.committer.fail([reading.record], fault)

    async def _land(self, report: str, reading: Reading) -> None:
        """Lands what was read. A file that cannot be read ends its run: the next load is to ask for another."""
        read = replace(reading.record, as_of=reading.as_of, fetched_at=self.shop.clock.now())
        loop = asyncio.get_running_loop()
        try:
            writer = await loop.run_in_executor(self.shop.pool, self._written, read, report, reading)
            await self.shop.committer.land([Closing(writer, read, final=final(read))])
        except (Fault, Inconsistent) as fault:
            await self._end_all(reading, "failed", str(fault))
            raise
        await self._end_all(reading, "read")

    async def _end_all(self, reading: Reading, state: str, reason: str = "") -> None:
        for file in reading.files:
            await self._end(file.run, state, reason)

    # ---- asking ----

    async def _ask(self, question: Question, reading: Reading) -> None:
        """Reads the whole of a question, in one run or in as many parts as it takes."""
        whole = reading.record.id.scope.rpartition("/")[2]
        status = self.book.too_much(whole, question.hash).get(question.part)
        status = status or await self._one(question, reading)
        if status is None:
            return
        parts = await self._halves(question, status)
        self.book.learn_too_much(whole, question.hash, question.part, status)
        for part in parts:
            await self._ask(part, reading)

    async def _halves(self, question: Question, status: str) -> Sequence[Question]:
        """The parts of a question whose run ended with this status, each a report of its own at Meta.

        Raises:
            TooMuch: It cannot be divided.
        """
        if question.ours is None:
            raise _too_much(question, status, "only reports that are configured here are divided")
        campaigns = await self.settling.reads.objects(f"{self.book.line}/campaigns", "id,name")
        found = halves(question.definition, question.period, campaigns, days_first=status == TIMEOUT)
        if found is None or len(question.part) == MOST_PARTS:
            raise _too_much(question, status, "its rows tell neither campaigns nor days apart, or there is only one")
        parts = []
        for number, (definition, period) in enumerate(found):
            part = replace(question, definition=dict(definition), period=period, part=f"{question.part}{number}")
            parts.append(replace(part, report=await self.settling.settled(_part_of(question.ours, part))))
        self.shop.say("attribution.divided", report=question.report, part=question.part, because=status)
        return parts

    async def _one(self, question: Question, reading: Reading) -> str | None:
        """One run of a question, or a few where it ends as `error`; the status by which it was too much, if it was."""
        for _ in range(MOST_RUNS):
            run, at = await self._started(question, reading.record)
            try:
                status = await self.runs.ended(run)
                data = await self.runs.file(run) if status == COMPLETED else b""
            except Missing as fault:  # an adopted run may be forgotten by now
                await self._end(run, "expired", fault.message)
                continue
            if status == COMPLETED:
                self.shop.say("attribution.downloaded", run=run, bytes=len(data))
                reading.as_of = min(reading.as_of or at, at)
                reading.files.append(await self._file(run, data, question, reading.due))
                return None
            await self._end(run, "failed", f"it ended as {status}")
            if status in TOO_MUCH:
                return status
            if status != ERROR:
                raise GaveUp(f"the report run ended as {status!r}, which nobody documents", place=f"run {run}")
        raise GaveUp(f"{MOST_RUNS} report runs ended as error", place=f"report {question.report}")

    async def _started(self, question: Question, record: SliceRecord) -> tuple[str, datetime]:
        """A run that is alive, and when it was started; its id is committed before anybody waits for it."""
        adopted = self.book.adoptable(record, question.tag, self.shop.clock.now())
        if adopted is not None:
            self.shop.say("attribution.run_adopted", run=adopted[0])
            return adopted
        at = self.shop.clock.now()
        name = f"insights {record.id.start:%Y-%m-%d} {question.tag}"
        run = await self.settling.writes.start_run(question.report, {"name": name})
        self.shop.say("attribution.run_started", run=run)
        loop = asyncio.get_running_loop()
        kept = replace(record, definition=question.tag)
        await loop.run_in_executor(self.shop.pool, self.book.ledger.submitted, run, kept, at)
        self.shop.say("attribution.run_kept", run=run)
        return run, at

    async def _end(self, run: str, state: str, reason: str = "") -> None:
        loop = asyncio.get_running_loop()
        ledger, now = self.book.ledger, self.shop.clock.now()
        await loop.run_in_executor(self.shop.pool, ledger.report_run_ended, run, state, now, reason)

    async def _file(self, run: str, data: bytes, question: Question, due: ReportDue) -> RunFile:
        wanted = question.definition.get("column_definitions", ())
        columns = await self.settling.columns()
        return RunFile(run, self.book.line, data, due.whole.start, due.part.until, wanted, columns)

    # ---- landing ----

    def _record(self, due: ReportDue, question: Question) -> SliceRecord:
        return SliceRecord(
            id=due.id,
            end=datetime.combine(due.part.end, time.min),
            time_zone=due.zone,
            state=State.LANDED,
            rows=0,
            as_of=None,
            fetched_at=None,
            run_id=self.shop.run_id,
            definition=question.hash,
        )

    def _written(self, record: SliceRecord, report: str, reading: Reading) -> SliceWriter:
        """All parts' rows in one writer, under the name of the first run; runs in the pool."""
        table, first = self.shop.tables[ROWS][0], reading.due.whole.start
        place = Place(((REPORT, report),), reading.files[0].run, ("date_start", first, first + ONE_DAY))
        source = Source(
            table=ROWS,
            scope=record.id.scope,
            owner=REPORT,
            owner_id=report,
            fetched_at=record.fetched_at or self.shop.clock.now(),
            run_id=self.shop.run_id,
            place=f"{ROWS} {record.id.scope}",
        )
        writer = SliceWriter(self.shop.committer.store.lake, Target(record.id, place, (table,)))
        try:
            for file in reading.files:
                rows, aside = rows_of(file, table, source)
                writer.write(ROWS, rows)
                if aside:
                    writer.set_aside(quarantine_table([{**row, "slice_start": record.id.start} for row in aside]))
        except BaseException:
            writer.discard()
            raise
        return writer


def _part_of(report: AttributionReport, part: Question) -> AttributionReport:
    """A part as a report of its own: the same without mails, named so that it is found again."""
    body = {
        "name": f"{report.name} [part {part.part}]",
        "file_format": report.posted["file_format"],
        "definition": part.definition,
    }
    return AttributionReport.of(report.line, body, None)


def _too_much(question: Question, status: str, why: str) -> TooMuch:
    return TooMuch(f"the report run ended as {status}, and {why}", place=f"report {question.report}")
