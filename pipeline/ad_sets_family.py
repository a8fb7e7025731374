"""Owns the step of brand safety that loads ad-set reports: which hours are due, and that they are read."""

import asyncio
import heapq
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from connectors.brand_safety.ad_set_reports import AdSetHour, AdSetReports
from connectors.brand_safety.hours import Placement
from pipeline import ad_set_hours
from pipeline import brand_safety_plan as planning
from pipeline.ad_set_hours import AdSetHours
from pipeline.brand_safety_availability import NAME, availability
from pipeline.brand_safety_family import LOST, NOT_THERE
from pipeline.brand_safety_plan import Availability, Hours, Span
from pipeline.catalogue import Owned
from pipeline.due import Due
from pipeline.hours import by_hour
from pipeline.ledger import Ledger
from pipeline.line import Line
from pipeline.workshop import Workshop
from schemas.brand_safety_ad_sets import AD_SET_IMPRESSIONS
from schemas.periods import State

AT_ONCE = 4
"""Reports that are read side by side: they share one quota, and a page is small."""


@dataclass(frozen=True, slots=True)
class AdSetReportsStep:
    """The configured ad sets and placements, narrowed to what a command is about (`pipeline/family.py`)."""

    ad_sets: tuple[str, ...]
    placements: tuple[Placement, ...]
    owners: tuple[str, ...]
    span: Span
    name: str = NAME

    @property
    def owned(self) -> Sequence[Owned]:
        """The impressions of ad sets."""
        definition = ad_set_hours.DEFINITION
        return (Owned(AD_SET_IMPRESSIONS.name, definition, definition, (AD_SET_IMPRESSIONS,)),)

    def due(self, ledger: Ledger, now: datetime) -> Sequence[Due]:
        """The hours that Meta should have and that have not landed; what it has is asked first by a load."""
        found = []
        for ad_set, placement in self._scopes():
            hours = self._hours(ledger, ad_set, placement, planning.expected(now), now).due
            if hours:
                scope, count = f"{ad_set}/{placement}", len(hours)
                why = ("not landed yet",)
                found.append(Due(AD_SET_IMPRESSIONS.name, scope, count, why, count, hours[0], hours[-1]))
        return found

    async def load(self, shop: Workshop, line: Line) -> None:
        """Asks which hours there are, records what is late and lost, and reads what is due."""
        if not self.ad_sets or shop.refusals.token is not None:
            return
        graph = line.graph()
        available = await availability(shop, graph, self.placements, is_download=False)
        work = AdSetHours(shop, AdSetReports(graph, shop.clock))
        due = iter(await self._plan(shop, available))
        async with asyncio.TaskGroup() as group:
            for _ in range(AT_ONCE):
                group.create_task(_each(work, due))

    async def _plan(self, shop: Workshop, available: dict[Placement, Availability]) -> list[AdSetHour]:
        """The due hours, over all ad sets and placements those that leave the window first, first."""
        now, due = shop.clock.now(), []
        for ad_set, placement in self._scopes():
            if placement not in available:
                continue
            hours = self._hours(shop.committer.store.ledger, ad_set, placement, available[placement], now)
            due.append([_hour(ad_set, placement, start) for start in hours.due])
            for starts, why, state in ((hours.missing, NOT_THERE, State.SKIPPED), (hours.lost, LOST, State.LOST)):
                records = [ad_set_hours.record_of(_hour(ad_set, placement, start), shop.run_id) for start in starts]
                if records:
                    await shop.committer.fail(records, Exception(why), state)
        return list(heapq.merge(*due, key=lambda hour: hour.start))

    def _hours(
        self, ledger: Ledger, ad_set: str, placement: Placement, available: Availability, now: datetime
    ) -> Hours:
        known = by_hour(ledger.slices_of(AD_SET_IMPRESSIONS.name, f"{ad_set}/{placement}"))
        return planning.hours(known, available, now, self.span)

    def _scopes(self) -> Iterator[tuple[str, Placement]]:
        return ((ad_set, placement) for ad_set in self.ad_sets for placement in self.placements)


async def _each(work: AdSetHours, due: Iterator[AdSetHour]) -> None:
    """One hour after the other, of those that nobody has taken yet."""
    for hour in due:
        await work.do(hour)


def _hour(ad_set: str, placement: Placement, start: datetime) -> AdSetHour:
    return AdSetHour(ad_set, placement.platform, placement.position, start)
