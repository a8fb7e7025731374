"""Owns how the lists of a line of business become tables: read whole, upserted, one slice for each table."""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from connectors.attribution.reads import Reads
from connectors.errors import Fault
from pipeline.attribution_due import ZONE
from pipeline.committer import Closing
from pipeline.errors import Inconsistent
from pipeline.lake import path_of
from pipeline.normalise import exact_json
from pipeline.normalise.frames import Source, quarantine_table
from pipeline.normalise.objects import ObjectRows, upserted
from pipeline.slices import SliceWriter, Target
from pipeline.workshop import Workshop
from schemas.attribution import LINE, AttributionTable
from schemas.periods import State
from schemas.work import SliceId, SliceRecord, current_place

Found = dict[str, Any]
FAMILY = "attribution"


@dataclass(frozen=True, slots=True)
class AttributionLists:
    """The lists of one line of business in one run. `filters` are sent with the edges that they are named by."""

    shop: Workshop
    reads: Reads
    line: str
    filters: Mapping[str, Mapping[str, Any]]

    async def load(self, table: AttributionTable) -> bool:
        """Reads one table anew and lands it; whether it landed."""
        record = self.record(table.table.name)
        try:
            as_of = self.shop.clock.now()
            found = await self._found(table)
            self.shop.say("attribution.listed", table=table.table.name, line=self.line, objects=len(found))
            read = replace(record, as_of=as_of, fetched_at=self.shop.clock.now())
            loop = asyncio.get_running_loop()
            writer = await loop.run_in_executor(self.shop.pool, self._written, table, read, found)
            await self.shop.committer.land([Closing(writer, read)])
        except (Fault, Inconsistent, OSError, ValueError) as fault:
            self.shop.refusals.learn(f"{FAMILY} {self.line}", fault)
            await self.shop.committer.fail([record], fault)
            return False
        return True

    def record(self, table: str) -> SliceRecord:
        """The slice of a table before anything is known of it."""
        return SliceRecord(
            id=SliceId(table, self.line, None),
            end=None,
            time_zone=ZONE,
            state=State.LANDED,
            rows=0,
            as_of=None,
            fetched_at=None,
            run_id=self.shop.run_id,
            definition=FAMILY,
        )

    async def _found(self, table: AttributionTable) -> list[Found]:
        if not table.parents:
            return await self._listed(f"{self.line}/{table.edge}", table)
        parents = await self.reads.objects(f"{self.line}/{table.parents}", "id", self.filters.get(table.parents))
        below = [(str(one["id"]), await self._listed(f"{one['id']}/{table.edge}", table)) for one in parents]
        if table.many_parents:
            return _gathered(below, table.parent)
        return [{**found, table.parent: parent} for parent, objects in below for found in objects]

    async def _listed(self, path: str, table: AttributionTable) -> list[Found]:
        pages = await self.reads.pages(path, table.fields, self.filters.get(table.edge))
        return [found for page in pages for found in exact_json.read(page)]

    # ---- in the pool ----

    def _written(self, table: AttributionTable, record: SliceRecord, found: Sequence[Found]) -> SliceWriter:
        """The old rows with the new ones over them, in a writer."""
        kept = self.shop.tables[table.table.name][0]
        place = current_place(LINE, self.line)
        rows = ObjectRows(kept, self._source(kept.name, record))
        rows.take([exact_json.write(list(found)).encode()])
        read, aside = rows.table()
        lake = self.shop.committer.store.lake
        path = lake.root / path_of(kept.name, place)
        known: pa.Table | None = pq.ParquetFile(path).read() if path.exists() else None
        writer = SliceWriter(lake, Target(record.id, place, (kept,)))
        writer.write(kept.name, upserted(known, read, kept.key[0]))
        if aside:
            writer.set_aside(quarantine_table([{**row, "slice_start": None} for row in aside]))
        return writer

    def _source(self, table: str, record: SliceRecord) -> Source:
        return Source(
            table=table,
            scope=self.line,
            owner=LINE,
            owner_id=self.line,
            fetched_at=record.fetched_at or self.shop.clock.now(),
            run_id=self.shop.run_id,
            place=f"{table} {self.line}",
        )


def _gathered(below: Iterable[tuple[str, Sequence[Found]]], name: str) -> list[Found]:
    """Each object once, with all the parents that list it."""
    gathered: dict[str, Found] = {}
    for parent, objects in below:
        for found in objects:
            known = gathered.setdefault(str(found.get("id")), {**found, name: []})
            known[name].append(parent)
    return list(gathered.values())
