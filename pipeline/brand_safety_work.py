"""Owns one hour of brand safety from its listing to its landed parts: fetched, typed and landed one beside the other.

A part is what lands; the hour is `partial` until all that its files' names speak of have. A file that breaks, or whose
address expires, is listed and fetched again; a part that has landed is not.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path

from connectors.brand_safety import hours as listing
from connectors.brand_safety.download import download
from connectors.brand_safety.hours import ListedFile, Placement
from connectors.errors import Fault, GaveUp, OutOfRange, RestartListing, Transport
from connectors.graph.client import Graph
from connectors.http.client import HttpClient
from connectors.http.retry import GiveUp, Policy, decide
from pipeline.hour_ids import HashingSink, HourIds
from pipeline.normalise.frames import Source
from pipeline.normalise.hourly import Counted, HourlyFile, Repeats, convert
from pipeline.normalise.hourly_lines import Broken
from pipeline.parts import NOTHING, Part, in_words, is_whole, landed, wanted
from pipeline.slices import SliceWriter, Target
from pipeline.workshop import Workshop
from schemas.brand_safety import ASSUMED_ZONE, IMPRESSIONS
from schemas.columns import Table
from schemas.periods import State
from schemas.work import ONE_HOUR, SliceFile, SliceId, SliceRecord, hour_place

AT_ONCE = 4
"""Parts under way: two that are typed, two that are fetched meanwhile."""
DEFINITION = "hourly files"
POLICY = Policy(attempts=5)


@dataclass(frozen=True, slots=True)
class Hour:
    """One hour of one business and placement, in local wall time of the assumed zone."""

    business_id: str
    placement: Placement
    start: datetime

    @property
    def id(self) -> SliceId:
        """Its slice."""
        return SliceId(IMPRESSIONS.name, scope_of(self.business_id, self.placement), self.start)

    @property
    def folders(self) -> tuple[tuple[str, str], ...]:
        """The folders of its files."""
        placement = tuple(self.placement.parameters.items())
        return (("business_id", self.business_id), *placement, ("date", f"{self.start:%Y-%m-%d}"))

    def record(self, run_id: str, state: State = State.PARTIAL) -> SliceRecord:
        """What is known of it before anything has been read."""
        return SliceRecord(self.id, self.start + ONE_HOUR, ASSUMED_ZONE, state, 0, None, None, run_id, DEFINITION)


def scope_of(business_id: str, placement: Placement) -> str:
    """The scope of a business's hours of one placement."""
    return f"{business_id}/{placement}"


@dataclass(slots=True)
class _Open:
    """An hour whose parts are being fetched. One part at a time is compared with the others and lands."""

    hour: Hour
    ids: HourIds
    asked: datetime
    files: dict[Part, ListedFile] = field(default_factory=dict)
    faults: list[Exception] = field(default_factory=list)
    turn: asyncio.Lock = field(default_factory=asyncio.Lock)


@dataclass(frozen=True, slots=True)
class HoursWork:
    """The hours of one run. `graph` lists files, `http` fetches them, without our token."""

    shop: Workshop
    graph: Graph
    http: HttpClient
    stall_seconds: float
    slots: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(AT_ONCE))

    async def do(self, hour: Hour) -> None:
        """Carries one hour out; its faults end in the committer's totals."""
        refused = self.shop.refusals.of(hour.business_id)
        if refused is not None:
            await self._fail(hour, [refused])
            return
        try:
            opened, parts = await self._open(hour)
        except OutOfRange as fault:
            await self.shop.committer.fail([hour.record(self.shop.run_id)], fault, State.LOST)
            return
        except (Fault, OSError) as fault:
            self.shop.refusals.learn(hour.business_id, fault)
            await self._fail(hour, [fault])
            return
        if not parts and not self._there(hour):
            await self._nothing(opened)
            return
        async with asyncio.TaskGroup() as group:
            for part in parts:
                await self.slots.acquire()
                group.create_task(self._part(opened, part))
        await self._settle(opened, listed=bool(parts))

    # ---- the listing ----

    async def _open(self, hour: Hour) -> tuple[_Open, list[Part]]:
        """The hour with what the listing shows, and the parts that have not landed."""
        lake, ledger = self.shop.committer.store.lake, self.shop.committer.store.ledger
        there = [file for file in ledger.files_of(hour.id) if file.table == IMPRESSIONS.name]
        opened = _Open(hour, HourIds([lake.root / file.path for file in there if file.rows]), self.shop.clock.now())
        await self._list(opened)
        return opened, list(opened.files)

    async def _list(self, opened: _Open) -> None:
        """Asks for the files anew: their addresses do not live long."""
        hour = opened.hour
        listed = await listing.files(self.graph, hour.business_id, hour.placement, hour.start)
        for file in (file for file in listed if file.of is None):
            self.shop.say("hour.odd_file_name", hour=str(hour.id), name=file.name, index=file.index)
        opened.files = dict(wanted(listed, self._there(hour)))
        self.shop.say("hour.listed", hour=str(hour.id), files=len(listed), wanted=len(opened.files))

    def _there(self, hour: Hour) -> frozenset[Part]:
        files = self.shop.committer.store.ledger.files_of(hour.id)
        return landed(file.path for file in files if file.table == IMPRESSIONS.name)

    # ---- one part ----

    async def _part(self, opened: _Open, part: Part) -> None:
        """Fetches, types and lands a part; its fault is the hour's."""
        try:
            await self._patiently(opened, part)
        except (Fault, OSError) as fault:
            opened.faults.append(fault)
        finally:
            self.slots.release()

    async def _patiently(self, opened: _Open, part: Part) -> None:
        clock = self.shop.clock
        began, attempt = clock.monotonic(), 0
        while True:
            trouble = await self._once(opened, part)
            if trouble is None:
                return
            attempt += 1
            verdict = decide(POLICY, trouble, attempt, clock.monotonic() - began, 0.5)
            if isinstance(verdict, GiveUp):
                raise GaveUp.after(trouble, verdict.reason)
            self.shop.say("part.again", hour=str(opened.hour.id), part=part.stem, because=trouble.message)
            await clock.sleep(0 if attempt == 1 else verdict.seconds)
            await self._list(opened)

    async def _once(self, opened: _Open, part: Part) -> Transport | None:
        """One attempt; what was wrong with the file or its address, if anything was."""
        try:
            await self._fetched_and_landed(opened, part)
        except RestartListing as fault:
            return Transport(fault.message, place=fault.place, status=fault.status)
        except Transport as fault:
            return fault
        return None

    async def _fetched_and_landed(self, opened: _Open, part: Part) -> None:
        file, lake = opened.files.get(part), self.shop.committer.store.lake
        if file is None:
            raise Transport("the file is no longer listed", place=f"GET {part.stem} of {opened.hour.id}")
        packed, scratch = (lake.root / lake.temporary(suffix) for suffix in (".jsonl.gz", ".jsonl"))
        try:
            size = await download(self.http, file.url, file.name, packed, self.stall_seconds)
            self.shop.say("part.fetched", file=file.name, bytes=size)
            await self._typed(opened, part, file.name, (packed, scratch))
        except Broken as broken:
            raise Transport(str(broken), place=f"GET {file.name}") from broken
        finally:
            packed.unlink(missing_ok=True)

    async def _typed(self, opened: _Open, part: Part, name: str, paths: tuple[Path, Path]) -> None:
        """Types a fetched file and lands it; where impressions repeat, they are found out and it is typed again."""
        hourly = HourlyFile(paths[0], self._table, opened.hour.start, self._source(opened.hour, name))
        loop = asyncio.get_running_loop()
        sink, counted = await loop.run_in_executor(self.shop.pool, self._convert, opened, part, hourly, paths[1])
        try:
            async with opened.turn:
                again = await loop.run_in_executor(self.shop.pool, opened.ids.repeats, sink)
                if again is not None:
                    sink.writer.discard()
                    sink, counted = await loop.run_in_executor(
                        self.shop.pool, self._convert, opened, part, hourly, paths[1], again
                    )
                await self._land(opened, sink)
        except BaseException:
            sink.writer.discard()
            raise
        self.shop.say(
            "part.landed",
            file=name,
            lines=counted.lines,
            rows=counted.rows,
            quarantined=counted.quarantined,
            unknown_keys=counted.unknown,
            careful=counted.careful,
            stretches=counted.stretches,
        )

    def _convert(
        self, opened: _Open, part: Part, file: HourlyFile, scratch: Path, repeats: Repeats | None = None
    ) -> tuple[HashingSink, Counted]:
        sink = HashingSink(self._writer(opened.hour, part.stem))
        try:
            return sink, convert(file, scratch, sink, repeats)
        except BaseException:
            sink.writer.discard()
            raise

    async def _land(self, opened: _Open, sink: HashingSink) -> None:
        now, run_id = self.shop.clock.now(), self.shop.run_id

        def record_of(known: SliceRecord | None, files: Sequence[SliceFile]) -> SliceRecord:
            return joined(opened.hour.record(run_id), known, files, opened.asked, now)

        await self.shop.committer.join(sink.writer, record_of)
        opened.ids.landed(sink, self.shop.committer.store.lake.root / sink.writer.path)

    # ---- the end of an hour ----

    async def _nothing(self, opened: _Open) -> None:
        """Meta has the hour and no file for this business: nothing happened in it."""

        def record_of(_known: SliceRecord | None, _files: Sequence[SliceFile]) -> SliceRecord:
            record = opened.hour.record(self.shop.run_id, State.EMPTY)
            return replace(record, as_of=opened.asked, fetched_at=self.shop.clock.now())

        known = self.shop.committer.store.ledger.slice(opened.hour.id)
        if known is not None and known.state is State.FAILED:
            await self._fail(opened.hour, [Transport("its files were listed before and are not now")])
            return
        await self.shop.committer.join(self._writer(opened.hour, NOTHING), record_of)

    async def _settle(self, opened: _Open, *, listed: bool) -> None:
        """What an hour that is not whole is called, and why."""
        there = self._there(opened.hour)
        if opened.faults:
            await self._fail(opened.hour, opened.faults)
        elif not is_whole(there) and not listed:
            self.shop.say("hour.partial", hour=str(opened.hour.id), parts=in_words(there))

    async def _fail(self, hour: Hour, faults: Sequence[Exception]) -> None:
        """An hour of which some parts have landed is partial; otherwise it failed."""
        there = self._there(hour)
        record, reason = hour.record(self.shop.run_id), faults[0]
        if there and isinstance(reason, Fault):
            reason.message = f"{in_words(there)}: {reason.message}"
        await self.shop.committer.fail([record], reason, State.PARTIAL if there else State.FAILED)

    # ---- values ----

    @property
    def _table(self) -> Table:
        return self.shop.tables[IMPRESSIONS.name][0]

    def _writer(self, hour: Hour, stem: str) -> SliceWriter:
        target = Target(hour.id, hour_place(hour.folders, hour.start, stem), (self._table,))
        return SliceWriter(self.shop.committer.store.lake, target, spill_rows=1, check_key=False)

    def _source(self, hour: Hour, name: str) -> Source:
        now, run_id = self.shop.clock.now(), self.shop.run_id
        return Source(IMPRESSIONS.name, hour.id.scope, "business_id", hour.business_id, now, run_id, name)


def joined(
    fresh: SliceRecord,
    known: SliceRecord | None,
    files: Sequence[SliceFile],
    asked: datetime,
    now: datetime,
) -> SliceRecord:
    """What an hour is with all these files: when the first of them was asked for, and whether all parts are there."""
    facts = [file for file in files if file.table == IMPRESSIONS.name]
    there = landed(file.path for file in facts)
    whole = is_whole(there)
    earlier = known.as_of if known is not None and known.state is not State.EMPTY else None
    return replace(
        fresh,
        state=State.LANDED if whole else State.PARTIAL,
        rows=sum(file.rows for file in facts),
        as_of=min(asked, earlier) if earlier else asked,
        fetched_at=now,
        reason="" if whole else in_words(there),
    )


def by_hour(records: Mapping[SliceId, SliceRecord]) -> dict[datetime, SliceRecord]:
    """The records of a scope by their hour."""
    return {slice_id.start: record for slice_id, record in records.items() if slice_id.start is not None}
