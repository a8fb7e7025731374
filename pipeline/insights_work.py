"""Owns one task of ads insights from its question to its landed slices."""

import asyncio
from collections.abc import Mapping
from concurrent.futures import Executor
from dataclasses import dataclass, replace
from datetime import datetime, time

from connectors.ads_insights.connector import AdsInsights
from connectors.base import Answer
from connectors.errors import Fault, TooMuch
from connectors.http.clock import Clock
from pipeline.committer import Closing, Committer
from pipeline.errors import Inconsistent
from pipeline.normalise.frames import Source
from pipeline.normalise.layout import Layout
from pipeline.plan import DueSlice, InsightsTask
from pipeline.reading import InsightsReading, Into
from pipeline.refusals import Refusals
from pipeline.slices import Target
from schemas.columns import Table
from schemas.events import Say
from schemas.periods import State, settled_at, today_in
from schemas.work import SliceId, SliceRecord, day_place

OWNER = "account_id"
NOT_OVER = "the day is not over"


@dataclass(frozen=True, slots=True)
class InsightsWork:
    """What the tasks of one run share; `tables` are every table a report has or had, the facts first."""

    connector: AdsInsights
    committer: Committer
    refusals: Refusals
    clock: Clock
    pool: Executor
    say: Say
    tables: Mapping[str, tuple[Table, ...]]
    run_id: str
    lookback_days: int

    async def do(self, task: InsightsTask) -> None:
        """Carries the task out; one that is too much is halved, and its halves go the same way."""
        try:
            await self._once(task)
        except TooMuch as fault:
            halves = task.halves()
            if halves is None:
                await self.committer.fail(self._records(task), fault)
                return
            self.say("task.halved", question=task.question.place, because=fault.message)
            async with asyncio.TaskGroup() as group:
                for half in halves:
                    group.create_task(self.do(half))

    async def _once(self, task: InsightsTask) -> None:
        refused = self.refusals.of(task.account.id)
        if refused is not None:
            await self.committer.fail(self._records(task), refused)
            return
        reading = InsightsReading(self._into(task), self.committer.store.lake, self.pool, self.clock.now, self.say)
        try:
            answer = await self.connector.fetch(task.question, reading)
            await reading.finish()
            await self.committer.land(self._closings(task, reading, answer))
        except TooMuch:
            raise
        except (Fault, Inconsistent, OSError) as fault:
            self.refusals.learn(task.account.id, fault)
            await self.committer.fail(self._records(task), fault)
        finally:
            await reading.stop()

    def _into(self, task: InsightsTask) -> Into:
        tables = self.tables[task.report.name]
        targets = {due.whole.start: _target(task, due, tables) for due in task.slices}
        question = task.question
        source = Source(
            table=task.report.name,
            scope=task.account.id,
            owner=OWNER,
            owner_id=task.account.id,
            fetched_at=self.clock.now(),
            run_id=self.run_id,
            place=question.place,
        )
        return Into(Layout(task.report), targets, source)

    def _records(self, task: InsightsTask) -> list[SliceRecord]:
        today = today_in(task.account.zone, self.clock.now())
        return [
            SliceRecord(
                id=SliceId.of_day(task.report.name, task.account.id, due.whole.start),
                end=datetime.combine(due.asked.end, time.min),
                time_zone=task.account.zone,
                state=State.PARTIAL if today in due.asked else State.LANDED,
                rows=0,
                as_of=None,
                fetched_at=None,
                run_id=self.run_id,
                definition=task.report.definition_hash,
                reason=NOT_OVER if today in due.asked else "",
            )
            for due in task.slices
        ]

    def _closings(self, task: InsightsTask, reading: InsightsReading, answer: Answer) -> list[Closing]:
        self._report(task, reading)
        writers = reading.release()
        closings = []
        for due, record in zip(task.slices, self._records(task), strict=True):
            settled = settled_at(due.whole, task.account.zone, self.lookback_days)
            read = replace(record, as_of=answer.as_of, fetched_at=reading.fetched_at)
            final = settled is not None and answer.as_of >= settled
            opt_in = bool(task.report.opt_in_breakdowns)
            closings.append(Closing(writers[due.whole.start], read, final, opt_in))
        return closings

    def _report(self, task: InsightsTask, reading: InsightsReading) -> None:
        """What was not as declared is said once an answer, with how often."""
        for name, rows in reading.lacking.items():
            self.say("rows.lack_breakdown", question=task.question.place, breakdown=name, rows=rows)
        for name, rows in reading.unknown.items():
            self.say("rows.unknown_field", question=task.question.place, field=name, rows=rows)


def _target(task: InsightsTask, due: DueSlice, tables: tuple[Table, ...]) -> Target:
    return Target(
        SliceId.of_day(task.report.name, task.account.id, due.whole.start),
        day_place(OWNER, task.account.id, due.whole),
        tables,
    )
