"""Owns the way from closed slices to the ledger: lands them, counts them, or records why they did not. One per run."""

import asyncio
from collections.abc import AsyncIterator, Iterable, Sequence
from concurrent.futures import Executor
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace

from connectors.errors import Fault, GaveUp
from pipeline.landing import finish, land
from pipeline.slices import Closed, RecordOf, SliceWriter
from pipeline.store import Store
from pipeline.uninterrupted import uninterrupted
from schemas.events import Say
from schemas.periods import State
from schemas.work import Failure, Outcome, SliceRecord, Totals


@dataclass(frozen=True, slots=True)
class Closing:
    """A slice whose rows have all been written to its writer; `final`: this read makes it final.

    `incomplete`: it lands with a hole, which is a failure of the run all the same.
    """

    writer: SliceWriter
    record: SliceRecord
    final: bool = False
    unknown_if_empty: bool = False
    incomplete: Fault | None = None


@dataclass(slots=True)
class Committer:
    """Ledger and lake see one commit at a time; files are written beside it, in the pool."""

    store: Store
    pool: Executor
    say: Say
    totals: Totals = field(default_factory=Totals)
    _turn: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def land(self, closings: Sequence[Closing]) -> None:
        """Lands the slices of one answer in one commit.

        Raises:
            Inconsistent: Rows contradict each other; nothing of the answer lands.
            OSError: The files could not be written; nothing of the answer lands.
        """
        loop = asyncio.get_running_loop()
        closed = await loop.run_in_executor(self.pool, self._close, closings)
        async with self._turn:
            await loop.run_in_executor(self.pool, self._commit, closed)
        for closing, found in zip(closings, closed, strict=True):
            self._count(found)
            if closing.incomplete is not None:
                self.totals.failures.append(failure_of(found.ready.record, closing.incomplete))
        rows = sum(found.ready.record.rows for found in closed)
        self.say("slices.landed", **_named(closed[0].ready.record), slices=len(closed), rows=rows)

    async def join(self, writer: SliceWriter, record_of: RecordOf) -> SliceRecord:
        """Lands a part of a slice beside the parts that it has; what the slice is then.

        Raises:
            OSError: The files could not be written; nothing of the part lands.
        """
        loop = asyncio.get_running_loop()
        async with self._turn:
            joined = await uninterrupted(loop.run_in_executor(self.pool, self._join, writer, record_of))
        self._count(joined, beside=self.totals.outcomes.get(joined.ready.record.id))
        return joined.ready.record

    async def fail(
        self, records: Iterable[SliceRecord], reason: Fault | Exception, state: State = State.FAILED
    ) -> None:
        """Records why slices gave nothing, or not all; rows of an earlier landing stay.

        What was skipped because its time was over is a failure of the run, though not of the slice.
        """
        failed = [replace(record, state=state, reason=str(reason)) for record in records]
        loop = asyncio.get_running_loop()
        async with self._turn:
            await loop.run_in_executor(self.pool, self._remember, failed)
        for record in failed:
            self.totals.outcomes[record.id] = replace(self.totals.outcomes.get(record.id, Outcome(state)), state=state)
            if state is not State.SKIPPED or isinstance(reason, GaveUp):
                self.totals.failures.append(failure_of(record, reason))
        if failed:
            traced = {"fbtrace_id": reason.fbtrace_id} if isinstance(reason, Fault) else {}
            self.say("slices.failed", **_named(failed[0]), slices=len(failed), because=str(reason), **traced)

    async def skip(self, records: Iterable[SliceRecord]) -> None:
        """Records slices that nobody asks, each with its reason."""
        skipped = [replace(record, state=State.SKIPPED) for record in records]
        async with self._turn:
            await asyncio.get_running_loop().run_in_executor(self.pool, self._remember, skipped)
        for record in skipped:
            self.totals.outcomes[record.id] = Outcome(State.SKIPPED)
        if skipped:
            self.say("slices.skipped", **_named(skipped[0]), slices=len(skipped), because=skipped[0].reason)

    @asynccontextmanager
    async def still(self) -> AsyncIterator[None]:
        """While the block lasts nothing lands."""
        async with self._turn:
            yield

    # ---- in the pool ----

    def _join(self, writer: SliceWriter, record_of: RecordOf) -> Closed:
        store = self.store
        finish(store.ledger, store.lake, self.say)  # a part that an error of the disk left half landed counts first
        joined = writer.join(store.ledger, record_of)
        land(store.ledger, store.lake, [joined.ready], self.say)
        return joined

    def _close(self, closings: Sequence[Closing]) -> list[Closed]:
        closed: list[Closed] = []
        try:
            for closing in closings:
                closed.append(self._close_one(closing))  # noqa: PERF401 - what a failure leaves behind must be known
        except BaseException:
            for closing in closings:
                closing.writer.discard()
            for found in closed:
                for written in found.ready.files:
                    (self.store.lake.root / written.temporary).unlink(missing_ok=True)
            raise
        return closed

    def _close_one(self, closing: Closing) -> Closed:
        record = closing.record
        if closing.unknown_if_empty and not closing.writer.rows and closing.incomplete is None:
            reason = "no rows under a breakdown that needs an opt-in: unknown, not zero"
            record = replace(record, state=State.UNKNOWN, reason=reason)
        return closing.writer.close(self.store.ledger, record, final=closing.final)

    def _commit(self, closed: Sequence[Closed]) -> None:
        for found in closed:
            if found.unchanged:
                self.store.ledger.touch(found.ready)
        changed = [found.ready for found in closed if not found.unchanged]
        if len(changed) < len(closed):
            self.say("slices.unchanged", slices=len(closed) - len(changed))
        land(self.store.ledger, self.store.lake, changed, self.say)

    def _remember(self, records: Sequence[SliceRecord]) -> None:
        for record in records:
            self.store.ledger.fail(record)

    def _count(self, closed: Closed, beside: Outcome | None = None) -> None:
        """`beside`: what landed of the same slice in this run already, and stays."""
        record, before = closed.ready.record, beside or Outcome(closed.ready.record.state)
        rows = {table: count + before.rows.get(table, 0) for table, count in closed.rows.items()}
        aside = closed.quarantined + before.quarantined
        self.totals.outcomes[record.id] = Outcome(record.state, rows, aside, closed.unchanged)


def _named(first: SliceRecord) -> dict[str, str]:
    """The fields by which a log names slices: the table, the scope, and where the first of them starts."""
    start = first.id.start.isoformat(timespec="minutes") if first.id.start else "current"
    return {"table": first.id.table, "scope": first.id.scope, "slice": start}


def failure_of(record: SliceRecord, reason: Exception) -> Failure:
    """A failure in the words of `load --json`."""
    failure = Failure(record.id.table, record.id.scope, record.id.begins, error=str(reason), remedy="look")
    if not isinstance(reason, Fault):
        return failure
    codes = (reason.code, reason.subcode, reason.fbtrace_id)
    return replace(failure, remedy=reason.remedy, code=codes[0], subcode=codes[1], fbtrace_id=codes[2])
