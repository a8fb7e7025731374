"""Owns how the report of one ad set and hour is read: in pages as large as the API bears (graph-api.md 4.2 to 4.4).

Meta's page no longer shows this report. Where it is gone, that is said in one sentence, at the cost of one call.
"""

from dataclasses import dataclass, field
from datetime import datetime

from connectors.base import Answer, Receiver
from connectors.errors import Fault, Invalid, Missing, RestartListing
from connectors.graph.calls import Call
from connectors.graph.client import Graph
from connectors.graph.pages import PageSize
from connectors.http.clock import Clock
from connectors.pace.quotas import drawn_by_brand_safety

LARGEST_PAGE = 5000
"""The largest `limit` (4.3 [seed 002])."""
MOST_RESTARTS = 3
NO_PATH = 2500


class ReportRetired(Missing):
    """Meta knows no such report of this ad set."""

    advice = (
        "either the token may not see this ad set, or Meta has retired ad-set reports, which its page no longer shows; "
        "take the ad set out of [brand_safety] ad_sets"
    )


@dataclass(frozen=True, slots=True)
class AdSetHour:
    """One hour of one ad set and placement; `start` is local wall time of the zone that reports take by default."""

    ad_set_id: str
    platform: str
    position: str
    start: datetime

    @property
    def call(self) -> Call:
        """The question, without its page."""
        path = f"{self.ad_set_id}/adjacent_content_delivery_report"
        label = f"{self.start:%Y-%m-%dT%H:00}"
        params = {"platform": self.platform, "position": self.position, "datetime": label}
        return Call("list", "GET", path, params, quotas=drawn_by_brand_safety())


@dataclass(frozen=True, slots=True)
class AdSetReports:
    """Reads ad-set reports; remembers the page size that they bear."""

    graph: Graph
    clock: Clock
    size: PageSize = field(default_factory=lambda: PageSize(LARGEST_PAGE))

    async def fetch(self, hour: AdSetHour, receiver: Receiver) -> Answer:
        """Every page of an hour, into the receiver.

        Raises:
            ReportRetired: There is no such report.
            Fault: It cannot be read.
        """
        for attempt in range(MOST_RESTARTS):
            as_of = self.clock.now()
            receiver.begin()
            try:
                async for reply in self.graph.pages(hour.call, self.size):
                    await receiver.take(reply.body)
            except RestartListing:
                if attempt == MOST_RESTARTS - 1:
                    raise
            except (Missing, Invalid) as fault:
                raise _retired(fault) from fault
            else:
                return Answer(as_of)
        raise AssertionError("the last attempt returns or raises")


def _retired(fault: Fault) -> Fault:
    gone = isinstance(fault, Missing) or fault.code == NO_PATH
    return ReportRetired(fault.message, **fault.common()) if gone else fault
