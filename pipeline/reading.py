"""Owns the pages of one answer on their way in: while one batch is typed and written, the next pages are fetched."""

import asyncio
from collections import Counter
from collections.abc import Callable, Mapping
from concurrent.futures import Executor
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Generic, Protocol, TypeVar

import pyarrow as pa

from pipeline.lake import Lake
from pipeline.normalise import careful, frames, quick
from pipeline.normalise.layout import Layout
from pipeline.slices import SliceWriter, Target
from schemas.events import Say

BATCH_BYTES = 6 * 2**20
"""Pages are typed together until they hold so much; more gains nothing and costs memory (measured)."""
MOST_HELD_ROWS = 200_000
SMALLEST_SPILL = 5_000
"""Rows of one table that all slices of an answer may hold in memory together, and that one slice always may."""
OUTSIDE = "outside the days that were asked"


@dataclass(frozen=True, slots=True)
class Into:
    """Where an answer of ads insights goes: a slice for each day that a row may start with."""

    layout: Layout
    targets: Mapping[date, Target]
    source: frames.Source

    def home(self, day: date) -> date | None:
        """The slice, by its first day, that a row starting on `day` belongs to; None if none was asked for it.

        Mostly that day itself; Meta may cut the first slice of a range at what it keeps, and then starts later.
        """
        if day in self.targets:
            return day
        before = max((start for start in self.targets if start < day), default=None)
        within = self.targets[before].place.within if before is not None else None
        return before if within is not None and day < within[2] else None


class Sink(Protocol):
    """Takes the typed rows of one slice, or of a part of one."""

    def write(self, table: str, rows: pa.Table) -> None:
        """Takes rows of one of the slice's tables, in its file schema."""

    def set_aside(self, rows: pa.Table) -> None:
        """Takes rows of `meta.quarantine`."""

    def discard(self) -> None:
        """Forgets everything."""


SinkOf = TypeVar("SinkOf", bound=Sink)


class Reading(Generic[SinkOf]):
    """The receiver of an answer of ads insights: rows become typed tables, slice by slice.

    `open_sink(target, rows)` makes what takes a slice's rows; it may hold so many in memory.
    """

    def __init__(
        self,
        into: Into,
        open_sink: Callable[[Target, int], SinkOf],
        pool: Executor,
        now: Callable[[], datetime],
        say: Say,
    ) -> None:
        self._into = into
        self._open_sink = open_sink
        self._pool = pool
        self._now = now
        self._say = say
        self._pages: list[bytes] = []
        self._bytes = 0
        self._job: asyncio.Future[None] | None = None
        self._source = into.source
        self._extras: dict[str, None] = {}
        self.writers: dict[date, SinkOf] = {}
        self.lacking: Counter[str] = Counter()
        self.unknown: Counter[str] = Counter()

    @property
    def fetched_at(self) -> datetime:
        """What every row of this reading says of when it was read."""
        return self._source.fetched_at

    def begin(self) -> None:
        """A reading begins; what was taken before is forgotten."""
        self.discard()
        self._source = replace(self._into.source, fetched_at=self._now())
        targets = self._into.targets
        spill = max(SMALLEST_SPILL, MOST_HELD_ROWS // len(targets))
        self.writers = {day: self._open_sink(target, spill) for day, target in targets.items()}
        self.lacking.clear()
        self.unknown.clear()

    async def take(self, page: bytes) -> None:
        """One page; returns when there is room for the next."""
        self._pages.append(page)
        self._bytes += len(page)
        if self._bytes >= BATCH_BYTES:
            await self._flush()

    async def finish(self) -> None:
        """Every page has been taken and typed."""
        await self._flush()
        await self._settled()

    def release(self) -> dict[date, SinkOf]:
        """Hands over the writers, to be closed and landed."""
        writers, self.writers = self.writers, {}
        return writers

    def discard(self) -> None:
        """Forgets everything that was taken."""
        self._pages, self._bytes = [], 0
        for writer in self.writers.values():
            writer.discard()
        self.writers = {}

    async def stop(self) -> None:
        """Waits for what runs in the pool, then forgets everything; for the way out after a fault."""
        if self._job is not None:
            await asyncio.wait([self._job])
            self._job = None
        self.discard()

    async def _flush(self) -> None:
        pages, self._pages, self._bytes = self._pages, [], 0
        await self._settled()
        if pages:
            loop = asyncio.get_running_loop()
            self._job = loop.run_in_executor(self._pool, self._write, pages, self.writers)

    async def _settled(self) -> None:
        job, self._job = self._job, None
        if job is not None:
            await job

    # ---- in the pool ----

    def _write(self, pages: list[bytes], writers: Mapping[date, SinkOf]) -> None:
        found = self._typed(pages)
        for table, rows in found.rows.items():
            self._divide(table, rows, writers, found)
        self._set_aside(found, writers)
        self.lacking += found.lacking
        self.unknown += found.unknown

    def _typed(self, pages: list[bytes]) -> frames.Frames:
        layout = self._into.layout
        try:
            parsed = quick.parse(layout, pages, list(self._extras))
        except quick.Careless:
            parsed = careful.parse(layout, pages)
            self._extras |= dict.fromkeys(sorted(parsed.scalars))
        return frames.build(layout, parsed, self._source)

    def _divide(self, table: str, rows: pa.Table, writers: Mapping[date, SinkOf], found: frames.Frames) -> None:
        for day, part in frames.by_day(rows):
            home = self._into.home(day)
            if home is not None:
                writers[home].write(table, part)
            else:
                found.aside += frames.whole_rows(table, part, OUTSIDE, self._source)

    def _set_aside(self, found: frames.Frames, writers: Mapping[date, SinkOf]) -> None:
        first = min(writers)
        by_writer: dict[date, list[dict[str, object]]] = {}
        for day, row in found.aside:
            home = (self._into.home(day) if day is not None else None) or first
            by_writer.setdefault(home, []).append({**row, "slice_start": self._into.targets[home].id.start})
        for home, rows in by_writer.items():
            writers[home].set_aside(frames.quarantine_table(rows))


class InsightsReading(Reading[SliceWriter]):
    """The reading of whole slices, each into the writer of its files."""

    def __init__(self, into: Into, lake: Lake, pool: Executor, now: Callable[[], datetime], say: Say) -> None:
        super().__init__(into, lambda target, rows: SliceWriter(lake, target, rows), pool, now, say)
