"""Owns a fetched file until its rows have landed beside the other parts of its hour: typed, compared, joined."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from connectors.brand_safety.hours import ListedFile
from pipeline.hour_ids import HashingSink, HourIds
from pipeline.hours import Hour, joined
from pipeline.normalise.frames import Source
from pipeline.normalise.hourly import Counted, HourlyFile, Repeats, convert
from pipeline.parts import Part
from pipeline.slices import SliceWriter, Target
from pipeline.uninterrupted import uninterrupted
from pipeline.workshop import Workshop
from schemas.brand_safety import IMPRESSIONS
from schemas.columns import Table
from schemas.work import SliceFile, SliceRecord, hour_place


@dataclass(slots=True)
class OpenHour:
    """An hour whose parts are being fetched. One part at a time is compared with the others and lands."""

    hour: Hour
    ids: HourIds
    asked: datetime
    files: dict[Part, ListedFile] = field(default_factory=dict)
    faults: list[Exception] = field(default_factory=list)
    turn: asyncio.Lock = field(default_factory=asyncio.Lock)


@dataclass(frozen=True, slots=True)
class Fetched:
    """A file that lies on this machine; its inflated text may lie at `scratch` meanwhile."""

    part: Part
    name: str
    packed: Path
    scratch: Path


@dataclass(frozen=True, slots=True)
class PartLanding:
    """Types in the pool, several files at once; lands one after the other."""

    shop: Workshop

    async def land(self, opened: OpenHour, file: Fetched) -> Counted:
        """Lands a file; where impressions repeat, it is typed once more, without those that stood in the hour before.

        Raises:
            Broken: The file must be fetched again; nothing of it landed.
            OSError: It could not be written; nothing of it landed.
        """
        sink, counted = await self._in_pool(opened, file)
        try:
            async with opened.turn:
                loop = asyncio.get_running_loop()
                repeats = await loop.run_in_executor(self.shop.pool, opened.ids.repeats, sink)
                if repeats is not None:
                    sink.writer.discard()
                    sink, counted = await self._in_pool(opened, file, repeats)
                await self._join(opened, sink)
        except BaseException:
            sink.writer.discard()
            raise
        return counted

    async def _in_pool(
        self, opened: OpenHour, file: Fetched, repeats: Repeats | None = None
    ) -> tuple[HashingSink, Counted]:
        work = asyncio.get_running_loop().run_in_executor(self.shop.pool, self._convert, opened.hour, file, repeats)
        return await uninterrupted(work)  # a thread that still wrote would outlive what it writes to

    def _convert(self, hour: Hour, file: Fetched, repeats: Repeats | None) -> tuple[HashingSink, Counted]:
        sink = HashingSink(self.writer(hour, file.part.stem))
        hourly = HourlyFile(file.packed, self._table, hour.start, self._source(hour, file.name))
        try:
            return sink, convert(hourly, file.scratch, sink, repeats)
        except BaseException:
            sink.writer.discard()
            raise

    async def _join(self, opened: OpenHour, sink: HashingSink) -> None:
        now, run_id = self.shop.clock.now(), self.shop.run_id

        def record_of(known: SliceRecord | None, files: Sequence[SliceFile]) -> SliceRecord:
            return joined(opened.hour.record(run_id), known, files, opened.asked, now)

        await self.shop.committer.join(sink.writer, record_of)
        opened.ids.landed(sink, self.shop.committer.store.lake.root / sink.writer.path)

    def writer(self, hour: Hour, stem: str) -> SliceWriter:
        """What takes the rows of a part; nothing of them is held in memory."""
        target = Target(hour.id, hour_place(hour.folders, hour.start, stem), (self._table,))
        return SliceWriter(self.shop.committer.store.lake, target, spill_rows=1, check_key=False)

    @property
    def _table(self) -> Table:
        return self.shop.tables[IMPRESSIONS.name][0]

    def _source(self, hour: Hour, name: str) -> Source:
        now, run_id = self.shop.clock.now(), self.shop.run_id
        return Source(IMPRESSIONS.name, hour.id.scope, "business_id", hour.business_id, now, run_id, name)
