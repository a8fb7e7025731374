"""Owns one listing of ad objects from its question to its landed table: upserted, old rows and new ones as one file."""

import asyncio
from collections.abc import Callable, Mapping
from concurrent.futures import Executor
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from connectors.ad_objects import AdObjects, Listing
from connectors.errors import Fault, Missing, PermissionRefused
from pipeline.account import Account
from pipeline.closure import Gap
from pipeline.committer import Closing
from pipeline.errors import Inconsistent
from pipeline.isolation import state_of, undone
from pipeline.lake import Lake, path_of
from pipeline.normalise.frames import Source, quarantine_table
from pipeline.normalise.objects import ObjectRows, upserted
from pipeline.plan import ObjectsTask
from pipeline.planning import remember_in_full
from pipeline.slices import SliceWriter, Target
from pipeline.uninterrupted import uninterrupted
from pipeline.workshop import Workshop
from schemas.ad_objects import ObjectTable
from schemas.columns import Table
from schemas.periods import State
from schemas.work import SliceRecord, current_place

OWNER = "account_id"


class ObjectsReading:
    """The receiver of a listing: rows become one typed table."""

    def __init__(self, table: Table, source: Source, pool: Executor, now: Callable[[], datetime]) -> None:
        self._table = table
        self._source = source
        self._pool = pool
        self._now = now
        self.rows = ObjectRows(table, source)
        self.fetched_at = source.fetched_at

    def begin(self) -> None:
        """A reading begins; what was taken before is forgotten."""
        self.fetched_at = self._now()
        self.rows = ObjectRows(self._table, replace(self._source, fetched_at=self.fetched_at))

    async def take(self, page: bytes) -> None:
        """One page."""
        await asyncio.get_running_loop().run_in_executor(self._pool, self.rows.take, [page])


@dataclass(frozen=True, slots=True)
class ObjectsWork:
    """Ad objects in one run."""

    shop: Workshop
    connector: AdObjects

    async def in_time(self, task: ObjectsTask) -> None:
        """Carries the listing out, unless the run gives up before."""
        why = await undone(self.shop, self.do(task))
        if why is not None:
            await self.shop.committer.fail([self._record(task)], why, state_of(why))

    async def do(self, task: ObjectsTask) -> None:
        """Carries the listing out."""
        record = self._record(task)
        refused = self.shop.refusals.of(task.account.id)
        if refused is not None:
            await self.shop.committer.fail([record], refused)
            return
        table = self.shop.tables[task.table.table.name][0]
        reading = ObjectsReading(table, self._source(task), self.shop.pool, self.shop.clock.now)
        try:
            answer = await self.connector.fetch(Listing(task.table, task.account.id, task.gone_since), reading)
            read = replace(record, as_of=answer.as_of, fetched_at=reading.fetched_at)
            writer = await self._in_pool(task, table, reading)
            await uninterrupted(self.shop.committer.land([Closing(writer, read)]))
            if task.gone_since is None:
                remember_in_full(self.shop.committer.store.ledger, task, answer.as_of)
        except (Fault, Inconsistent, OSError) as fault:
            self.shop.refusals.learn(task.account.id, fault)
            await self.shop.committer.fail([record], fault)

    async def close(self, gap: Gap, table: ObjectTable, zone: str) -> bool:
        """Reads objects by id that no listing showed, and remembers those that Meta refuses; whether none is left.

        Where the listing itself failed nothing is asked: rows by id would stand for the listing that is still due.
        """
        task = ObjectsTask(table, Account(gap.account, zone), "named by facts")
        known = self.shop.committer.store.ledger.slice(task.id)
        if known is None or known.state in {State.FAILED, State.SKIPPED}:
            return False
        kept = self.shop.tables[gap.table][0]
        reading = ObjectsReading(kept, self._source(task), self.shop.pool, self.shop.clock.now)
        asked = self.shop.clock.now()
        refused = await self.connector.by_id(Listing(table, gap.account), gap.ids, reading)
        self._remember(gap, refused)
        closed = all(isinstance(fault, Missing | PermissionRefused) for fault in refused.values())
        if len(refused) == len(gap.ids):
            return closed
        record = replace(self._record(task), as_of=known.as_of or asked, fetched_at=reading.fetched_at)
        try:
            writer = await self._in_pool(task, kept, reading)
            await self.shop.committer.land([Closing(writer, record)])
        except (Inconsistent, OSError) as fault:
            await self.shop.committer.fail([self._record(task)], fault)
            return False
        return closed

    def _remember(self, gap: Gap, refused: Mapping[str, Fault]) -> None:
        ledger, now = self.shop.committer.store.ledger, self.shop.clock.now()
        for name in gap.ids:
            fault = refused.get(name)
            if isinstance(fault, Missing | PermissionRefused):
                codes = {"reason": fault.message, "code": fault.code, "subcode": fault.subcode}
                ledger.save_missing(gap.account, gap.table, {"id": name, **codes}, now)
            elif fault is None:
                ledger.found(gap.table, name)
        self.shop.say("objects.closed", table=gap.table, account=gap.account, ids=len(gap.ids), refused=len(refused))

    def _record(self, task: ObjectsTask) -> SliceRecord:
        return SliceRecord(
            id=task.id,
            end=None,
            time_zone=task.account.zone,
            state=State.LANDED,
            rows=0,
            as_of=None,
            fetched_at=None,
            run_id=self.shop.run_id,
            definition="objects",
        )

    def _source(self, task: ObjectsTask) -> Source:
        name = task.table.table.name
        return Source(
            table=name,
            scope=task.account.id,
            owner=OWNER,
            owner_id=task.account.id,
            fetched_at=self.shop.clock.now(),
            run_id=self.shop.run_id,
            place=f"{name} {task.account.id}",
        )

    async def _in_pool(self, task: ObjectsTask, table: Table, reading: ObjectsReading) -> SliceWriter:
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self.shop.pool, self._written, task, table, reading)

    def _written(self, task: ObjectsTask, table: Table, reading: ObjectsReading) -> SliceWriter:
        """The old rows with the new ones over them, in a writer; runs in the pool."""
        place = current_place(OWNER, task.account.id)
        lake: Lake = self.shop.committer.store.lake
        read, aside = reading.rows.table()
        writer = SliceWriter(lake, Target(task.id, place, (table,)))
        writer.write(table.name, upserted(_known(lake.root / path_of(table.name, place)), read))
        if aside:
            writer.set_aside(quarantine_table([{**row, "slice_start": None} for row in aside]))
        return writer


def _known(path: Path) -> pa.Table | None:
    return pq.ParquetFile(path).read() if path.exists() else None
