"""Owns one hour of an ad-set report from its question to its landed rows. A retired report costs an ad set one call."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime

import pyarrow as pa

from connectors.brand_safety.ad_set_reports import AdSetHour, AdSetReports, ReportRetired
from connectors.errors import Fault, OutOfRange
from pipeline.committer import Closing
from pipeline.errors import Inconsistent
from pipeline.normalise.adjacent import AdjacentRows
from pipeline.normalise.frames import Source, quarantine_table
from pipeline.slices import SliceWriter, Target
from pipeline.uninterrupted import uninterrupted
from pipeline.workshop import Workshop
from schemas.brand_safety import ASSUMED_ZONE
from schemas.brand_safety_ad_sets import AD_SET_IMPRESSIONS
from schemas.periods import State
from schemas.work import ONE_HOUR, Place, SliceId, SliceRecord

DEFINITION = "ad-set reports"
NAME = AD_SET_IMPRESSIONS.name


class AdSetReading:
    """The receiver of one hour: pages become its rows."""

    def __init__(self, make: Callable[[datetime], AdjacentRows], now: Callable[[], datetime], shop: Workshop) -> None:
        self._make = make
        self._now = now
        self._shop = shop
        self.fetched_at = now()
        self.rows = make(self.fetched_at)

    def begin(self) -> None:
        """A reading begins; what was taken before is forgotten."""
        self.fetched_at = self._now()
        self.rows = self._make(self.fetched_at)

    async def take(self, page: bytes) -> None:
        """One page."""
        await asyncio.get_running_loop().run_in_executor(self._shop.pool, self.rows.take, [page])


@dataclass(frozen=True, slots=True)
class AdSetHours:
    """Ad-set reports in one run; `refused` are the ad sets of which nothing more is asked, with why."""

    shop: Workshop
    connector: AdSetReports
    refused: dict[str, Fault] = field(default_factory=dict)

    async def do(self, hour: AdSetHour) -> None:
        """Carries one hour out; its faults end in the committer's totals."""
        record = record_of(hour, self.shop.run_id)
        known = self.shop.refusals.token or self.refused.get(hour.ad_set_id)
        if known is not None:
            await self.shop.committer.fail([record], known)
            return
        reading = AdSetReading(lambda now: self._rows(hour, now), self.shop.clock.now, self.shop)
        try:
            answer = await self.connector.fetch(hour, reading)
            loop = asyncio.get_running_loop()
            writer = await uninterrupted(loop.run_in_executor(self.shop.pool, self._written, hour, reading.rows))
            read = replace(record, as_of=answer.as_of, fetched_at=reading.fetched_at)
            await uninterrupted(self.shop.committer.land([Closing(writer, read)]))
        except OutOfRange as fault:
            await self.shop.committer.fail([record], fault, State.LOST)
        except (Fault, Inconsistent, OSError) as fault:
            self._learn(hour.ad_set_id, fault)
            await self.shop.committer.fail([record], fault)

    def _learn(self, ad_set_id: str, fault: Exception) -> None:
        """A refusal of the ad set, as of the token, costs one call."""
        self.shop.refusals.learn(ad_set_id, fault)
        refused = fault if isinstance(fault, ReportRetired) else self.shop.refusals.accounts.get(ad_set_id)
        if refused is not None:
            self.refused[ad_set_id] = refused

    def _rows(self, hour: AdSetHour, now: datetime) -> AdjacentRows:
        source = Source(
            NAME, scope_of(hour), "ad_set_id", hour.ad_set_id, now, self.shop.run_id, place=str(slice_of(hour))
        )
        constant = {"hour": pa.scalar(hour.start, pa.timestamp("us")), "assumed_time_zone": pa.scalar(ASSUMED_ZONE)}
        return AdjacentRows(self.shop.tables[NAME][0], source, constant)

    def _written(self, hour: AdSetHour, rows: AdjacentRows) -> SliceWriter:
        table, aside = rows.table()
        lake, tables = self.shop.committer.store.lake, (self.shop.tables[NAME][0],)
        writer = SliceWriter(lake, Target(slice_of(hour), place_of(hour), tables))
        writer.write(NAME, table)
        if aside:
            writer.set_aside(quarantine_table([{**row, "slice_start": hour.start} for row in aside]))
        return writer


def scope_of(hour: AdSetHour) -> str:
    """The scope of an ad set's hours of one placement."""
    return f"{hour.ad_set_id}/{hour.platform}/{hour.position}"


def slice_of(hour: AdSetHour) -> SliceId:
    """The hour's slice."""
    return SliceId(NAME, scope_of(hour), hour.start)


def place_of(hour: AdSetHour) -> Place:
    """Where the hour's file lies."""
    folders = (("ad_set_id", hour.ad_set_id), ("platform", hour.platform), ("position", hour.position))
    day = ("date", f"{hour.start:%Y-%m-%d}")
    return Place((*folders, day), f"{hour.start:%H}", ("hour", hour.start, hour.start + ONE_HOUR))


def record_of(hour: AdSetHour, run_id: str, state: State = State.LANDED) -> SliceRecord:
    """What is known of an hour before anything has been read."""
    return SliceRecord(
        id=slice_of(hour),
        end=hour.start + ONE_HOUR,
        time_zone=ASSUMED_ZONE,
        state=state,
        rows=0,
        as_of=None,
        fetched_at=None,
        run_id=run_id,
        definition=DEFINITION,
    )
