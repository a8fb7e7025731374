"""Owns the family brand safety in a load: which hours Meta has, which of them are due, and that they are fetched."""

import asyncio
import heapq
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from connectors.brand_safety.hours import Placement
from connectors.errors import PermissionRefused
from pipeline import brand_safety_plan as planning
from pipeline.brand_safety_availability import DEFINITION, NAME, availability, is_refused
from pipeline.brand_safety_plan import Availability, Hours, Span
from pipeline.brand_safety_work import HoursWork
from pipeline.catalogue import Owned
from pipeline.due import Due
from pipeline.hours import Hour, by_hour, scope_of
from pipeline.isolation import own_fault
from pipeline.ledger import Ledger
from pipeline.line import Line
from pipeline.workshop import Workshop
from schemas.brand_safety import AVAILABILITY, HISTORY, IMPRESSIONS
from schemas.periods import State
from schemas.work import SliceRecord

HOURS_AT_ONCE = 3
"""Hours that are open at once: while the last parts of one are typed, the next is listed and fetched."""
NOT_THERE = "Meta lists this hour as missing: late, or never to come; it is asked for again until it leaves the window"
LOST = "it left Meta's window of 15 days before it was whole"


@dataclass(frozen=True, slots=True)
class BrandSafety:
    """The configured businesses and placements, narrowed to what a command is about (`pipeline/family.py`).

    `hours`: whether the files are wanted, or only which hours there are.
    """

    businesses: tuple[str, ...]
    placements: tuple[Placement, ...]
    files_url: str
    owners: tuple[str, ...]
    span: Span
    hours: bool = True
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
        for business, placement in self._scopes() if self.hours else ():
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
        available = await availability(shop, line.graph(), self.placements, is_download=True)
        if is_refused(shop):
            return
        files = line.graph(target=replace(line.target, base_url=self.files_url, version=""))
        work = HoursWork(shop, files, line.http, line.target.timeout_seconds)
        due = iter(await self._plan(shop, available) if self.hours else ())
        async with asyncio.TaskGroup() as group:
            for _ in range(HOURS_AT_ONCE):
                group.create_task(_each(work, due))
        refused = [shop.refusals.accounts.get(business) for business in self.businesses]
        if all(isinstance(fault, PermissionRefused) for fault in refused) and refused[0] is not None:
            shop.refusals.families[NAME] = refused[0]

    # ---- which of them are due ----

    async def _plan(self, shop: Workshop, available: dict[Placement, Availability]) -> list[Hour]:
        """The due hours, over all businesses and placements those that leave the window first, first."""
        now, due = shop.clock.now(), []
        for business, placement in self._scopes():
            if placement not in available:
                continue
            hours = self._hours(shop.committer.store.ledger, business, placement, available[placement], now)
            due.append([Hour(business, placement, start) for start in hours.due])
            fresh = [Hour(business, placement, start).record(shop.run_id) for start in hours.missing]
            await shop.committer.skip([replace(record, reason=NOT_THERE) for record in fresh])
            lost = [Hour(business, placement, start).record(shop.run_id) for start in hours.lost]
            await shop.committer.fail(lost, Exception(LOST), State.LOST)
        return list(heapq.merge(*due, key=lambda hour: hour.start))

    def _hours(
        self, ledger: Ledger, business: str, placement: Placement, available: Availability, now: datetime
    ) -> Hours:
        known = by_hour(ledger.slices_of(IMPRESSIONS.name, scope_of(business, placement)))
        return planning.hours(known, available, now, self.span)

    def _scopes(self) -> Iterator[tuple[str, Placement]]:
        return ((business, placement) for business in self.businesses for placement in self.placements)


async def _each(work: HoursWork, due: Iterator[Hour]) -> None:
    """One hour after the other, of those that nobody has taken yet; what is not fetched in time is lost for ever."""
    for hour in due:
        try:
            await work.do(hour)
        except Exception as error:  # noqa: BLE001 - see `isolation`
            await work.fail(hour, [own_fault(error, work.shop.say)])


def _why(record: SliceRecord | None) -> str:
    if record is None:
        return "never asked"
    return {State.FAILED: "failed before", State.SKIPPED: "was not there"}.get(record.state, "not whole")
