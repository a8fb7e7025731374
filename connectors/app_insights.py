"""Owns how app insights are asked: one metric of one app a call, some days of it, every page (graph-api.md 5.2).

An old API that may be gone: an answer that there is no such edge is `Retired`, and says what to do.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, time, timedelta

import orjson

from connectors.base import Receiver
from connectors.errors import Missing, RestartListing, Retired
from connectors.graph.calls import Call, Param
from connectors.graph.client import Graph
from connectors.graph.pages import PageSize
from connectors.graph.replies import Reply
from connectors.http.clock import Clock
from connectors.pace.quotas import drawn_by_app
from schemas.app_insights import BORDER, AppMetric
from schemas.events import Say
from schemas.periods import Period

EDGE = "app_insights"
ROWS_A_PAGE = 1000
MOST_RESTARTS = 3
LAST_SECOND = timedelta(seconds=1)


@dataclass(frozen=True, slots=True)
class AppQuestion:
    """One entry of one app, over some days of GMT-8; `period` is None for what is asked without days."""

    app_id: str
    entry: AppMetric
    period: Period | None

    @property
    def place(self) -> str:
        """What messages call it."""
        days = f" {self.period.start} to {self.period.until}" if self.period else ""
        return f"{EDGE} {self.entry.scope(self.app_id)}{days}"

    @property
    def call(self) -> Call:
        """The call of its first page.

        Days are sent as Unix seconds, from the border that begins the first to the last second of the last: that is
        the same range whether Meta takes `until` as inclusive or not, which no page says.
        """
        params: dict[str, Param] = {**self.entry.parameters(), "summary": "true"}
        if self.period is not None:
            since, end = (datetime.combine(day, time.min, BORDER) for day in (self.period.start, self.period.end))
            params |= {"since": int(since.timestamp()), "until": int((end - LAST_SECOND).timestamp())}
        path = f"{self.app_id}/{EDGE}/{self.entry.metric}"
        return Call("list", "GET", path, params, quotas=drawn_by_app())


@dataclass(frozen=True, slots=True)
class AppAnswer:
    """A whole answer has been taken: when Meta was asked, and what Meta said about the data."""

    as_of: datetime
    messages: tuple[str, ...] = ()


class AppInsights:
    """Asks with one token."""

    def __init__(self, graph: Graph, clock: Clock, say: Say) -> None:
        self._graph = graph
        self._clock = clock
        self._say = say

    async def fetch(self, question: AppQuestion, receiver: Receiver) -> AppAnswer:
        """Every page of an answer, into the receiver.

        Raises:
            Retired: There is no such app, or no such edge any more.
            Fault: The metric cannot be read.
        """
        for attempt in range(MOST_RESTARTS):
            as_of = self._clock.now()
            receiver.begin()
            try:
                return AppAnswer(as_of, await self._all(question, receiver))
            except RestartListing:
                if attempt == MOST_RESTARTS - 1:
                    raise
            except Missing as fault:
                raise Retired(
                    f"app {question.app_id} answers no app insights: {fault.message}", **fault.common()
                ) from None
        raise AssertionError("the last attempt returns or raises")

    async def _all(self, question: AppQuestion, receiver: Receiver) -> tuple[str, ...]:
        messages: dict[str, None] = {}
        async for reply in self._graph.pages(question.call, PageSize(ROWS_A_PAGE)):
            self._say("app_insights.page", question=question.place)
            await receiver.take(reply.body)
            messages |= dict.fromkeys(_messages(reply))
        return tuple(messages)


def _messages(reply: Reply) -> Iterator[str]:
    """What the summary says about the data; whatever else a summary is, it says nothing."""
    summary = orjson.loads(reply.summary) if reply.summary else None
    messages = summary.get("messages") if isinstance(summary, dict) else None
    return (str(message) for message in messages) if isinstance(messages, list) else iter(())
