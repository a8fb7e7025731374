"""Owns one task of ads insights from its question to its landed slices, and what is asked when it is too much."""

import asyncio
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, time
from typing import Any

from connectors.ads_insights.connector import AdsInsights
from connectors.base import Answer
from connectors.errors import Fault, OutOfRange, TooMuch
from pipeline.committer import Closing
from pipeline.due_slices import DueSlice, LeftOut
from pipeline.errors import Inconsistent
from pipeline.insights_parts import HELD_ROWS, Found, PartReading, SliceInParts, wants_less
from pipeline.isolation import state_of, undone
from pipeline.landed_ids import landed_ids
from pipeline.normalise.frames import Source
from pipeline.normalise.layout import Layout
from pipeline.part_buffer import PartBuffer
from pipeline.plan import InsightsTask
from pipeline.reading import InsightsReading, Into
from pipeline.sizes import Size, Sizes
from pipeline.slices import SliceWriter, Target
from pipeline.uninterrupted import uninterrupted
from pipeline.workshop import Workshop
from schemas.columns import Table
from schemas.periods import State, settled_at, today_in
from schemas.retention import kept
from schemas.work import SliceId, SliceRecord, day_place

OWNER = "account_id"
NOT_OVER = "the day is not over"
EXPECTED = (Fault, Inconsistent, OSError)
"""What fails a slice and nothing else."""


@dataclass(frozen=True, slots=True)
class InsightsWork:
    """Ads insights in one run."""

    shop: Workshop
    connector: AdsInsights
    lookback_days: int
    sizes: Sizes
    _claimed: set[SliceId] = field(default_factory=set)
    _turns: dict[tuple[str, str], asyncio.Lock] = field(default_factory=lambda: defaultdict(asyncio.Lock))

    async def in_time(self, task: InsightsTask) -> None:
        """Carries the task out, or what of it can be had before the run gives up."""
        why = await undone(self.shop, self.do(task))
        if why is not None:
            await self.shop.committer.fail(self._unclaimed(task), why, state_of(why))

    def _unclaimed(self, task: InsightsTask) -> list[SliceRecord]:
        return [record for record in self._records(task) if record.id not in self._claimed]

    async def leave_out(self, left: LeftOut) -> None:
        """Records slices that are not asked on purpose, once."""
        task = InsightsTask(left.report, left.account, tuple(DueSlice(whole, whole, "") for whole in left.new))
        await self.shop.committer.skip(replace(record, reason=left.reason) for record in self._records(task))

    async def do(self, task: InsightsTask) -> None:
        """Carries the task out, in pieces of a size that worked."""
        pieces = task.cut(self._known(task).days)
        if len(pieces) > 1:
            await self._do_all(pieces)
        elif len(task.slices) == 1 and task.adopted is None and self._known(task).parts:
            await self._in_parts(task, None)
        else:
            await self._whole(task)

    def _known(self, task: InsightsTask) -> Size:
        return self.sizes.of(task.report.name, task.account.id, task.report.definition_hash)

    async def _do_all(self, pieces: Sequence[InsightsTask]) -> None:
        async with asyncio.TaskGroup() as group:
            for piece in pieces:
                group.create_task(self.do(piece))

    # ---- one question ----

    async def _whole(self, task: InsightsTask) -> None:
        """One question; the same smaller when it is too much, or beside it when its report run is stuck."""
        stuck = asyncio.Event()
        asking = asyncio.ensure_future(self._ask(task, stuck.set))
        listening = asyncio.ensure_future(stuck.wait())
        try:
            await asyncio.wait({asking, listening}, return_when=asyncio.FIRST_COMPLETED)
            if asking.done():
                await self._settle(task, asking)
            else:
                await self._beside(task, asking)
        finally:
            await _end(listening)
            await _end(asking)

    async def _settle(self, task: InsightsTask, asking: "asyncio.Future[None]") -> None:
        try:
            await asking
        except TooMuch as fault:
            await self._smaller(task, fault)
        except EXPECTED as fault:
            await self._not_had(task, fault)

    async def _not_had(self, task: InsightsTask, fault: Exception) -> None:
        """What Meta cannot generate is asked smaller: one slice now, several by the next load, should it last."""
        if isinstance(fault, OutOfRange):
            await self._too_old(task, fault)
            return
        if isinstance(fault, Fault) and wants_less(fault):
            if len(task.slices) == 1:
                await self._smaller(task, fault)
                return
            self.sizes.refused(task.report.name, task.account.id, task.period.days)
        await self._fail(task, fault)

    async def _too_old(self, task: InsightsTask, fault: OutOfRange) -> None:
        """Only what grew too old since the plan was made is skipped; of anything else Meta should have the rows."""
        limit = kept(task.report, today_in(task.account.zone, self.shop.clock.now())).since
        halves = task.halves()
        if task.period.start >= limit:
            await self._fail(task, fault)
        elif halves is None:
            await self.shop.committer.fail(self._records(task), fault, State.SKIPPED)
        else:
            await self._do_all(halves)

    async def _beside(self, task: InsightsTask, asking: "asyncio.Future[None]") -> None:
        """Both ways at once: whichever gives a slice first gives all of it (design 6)."""
        smaller = asyncio.ensure_future(self._smaller(task, TooMuch("its report run is stuck")))
        try:
            await asyncio.wait({asking, smaller}, return_when=asyncio.FIRST_COMPLETED)
            if not asking.done() or asking.exception() is not None:
                await smaller
        finally:
            await _end(smaller)

    async def _ask(self, task: InsightsTask, on_stuck: Callable[[], None] | None = None) -> None:
        """Asks and lands.

        Raises:
            Fault: Also `TooMuch`.
            Inconsistent: Rows contradict each other.
            OSError: Files could not be written.
        """
        self._refuse(task)
        lake = self.shop.committer.store.lake
        reading = InsightsReading(self._into(task), lake, self.shop.pool, self.shop.clock.now, self.shop.say)
        try:
            answer = await self.connector.fetch(task.question, reading, on_stuck)
            await reading.finish()
            self._report(task, reading)
            await self._land(self._closings(task, reading, answer))
        finally:
            await reading.stop()
        self.sizes.worked(task.report.name, task.account.id, task.period.days)

    def _refuse(self, task: InsightsTask) -> None:
        refused = self.shop.refusals.of(task.account.id)
        if refused is not None:
            raise refused

    async def _fail(self, task: InsightsTask, fault: Exception) -> None:
        self.shop.refusals.learn(task.account.id, fault)
        records = self._unclaimed(task)
        await self.shop.committer.fail(records, fault)

    async def _land(self, closings: Sequence[Closing]) -> None:
        """Lands what no other answer of this run has; one that is called off has landed, has failed, or not begun."""
        free = [closing for closing in closings if closing.record.id not in self._claimed]
        for closing in closings:
            if closing not in free:
                closing.writer.discard()
        self._claimed.update(closing.record.id for closing in free)
        if not free:
            return
        landing = asyncio.ensure_future(self.shop.committer.land(free))
        try:
            await uninterrupted(landing)
        except Exception:
            self._release(free)
            raise
        except asyncio.CancelledError:
            fault = landing.exception() if landing.done() and not landing.cancelled() else None
            if isinstance(fault, Exception):
                self._release(free)
                await self.shop.committer.fail([closing.record for closing in free], fault)
            raise

    def _release(self, closings: Iterable[Closing]) -> None:
        """Nothing of these has landed after all: they may be had in another way, or fail."""
        self._claimed.difference_update(closing.record.id for closing in closings)

    # ---- smaller questions ----

    async def _smaller(self, task: InsightsTask, fault: Fault) -> None:
        """The days by halves, the first before the rest, which is cut as that one taught; a single slice in parts."""
        self.sizes.refused(task.report.name, task.account.id, task.period.days)
        halves = task.halves()
        if halves is None:
            await self._in_parts(task, fault)
            return
        self.shop.say("task.halved", question=task.question.place, because=fault.message)
        for half in halves:
            await self.do(half)

    async def _in_parts(self, task: InsightsTask, refused: Fault | None) -> None:
        """One slice of a report and account after the other, so that each begins with what the last has found."""
        try:
            async with self._turns[task.report.name, task.account.id]:
                if refused is None and await self._dared(task):
                    return
                self._refuse(task)
                await self._parts(task, refused)
        except EXPECTED as fault:
            await self._fail(task, fault)

    async def _dared(self, task: InsightsTask) -> bool:
        """Whether the slice, asked whole after good nights or because no parts are known any more, has landed so."""
        name, account = task.report.name, task.account.id
        daring = self.sizes.dares(name, account)
        if not daring and self._known(task).parts:
            return False
        try:
            await self._ask(task)
        except TooMuch:
            self.sizes.refused(name, account, task.period.days)
            return False
        if daring:
            self.sizes.whole_again(name, account, task.period.days)
        return True

    async def _parts(self, task: InsightsTask, refused: Fault | None) -> None:
        lake = self.shop.committer.store.lake
        into = self._into(task)
        in_parts = SliceInParts(
            connector=self.connector,
            question=replace(task.question, adopted=None),
            open_reading=lambda: PartReading(
                into,
                lambda target, _: PartBuffer(lake, target, HELD_ROWS),
                self.shop.pool,
                self.shop.clock.now,
                self.shop.say,
            ),
            candidates=lambda question, level: landed_ids(lake, question.account, level, question.narrowing),
            pool=self.shop.pool,
            say=self.shop.say,
            found=Found(task.question.place),
        )
        found = await in_parts.ask(self._known(task).parts, refused)
        try:
            if found.incomplete is not None and self._was_whole(task):
                await self._fail(task, found.incomplete)
            else:
                await self._land([await self._put_together(task, into, found)])
        finally:
            await found.discard()
        days, definition = task.period.days, task.report.definition_hash
        self.sizes.parted(task.report.name, task.account.id, days, found.leaves, definition)

    def _was_whole(self, task: InsightsTask) -> bool:
        """Whether an older reading without a hole lies there: rows that were had are not given up for fresher ones."""
        [slice_id] = task.ids()
        store = self.shop.committer.store
        records = (store.lake.record_in(file) for file in store.ledger.files_of(slice_id))
        return any(record is not None and record.state is State.LANDED for record in records)

    async def _put_together(self, task: InsightsTask, into: Into, found: Found) -> Closing:
        [target] = into.targets.values()
        writer = SliceWriter(self.shop.committer.store.lake, target)
        try:
            await asyncio.get_running_loop().run_in_executor(self.shop.pool, found.write, target, writer)
        except BaseException:
            writer.discard()
            raise
        [due], [record] = task.slices, self._records(task)
        for read in found.read:
            self._report(task, read.reading)
        fetched_at = min(read.reading.fetched_at for read in found.read)
        closing = self._closing(task, due, writer, replace(record, as_of=found.as_of, fetched_at=fetched_at))
        if found.incomplete is None:
            return closing
        reason = "; ".join(filter(None, [record.reason, found.incomplete.message]))
        holed = replace(closing.record, state=State.PARTIAL, reason=reason)
        return replace(closing, record=holed, incomplete=found.incomplete)

    # ---- what is asked and what came ----

    def _into(self, task: InsightsTask) -> Into:
        tables = self.shop.tables[task.report.name]
        targets = {due.whole.start: _target(task, due, tables) for due in task.slices}
        question = task.question
        source = Source(
            table=task.report.name,
            scope=task.account.id,
            owner=OWNER,
            owner_id=task.account.id,
            fetched_at=self.shop.clock.now(),
            run_id=self.shop.run_id,
            place=question.place,
        )
        return Into(Layout(task.report), targets, source)

    def _records(self, task: InsightsTask) -> list[SliceRecord]:
        today = today_in(task.account.zone, self.shop.clock.now())
        return [
            SliceRecord(
                id=SliceId.of_day(task.report.name, task.account.id, due.whole.start),
                end=datetime.combine(due.asked.end, time.min),
                time_zone=task.account.zone,
                state=State.PARTIAL if today in due.asked or due.hole else State.LANDED,
                rows=0,
                as_of=None,
                fetched_at=None,
                run_id=self.shop.run_id,
                definition=task.report.definition_hash,
                reason="; ".join(filter(None, [NOT_OVER if today in due.asked else "", due.hole])),
            )
            for due in task.slices
        ]

    def _closings(self, task: InsightsTask, reading: InsightsReading, answer: Answer) -> list[Closing]:
        writers = reading.release()
        closings = []
        for due, record in zip(task.slices, self._records(task), strict=True):
            read = replace(record, as_of=answer.as_of, fetched_at=reading.fetched_at)
            closings.append(self._closing(task, due, writers[due.whole.start], read))
        return closings

    def _closing(self, task: InsightsTask, due: DueSlice, writer: SliceWriter, record: SliceRecord) -> Closing:
        settled = settled_at(due.whole, task.account.zone, self.lookback_days)
        final = settled is not None and record.as_of is not None and record.as_of >= settled
        return Closing(writer, record, final, unknown_if_empty=bool(task.report.opt_in_breakdowns))

    def _report(self, task: InsightsTask, reading: InsightsReading | PartReading) -> None:
        """What was not as declared is said once an answer, with how often."""
        for name, rows in reading.lacking.items():
            self.shop.say("rows.lack_breakdown", question=task.question.place, breakdown=name, rows=rows)
        for name, rows in reading.unknown.items():
            self.shop.say("rows.unknown_field", question=task.question.place, field=name, rows=rows)


def _target(task: InsightsTask, due: DueSlice, tables: tuple[Table, ...]) -> Target:
    return Target(
        SliceId.of_day(task.report.name, task.account.id, due.whole.start),
        day_place(OWNER, task.account.id, due.whole),
        tables,
    )


async def _end(future: "asyncio.Future[Any]") -> None:
    """Calls off what has not ended, and waits until it has."""
    future.cancel()
    await asyncio.wait([future])
    if not future.cancelled():
        future.exception()
