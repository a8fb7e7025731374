"""Owns the family brand safety in a load: which hours Meta has, which of them are due, and that they are fetched."""

import asyncio
import heapq
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import orjson
import pyarrow as pa
import pyarrow.parquet as pq

from connectors.brand_safety import hours as listing
from connectors.brand_safety.hours import Placement
from connectors.errors import Fault, PermissionRefused
from connectors.graph.client import Graph
from pipeline import brand_safety_plan as planning
from pipeline.brand_safety_plan import Availability, Hours, Span
from pipeline.brand_safety_work import Hour, HoursWork, by_hour, scope_of
from pipeline.catalogue import Owned
from pipeline.committer import Closing
from pipeline.due import Due
from pipeline.lake import path_of
from pipeline.ledger import Ledger
from pipeline.line import Line
from pipeline.slices import SliceWriter, Target
from pipeline.workshop import Workshop
from schemas.arrow import file_schema
from schemas.brand_safety import ASSUMED_ZONE, AVAILABILITY, HISTORY, IMPRESSIONS
from schemas.columns import ORIGIN_NAMES, Table
from schemas.periods import State
from schemas.work import Place, SliceId, SliceRecord

NAME = "brand_safety"
DEFINITION = "brand safety"
HOURS_AT_ONCE = 3
"""Hours that are open at once: while the last parts of one are typed, the next is listed and fetched."""
NOT_THERE = "Meta lists this hour as missing: late, or never to come; it is asked for again until it leaves the window"
LOST = "it left Meta's window of 15 days before it was whole"
CAPABILITY = (
    "the app may not read brand-safety reports: ask Meta, through your representative, for the capability "
    "brand_safety_feed_verification"
)


@dataclass(frozen=True, slots=True)
class BrandSafety:
    """The configured businesses and placements, narrowed to what a command is about (`pipeline/family.py`)."""

    businesses: tuple[str, ...]
    placements: tuple[Placement, ...]
    files_url: str
    owners: tuple[str, ...]
    span: Span
    name: str = NAME

    @property
    def owned(self) -> Sequence[Owned]:
        """The impressions, and the availability with its history."""
        return (
            Owned(AVAILABILITY.name, DEFINITION, DEFINITION, (AVAILABILITY, HISTORY)),
            Owned(IMPRESSIONS.name, DEFINITION, DEFINITION, (IMPRESSIONS,)),
        )

    def due(self, ledger: Ledger, now: datetime) -> Sequence[Due]:
        """The hours that Meta should have and that have not landed whole; what it has is asked first by a load."""
        found = [
            Due(AVAILABILITY.name, str(placement), 1, ("asked at every load",), 1)
            for placement in (self.placements if self.businesses else ())
        ]
        for business, placement in self._scopes():
            hours = self._hours(ledger, business, placement, planning.expected(now), now).due
            if hours:
                known = by_hour(ledger.slices_of(IMPRESSIONS.name, scope_of(business, placement)))
                why = sorted({_why(known.get(hour)) for hour in hours})
                scope, count = scope_of(business, placement), len(hours)
                found.append(Due(IMPRESSIONS.name, scope, count, tuple(why), count, hours[0], hours[-1]))
        return found

    async def load(self, shop: Workshop, line: Line) -> None:
        """Asks which hours there are, records what is late and lost, and fetches what is due."""
        if not self.businesses:
            return
        available = await self._availability(shop, line.graph())
        if NAME in shop.refusals.families or shop.refusals.token is not None:
            return
        files = line.graph(target=replace(line.target, base_url=self.files_url, version=""))
        work = HoursWork(shop, files, line.http, line.target.timeout_seconds)
        due = iter(await self._plan(shop, available))
        async with asyncio.TaskGroup() as group:
            for _ in range(HOURS_AT_ONCE):
                group.create_task(_each(work, due))

    # ---- which hours there are ----

    async def _availability(self, shop: Workshop, graph: Graph) -> dict[Placement, Availability]:
        found: dict[Placement, Availability] = {}
        for placement in self.placements:
            asked = shop.clock.now()
            record = _availability_record(placement, shop.run_id)
            try:
                said = await listing.ranges(graph, placement)
                await _keep(shop, placement, said, replace(record, as_of=asked, fetched_at=shop.clock.now()))
            except (Fault, OSError) as fault:
                await shop.committer.fail([record], _learned(shop, fault))
                if isinstance(fault, PermissionRefused) or shop.refusals.token is not None:
                    break
                continue
            found[placement] = planning.read_ranges(said, asked)
            for text in found[placement].odd:
                shop.say("availability.odd_hour", placement=str(placement), text=text)
        return found

    # ---- which of them are due ----

    async def _plan(self, shop: Workshop, available: dict[Placement, Availability]) -> list[Hour]:
        """The due hours, over all businesses and placements those that leave the window first, first."""
        now, due = shop.clock.now(), []
        for business, placement in self._scopes():
            if placement not in available:
                continue
            hours = self._hours(shop.committer.store.ledger, business, placement, available[placement], now)
            due.append([Hour(business, placement, start) for start in hours.due])
            for starts, why, state in ((hours.missing, NOT_THERE, State.SKIPPED), (hours.lost, LOST, State.LOST)):
                records = [Hour(business, placement, start).record(shop.run_id) for start in starts]
                if records:
                    await shop.committer.fail(records, Exception(why), state)
        return list(heapq.merge(*due, key=lambda hour: hour.start))

    def _hours(
        self, ledger: Ledger, business: str, placement: Placement, available: Availability, now: datetime
    ) -> Hours:
        known = by_hour(ledger.slices_of(IMPRESSIONS.name, scope_of(business, placement)))
        return planning.hours(known, available, now, self.span)

    def _scopes(self) -> Iterator[tuple[str, Placement]]:
        return ((business, placement) for business in self.businesses for placement in self.placements)


async def _each(work: HoursWork, due: Iterator[Hour]) -> None:
    """One hour after the other, of those that nobody has taken yet."""
    for hour in due:
        await work.do(hour)


def _learned(shop: Workshop, fault: Exception) -> Exception:
    """A refusal of the ranges, which are nobody's in particular, is one of the whole family."""
    shop.refusals.learn(NAME, fault)
    if not isinstance(fault, PermissionRefused):
        return fault
    refusal = PermissionRefused(f"{CAPABILITY} ({fault.message})", **fault.common())
    shop.refusals.families[NAME] = refusal
    return refusal


def _why(record: SliceRecord | None) -> str:
    if record is None:
        return "never asked"
    return {State.FAILED: "failed before", State.SKIPPED: "was not there"}.get(record.state, "not whole")


# ---- what Meta has, as a table with its history ----


def _availability_record(placement: Placement, run_id: str) -> SliceRecord:
    slice_id = SliceId(AVAILABILITY.name, str(placement), None)
    return SliceRecord(slice_id, None, ASSUMED_ZONE, State.LANDED, 0, None, None, run_id, DEFINITION)


async def _keep(shop: Workshop, placement: Placement, said: dict[str, Any], record: SliceRecord) -> None:
    """Lands what was said as last seen and, if it is another than before, as one more row of the history."""
    loop = asyncio.get_running_loop()
    writer = await loop.run_in_executor(shop.pool, _written, shop, placement, said, record)
    await shop.committer.land([Closing(writer, record)])


def _written(shop: Workshop, placement: Placement, said: dict[str, Any], record: SliceRecord) -> SliceWriter:
    tables = {table.name: table for table in shop.tables[AVAILABILITY.name]}
    place = Place(tuple(placement.parameters.items()), "current")
    lake = shop.committer.store.lake
    writer = SliceWriter(lake, Target(record.id, place, tuple(tables.values())))
    row = {
        "is_download": True,
        "assumed_time_zone": ASSUMED_ZONE,
        "earliest_datetime": _text(said.get("earliest_datetime")),
        "latest_datetime": _text(said.get("latest_datetime")),
        "missing_datetimes": orjson.dumps(said.get("missing_datetimes") or []).decode(),
        "fetched_at": record.fetched_at,
        "run_id": record.run_id,
    }
    history = lake.root / path_of(HISTORY.name, place)
    before = pq.ParquetFile(history).read().to_pylist() if history.exists() else []
    writer.write(AVAILABILITY.name, _as_table(tables[AVAILABILITY.name], [row]))
    after = before if before and _said(before[-1]) == _said(row) else [*before, row]
    writer.write(HISTORY.name, _as_table(tables[HISTORY.name], after))
    return writer


def _said(row: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in row.items() if name not in ORIGIN_NAMES and value is not None}


def _as_table(table: Table, rows: list[dict[str, Any]]) -> pa.Table:
    return pa.Table.from_pylist(rows, schema=file_schema(table))


def _text(value: object) -> str | None:
    return None if value is None else str(value)
