"""Owns one entry of app insights from its question to its landed days. A refused metric fails alone."""

import asyncio
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, field, replace
from datetime import datetime, time

import pyarrow as pa
import pyarrow.parquet as pq

from connectors.app_insights import AppAnswer, AppInsights, AppQuestion
from connectors.errors import Blocked, Fault, Refused, Retired, TokenRefused, TooMuch, VersionDead
from pipeline.app_insights_due import QUIET, AppSlice, final, groups
from pipeline.app_insights_reach import Reach
from pipeline.committer import Closing
from pipeline.errors import Inconsistent
from pipeline.lake import Fingerprint, path_of
from pipeline.normalise.app_values import AppFrame, AppRow, AppValues, frame, set_aside
from pipeline.normalise.frames import Source, quarantine_table
from pipeline.slices import SliceWriter, Target
from pipeline.uninterrupted import uninterrupted
from pipeline.workshop import Workshop
from schemas.app_insights import BORDER, OWNER, TABLE_NAME, ZONE, AppMetric
from schemas.app_insights_metrics import DAILY, HOURLY, RANGE
from schemas.columns import Table
from schemas.periods import SETTLING, Period, State
from schemas.work import SliceRecord

EXPECTED = (Fault, Inconsistent, OSError)
"""What fails the days of one question and nothing else."""
OF_ALL = (TokenRefused, Blocked, VersionDead)
"""What no app and no metric escapes."""
AT_ONCE = 8
"""Metrics of one app that are asked side by side."""
MOST_DAYS_OF_MANY_ROWS = 31
"""Days that one question asks for where each has a row per hour or breakdown: its rows are held in memory."""
HOURS = 24
MISSING = "Meta sent no value: missing, not zero"


class AppReading:
    """The receiver of an answer."""

    def __init__(self, task: "AppTask", pool: Executor, now: Callable[[], datetime]) -> None:
        self._task = task
        self._pool = pool
        self._now = now
        self.begin()

    def begin(self) -> None:
        """A reading begins; what was taken before is forgotten."""
        self.values = AppValues(self._task.entry, self._task.question.period if self._task.by_day else None)
        self.fetched_at = self._now()

    async def take(self, page: bytes) -> None:
        """One page."""
        await asyncio.get_running_loop().run_in_executor(self._pool, self.values.take, page)


@dataclass(frozen=True, slots=True)
class AppTask:
    """What is due of one entry and app; every group of it is one question."""

    app_id: str
    entry: AppMetric
    slices: tuple[AppSlice, ...]

    @property
    def scope(self) -> str:
        """Its scope."""
        return self.entry.scope(self.app_id)

    @property
    def by_day(self) -> bool:
        """Whether its slices are days, which can be asked together; the sums of two ranges cannot."""
        return self.entry.period in {DAILY, HOURLY}

    def groups(self, days: int) -> Iterator[tuple[AppSlice, ...]]:
        """The slices as they are asked together, at most so many days, and as many as memory bears."""
        many = self.entry.period == HOURLY or bool(self.entry.breakdowns)
        return groups(self.slices, min(days, MOST_DAYS_OF_MANY_ROWS if many else days) if self.by_day else 1)

    @property
    def question(self) -> AppQuestion:
        """What is asked of the connector."""
        first, last = self.slices[0].asked, self.slices[-1].asked
        return AppQuestion(self.app_id, self.entry, Period(first.start, last.end) if first and last else None)


@dataclass(slots=True)
class AppInsightsWork:
    """App insights in one run. `refused` and `retired` stand for good: nothing more is sent that depends on them."""

    shop: Workshop
    connector: AppInsights
    reach: Reach
    refused: Refused | None = None
    retired: dict[str, Retired] = field(default_factory=dict)

    async def of_app(self, tasks: Sequence[AppTask]) -> None:
        """Everything that is due of one app: one metric first, so that a refusal of all of them costs one call."""
        await self.do(tasks[0])
        turns = asyncio.Semaphore(AT_ONCE)
        async with asyncio.TaskGroup() as group:
            for task in tasks[1:]:
                group.create_task(self._in_turn(task, turns))

    async def _in_turn(self, task: AppTask, turns: asyncio.Semaphore) -> None:
        async with turns:
            await self.do(task)

    async def do(self, task: AppTask) -> None:
        """Asks for all days of a task, one question after the other, each as long as the API answers."""
        while task.slices:
            group = next(task.groups(self.reach.days(task.scope)))
            if await self._settled(replace(task, slices=group)):
                task = replace(task, slices=task.slices[len(group) :])

    async def _settled(self, task: AppTask) -> bool:
        """Whether the days of one question landed or failed; not if they have to be asked in smaller questions."""
        try:
            self._refuse(task)
            await self._ask(task)
        except TooMuch as fault:
            if len(task.slices) > 1:
                self.reach.refused(task.scope, len(task.slices))
                self.shop.say("task.halved", question=task.question.place, because=fault.message)
                return False
            await self._fail(task, _too_long(task, fault))
        except EXPECTED as fault:
            await self._fail(task, fault)
        return True

    def _refuse(self, task: AppTask) -> None:
        refused = self.refused or self.retired.get(task.app_id)
        if refused is not None:
            raise refused

    async def _fail(self, task: AppTask, fault: Exception) -> None:
        if isinstance(fault, OF_ALL):
            self.refused = fault
        elif isinstance(fault, Retired):
            self.retired[task.app_id] = fault
        await self.shop.committer.fail((self._record(task, found) for found in task.slices), fault)

    async def _ask(self, task: AppTask) -> None:
        reading = AppReading(task, self.shop.pool, self.shop.clock.now)
        answer = await self.connector.fetch(task.question, reading)
        loop = asyncio.get_running_loop()
        closings, contradictory = await loop.run_in_executor(self.shop.pool, self._closings, task, reading, answer)
        if closings:
            await uninterrupted(self.shop.committer.land(closings))
        for record, fault in contradictory:
            await self.shop.committer.fail([record], fault)

    # ---- in the pool ----

    def _closings(
        self, task: AppTask, reading: AppReading, answer: AppAnswer
    ) -> tuple[list[Closing], list[tuple[SliceRecord, Inconsistent]]]:
        """The slices of an answer, ready to land, and those whose rows contradict each other."""
        closings, contradictory = [], []
        for found, rows, aside in _divided(task, reading.values):
            record = replace(self._record(task, found), as_of=answer.as_of, fetched_at=reading.fetched_at)
            source = self._source(task, reading)
            days = found.asked if task.entry.period == RANGE else None
            try:
                framed = frame(self._table, task.entry, rows, days, source)
            except Inconsistent as fault:
                contradictory.append((record, fault))
                continue
            framed.aside.extend(set_aside(self._table, aside, source))
            record = replace(record, reason=_reason(task.entry, found, rows, framed, answer))
            closings.append(self._closing(task, found, record, framed))
        return closings, contradictory

    @property
    def _table(self) -> Table:
        return self.shop.tables[TABLE_NAME][0]

    def _closing(self, task: AppTask, found: AppSlice, record: SliceRecord, framed: AppFrame) -> Closing:
        """Rows that have stood long enough land once more with the moment at which they were first read.

        That is the read that makes the slice final: its footer then proves it.
        """
        place = task.entry.place(task.app_id, found.id.start)
        stood = self._stood(record, framed, path_of(TABLE_NAME, place))
        if stood is not None:
            record, framed = stood
        writer = SliceWriter(self.shop.committer.store.lake, Target(found.id, place, (self._table,)))
        writer.write(TABLE_NAME, framed.rows)
        if framed.aside:
            aside = [{**row, "slice_start": found.id.start} for row in framed.aside]
            writer.set_aside(quarantine_table(aside))
        return Closing(writer, record, final=final(record))

    def _stood(self, record: SliceRecord, framed: AppFrame, path: str) -> tuple[SliceRecord, AppFrame] | None:
        """What lies in the lake already, if it is the same and has been for as long as makes it final; else None."""
        store = self.shop.committer.store
        known = store.ledger.slice(record.id)
        if known is None or not _could_be_quiet(known, record) or framed.aside:
            return None
        sums = Fingerprint(self._table)
        sums.add(framed.rows)
        here = store.lake.root / path
        files = store.ledger.files_of(record.id)
        if [(file.path, file.fingerprint) for file in files] != [(path, sums.text)] or not here.exists():
            return None
        rows: pa.Table = pq.ParquetFile(here).read()
        return replace(record, fetched_at=known.fetched_at, run_id=known.run_id), AppFrame(rows, [])

    def _record(self, task: AppTask, found: AppSlice) -> SliceRecord:
        return SliceRecord(
            id=found.id,
            end=datetime.combine(found.asked.end, time.min) if found.asked else None,
            time_zone=ZONE,
            state=State.LANDED,
            rows=0,
            as_of=None,
            fetched_at=None,
            run_id=self.shop.run_id,
            definition=task.entry.definition,
        )

    def _source(self, task: AppTask, reading: AppReading) -> Source:
        return Source(
            table=TABLE_NAME,
            scope=task.scope,
            owner=OWNER,
            owner_id=task.app_id,
            fetched_at=reading.fetched_at,
            run_id=self.shop.run_id,
            place=task.question.place,
        )


def _too_long(task: AppTask, fault: TooMuch) -> TooMuch:
    """The fault of a single slice, which cannot be cut: what can be made smaller is what is asked of it."""
    message = f"{fault.message}; {task.scope} needs fewer breakdowns, or another period"
    return TooMuch(message, **fault.common())


def _could_be_quiet(known: SliceRecord, record: SliceRecord) -> bool:
    """Whether the earlier reading lies so far back that finding it unchanged makes the day final."""
    if known.fetched_at is None or record.as_of is None or record.end is None or known.state not in SETTLING:
        return False
    return known.definition == record.definition and record.as_of - known.fetched_at >= QUIET


def _divided(
    task: AppTask, values: AppValues
) -> Iterator[tuple[AppSlice, Sequence[AppRow], Sequence[tuple[str, str]]]]:
    """Each slice with its rows; what is none of them is set aside with the first."""
    by_day = values.by_day() if task.by_day else {}
    for number, found in enumerate(task.slices):
        rows = by_day.get(found.asked.start, []) if task.by_day and found.asked else values.rows
        yield found, rows, values.aside if number == 0 else ()


def _reason(entry: AppMetric, found: AppSlice, rows: Sequence[AppRow], framed: AppFrame, answer: AppAnswer) -> str:
    """What there is to say of a slice: that it is missing, how many hours are, what Meta said about it."""
    missing = MISSING if not rows and not framed.aside else ""
    if rows and entry.period == HOURLY and found.asked is not None:
        lost = HOURS - len({row.time.astimezone(BORDER).hour for row in rows})
        missing = f"Meta sent no value for {lost} of {HOURS} hours: missing, not zero" if lost else ""
    return "; ".join(filter(None, [missing, *answer.messages]))
