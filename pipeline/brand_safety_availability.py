"""Owns which hours Meta has: asked at every load, kept as a table of what was last seen, with its history.

Files and ad-set reports have hours of their own (`is_download`); both stand in one slice of a placement.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import orjson
import pyarrow as pa
import pyarrow.parquet as pq

from connectors.brand_safety import hours as listing
from connectors.brand_safety.hours import Placement
from connectors.errors import Fault, PermissionRefused
from connectors.graph.client import Graph
from pipeline import brand_safety_plan as planning
from pipeline.brand_safety_plan import Availability
from pipeline.brand_safety_work import in_our_words
from pipeline.committer import Closing
from pipeline.lake import path_of
from pipeline.slices import SliceWriter, Target
from pipeline.uninterrupted import uninterrupted
from pipeline.workshop import Workshop
from schemas.arrow import file_schema
from schemas.brand_safety import ASSUMED_ZONE, AVAILABILITY, HISTORY
from schemas.columns import ORIGIN_NAMES, Table
from schemas.periods import State
from schemas.work import Place, SliceId, SliceRecord

NAME = "brand_safety"
DEFINITION = "brand safety"


async def availability(
    shop: Workshop, graph: Graph, placements: Sequence[Placement], *, is_download: bool
) -> dict[Placement, Availability]:
    """Which hours Meta has of each placement; a placement that cannot be asked is left out, and is a failure."""
    found: dict[Placement, Availability] = {}
    for placement in placements:
        asked = shop.clock.now()
        record = _availability_record(placement, shop.run_id)
        try:
            said = await listing.ranges(graph, placement, is_download=is_download)
            told = _Told(placement, said, replace(record, as_of=asked, fetched_at=shop.clock.now()), is_download)
            await _keep(shop, told)
        except (Fault, OSError) as fault:
            await shop.committer.fail([record], _learned(shop, fault))
            if isinstance(fault, PermissionRefused) or shop.refusals.token is not None:
                break
            continue
        found[placement] = planning.read_ranges(said, asked)
        for text in found[placement].odd:
            shop.say("availability.odd_hour", placement=str(placement), text=text)
    return found


def is_refused(shop: Workshop) -> bool:
    """Whether nothing of the family may be asked."""
    return NAME in shop.refusals.families or shop.refusals.token is not None


def _learned(shop: Workshop, fault: Exception) -> Exception:
    """A refusal of the ranges, which are nobody's in particular, is one of the whole family."""
    if isinstance(fault, PermissionRefused):
        fault = shop.refusals.families[NAME] = in_our_words(fault)
    else:
        shop.refusals.learn(NAME, fault)
    return fault


@dataclass(frozen=True, slots=True)
class _Told:
    """What a reply said of a placement, and the slice that it belongs to."""

    placement: Placement
    said: dict[str, Any]
    record: SliceRecord
    is_download: bool

    @property
    def row(self) -> dict[str, Any]:
        return {
            "is_download": self.is_download,
            "assumed_time_zone": ASSUMED_ZONE,
            "earliest_datetime": _text(self.said.get("earliest_datetime")),
            "latest_datetime": _text(self.said.get("latest_datetime")),
            "missing_datetimes": orjson.dumps(self.said.get("missing_datetimes") or []).decode(),
            "fetched_at": self.record.fetched_at,
            "run_id": self.record.run_id,
        }


def _availability_record(placement: Placement, run_id: str) -> SliceRecord:
    slice_id = SliceId(AVAILABILITY.name, str(placement), None)
    return SliceRecord(slice_id, None, ASSUMED_ZONE, State.LANDED, 0, None, None, run_id, DEFINITION)


async def _keep(shop: Workshop, told: _Told) -> None:
    """Lands what was said as last seen and, if it is another than before, as one more row of the history."""
    writer = await asyncio.get_running_loop().run_in_executor(shop.pool, _written, shop, told)
    await uninterrupted(shop.committer.land([Closing(writer, told.record)]))


def _written(shop: Workshop, told: _Told) -> SliceWriter:
    tables = {table.name: table for table in shop.tables[AVAILABILITY.name]}
    place = Place(tuple(told.placement.parameters.items()), "current")
    lake = shop.committer.store.lake
    writer = SliceWriter(lake, Target(told.record.id, place, tuple(tables.values())))
    seen, before = (_rows(lake.root / path_of(name, place)) for name in (AVAILABILITY.name, HISTORY.name))
    others = [row for row in seen if row["is_download"] is not told.is_download]
    writer.write(AVAILABILITY.name, _as_table(tables[AVAILABILITY.name], [*others, told.row]))
    last = next((row for row in reversed(before) if row["is_download"] is told.is_download), None)
    after = before if last is not None and _said(last) == _said(told.row) else [*before, told.row]
    writer.write(HISTORY.name, _as_table(tables[HISTORY.name], after))
    return writer


def _rows(path: Path) -> list[dict[str, Any]]:
    return pq.ParquetFile(path).read().to_pylist() if path.exists() else []


def _said(row: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in row.items() if name not in ORIGIN_NAMES and value is not None}


def _as_table(table: Table, rows: list[dict[str, Any]]) -> pa.Table:
    return pa.Table.from_pylist(rows, schema=file_schema(table))


def _text(value: object) -> str | None:
    return None if value is None else str(value)
