"""Owns the content beside ads in one run: looked up once, in batches, and landed as one file for each table and owner.

An owner is a business, or an ad set whose report is loaded. What a load leaves unasked keeps its turn for the next one.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from typing import TypeVar

import pyarrow as pa
import pyarrow.parquet as pq

from connectors.brand_safety.content import Content
from connectors.errors import Fault, Invalid, Missing, OutOfRange, PermissionRefused, Refused, TokenRefused
from pipeline import content_gaps
from pipeline.catalogue import OBJECTS, Owned
from pipeline.committer import Closing
from pipeline.content_gaps import Wanted
from pipeline.errors import Inconsistent
from pipeline.lake import path_of, quarantine_path
from pipeline.ledger import Ledger
from pipeline.normalise import exact_json
from pipeline.normalise.frames import Source, quarantine_table
from pipeline.normalise.objects import upserted
from pipeline.objects_work import ObjectsReading
from pipeline.slices import SliceWriter, Target
from pipeline.uninterrupted import uninterrupted
from pipeline.workshop import Workshop
from schemas.columns import Table
from schemas.content import CONTENT_POSTS, CONTENT_TABLES, PARTITION
from schemas.periods import State
from schemas.work import Place, SliceId, SliceRecord, current_place

ID, OWNER = "id", PARTITION[0]
AT_ONCE = 250
"""Look-ups between two looks at how they went: five batches side by side."""
ENOUGH_ALIKE = 25
"""So many ids that are all refused alike, and not as missing, speak of the app or of our question, not of the ids."""
PATIENCE = timedelta(minutes=15)
"""How long a load waits for the quota of look-ups: nothing else waits for them, and what is left keeps its turn."""
NO_FEATURE = 10
"""The code of an app without the feature Page Public Content Access (graph-api.md 1.6, 4.6)."""
SETTLED = (Missing, PermissionRefused, Invalid, OutOfRange)
"""Refusals of one id: they are remembered, and the id is tried again ever more rarely."""

T = TypeVar("T")


class FeatureMissing(PermissionRefused):
    """Every look-up of a request was refused for want of a permission: the app has not got the feature."""

    advice = "ask Meta for the feature Page Public Content Access, or set [brand_safety] content = false"


@dataclass(slots=True)
class LookUps:
    """How the look-ups of one table and owner went; `stopped`: what stood in the way of those that are `left`."""

    left: int
    refused: dict[str, Fault] = field(default_factory=dict)
    found: list[str] = field(default_factory=list)
    stopped: Fault | None = None

    def take(self, ids: Sequence[str], refused: Mapping[str, Fault]) -> None:
        """Counts some answers."""
        settled = {name: fault for name, fault in refused.items() if isinstance(fault, SETTLED)}
        self.refused |= settled
        self.found += [name for name in ids if name not in refused]
        self.left -= len(ids) - len(refused) + len(settled)
        self.stopped = _obstacle(ids, refused)


def owned() -> list[Owned]:
    """The tables of content, as a family owns them."""
    return [Owned(name, OBJECTS, OBJECTS, (known.table,)) for name, known in CONTENT_TABLES.items()]


@dataclass(frozen=True, slots=True)
class ContentWork:
    """Content in one run; `tables` are those that the command is about."""

    shop: Workshop
    connector: Content
    tables: Sequence[str] = tuple(CONTENT_TABLES)

    async def close(self, owner: str) -> None:
        """Looks up what stood beside an owner's ads and has neither a row nor a refusal."""
        number = self._ledger.last_landing
        left = [await self._close(name, owner) for name in CONTENT_TABLES if name in self.tables]
        if not any(left) and len(left) == len(CONTENT_TABLES):
            self._ledger.save_note(content_gaps.note_of(owner), number)

    async def _close(self, name: str, owner: str) -> bool:
        """Looks up what is wanted of one table; whether anything is left."""
        wanted = await self._in_pool(lambda: self._wanted(name, owner))
        if not wanted.ids:
            return False
        record, asked = self._record(name, owner), self.shop.clock.now()
        if self.shop.refusals.token is not None:
            await self.shop.committer.fail([record], self.shop.refusals.token)
            return True
        reading = ObjectsReading(self._table(name), self._source(name, owner), self.shop.pool, self.shop.clock.now)
        reading.begin()
        done = await self._look_up(name, wanted, reading)
        self.shop.say("content.looked_up", table=name, owner=owner, **_counts(wanted, done))
        known = self._ledger.slice(record.id)
        read = replace(record, as_of=(known and known.as_of) or asked, fetched_at=reading.fetched_at)
        try:
            writer = await uninterrupted(self._in_pool(lambda: self._written(name, owner, reading)))
            await uninterrupted(self.shop.committer.land([_closing(writer, read, wanted, done)]))
            await uninterrupted(self._in_pool(lambda: self._remember(name, owner, done)))
        except (Inconsistent, OSError) as fault:
            await self.shop.committer.fail([record], fault)
            return True
        return bool(done.left) or wanted.more

    async def _look_up(self, name: str, wanted: Wanted, reading: ObjectsReading) -> LookUps:
        """Asks in the order in which they are wanted, until all are or something stands in the way of the others."""
        give_up, done = self.shop.clock.now() + PATIENCE, LookUps(len(wanted.ids))
        for at in range(0, len(wanted.ids), AT_ONCE):
            ids = wanted.ids[at : at + AT_ONCE]
            refused = await self.connector.look_up(CONTENT_TABLES[name], ids, reading, give_up)
            done.take(ids, refused)
            if isinstance(done.stopped, TokenRefused):
                self.shop.refusals.learn(name, done.stopped)
            if done.stopped is not None:
                break
        return done

    def _remember(self, name: str, owner: str, done: LookUps) -> None:
        """Keeps refusals, once the rows have landed: an id that stands in neither would never be asked again."""
        refused = [
            {"id": one, "reason": fault.message, "code": fault.code, "subcode": fault.subcode}
            for one, fault in done.refused.items()
        ]
        self._ledger.save_answers(owner, name, refused, done.found, self.shop.clock.now())

    def _wanted(self, name: str, owner: str) -> Wanted:
        landed = content_gaps.landed_since(name, owner, self._ledger, self._lake)
        posts = self._lake / path_of(CONTENT_POSTS.table.name, _place(owner))
        known = content_gaps.known_of(name, self._ledger, self._lake)
        again = content_gaps.due_again(name, owner, self._ledger, self.shop.clock.now())
        return content_gaps.wanted(name, landed, [str(posts)] if posts.exists() else [], known, again)

    def _written(self, name: str, owner: str, reading: ObjectsReading) -> SliceWriter:
        """The old rows with the new ones over them, in a writer; runs in the pool."""
        place, (read, aside) = _place(owner), reading.rows.table()
        writer = SliceWriter(self.shop.committer.store.lake, Target(_slice(name, owner), place, (self._table(name),)))
        writer.write(name, upserted(_held(self._lake / path_of(name, place)), read))
        writer.set_aside(quarantine_table([{**row, "slice_start": None} for row in aside]))
        before = _held(self._lake / quarantine_path(name, place))
        if before is not None:
            writer.set_aside(_still_aside(before, read))
        return writer

    # ---- what every step reads ----

    @property
    def _ledger(self) -> Ledger:
        return self.shop.committer.store.ledger

    @property
    def _lake(self) -> Path:
        return self.shop.committer.store.lake.root

    def _table(self, name: str) -> Table:
        return self.shop.tables[name][0]

    def _source(self, name: str, owner: str) -> Source:
        now, run_id = self.shop.clock.now(), self.shop.run_id
        return Source(name, owner, OWNER, owner, now, run_id, place=f"{name} {owner}")

    def _record(self, name: str, owner: str) -> SliceRecord:
        return SliceRecord(
            id=_slice(name, owner),
            end=None,
            time_zone="UTC",
            state=State.LANDED,
            rows=0,
            as_of=None,
            fetched_at=None,
            run_id=self.shop.run_id,
            definition=OBJECTS,
        )

    async def _in_pool(self, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self.shop.pool, work)


def _slice(name: str, owner: str) -> SliceId:
    return SliceId(name, owner, None)


def _place(owner: str) -> Place:
    return current_place(OWNER, owner)


def _held(path: Path) -> pa.Table | None:
    """What lies in the lake."""
    return pq.ParquetFile(path).read() if path.exists() else None


def _still_aside(before: pa.Table, read: pa.Table) -> pa.Table:
    """What was set aside of objects that were not read again: their rows stay, so do the reasons for their gaps."""
    again = {exact_json.write({"id": name}) for name in read.column("id").to_pylist()}
    kept = [row for row in before.to_pylist() if row["row_key"] not in again]
    return quarantine_table(kept)


def _closing(writer: SliceWriter, record: SliceRecord, wanted: Wanted, done: LookUps) -> Closing:
    """A slice from which nothing is missing, or one with a hole: only an obstacle that stays is a failure."""
    waiting = f"{'more than ' if wanted.more else ''}{done.left} ids wait for the next load"
    reasons = [waiting] if done.left or wanted.more else []
    reasons += [str(done.stopped)] if done.stopped is not None else []
    if not reasons:
        return Closing(writer, record)
    partial = replace(record, state=State.PARTIAL, reason=": ".join(reasons))
    failed = done.stopped if isinstance(done.stopped, Refused) else None
    return Closing(writer, partial, incomplete=failed)


def _obstacle(ids: Sequence[str], refused: Mapping[str, Fault]) -> Fault | None:
    """What stands in the way of all further ids: a quota, the token, or a refusal of every id for the same reason."""
    unsettled = [fault for fault in refused.values() if not isinstance(fault, SETTLED)]
    if unsettled:
        return unsettled[0]
    codes = {(fault.code, fault.subcode) for fault in refused.values()}
    first = next(iter(refused.values()), None)
    if first is None or isinstance(first, Missing) or len(codes) > 1 or not ENOUGH_ALIKE <= len(ids) == len(refused):
        return None
    return FeatureMissing(first.message, **first.common()) if first.code == NO_FEATURE else first


def _counts(wanted: Wanted, done: LookUps) -> Mapping[str, int]:
    return {"ids": len(wanted.ids) - done.left, "refused": len(done.refused), "left": done.left}
