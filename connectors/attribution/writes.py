"""Owns what is made at Meta: reports, runs, schedules. Each is sent once, and looked for before it is sent again.

A reply that is lost says nothing about what happened: a creation is never simply repeated, as other calls are.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

from connectors.attribution.reads import Reads
from connectors.errors import Fault, GaveUp, TooMuch, Transport
from connectors.graph.calls import Call
from connectors.graph.client import Graph
from connectors.http.clock import Clock
from schemas.events import Say

MOST_SENDINGS = 3
WAIT_SECONDS = 5.0
Body = Mapping[str, Any]
Find = Callable[[], Awaitable[str | None]]


@dataclass(frozen=True, slots=True)
class Writes:
    """Writes of one token; `once` is a way to Graph that repeats nothing by itself."""

    reads: Reads
    once: Graph
    clock: Clock
    say: Say

    async def create_report(self, line: str, body: Body) -> str:
        """Creates a report; its id. One of this name that is already there is that report.

        Raises:
            Fault: It cannot be created.
        """

        async def find() -> str | None:
            found = await self.reads.objects(f"{line}/reports", "id,name")
            return next((str(one["id"]) for one in found if one.get("name") == body["name"]), None)

        return await self._make(f"{line}/reports", body, find)

    async def start_run(self, report: str, body: Body) -> str:
        """Starts a run of a report; its id.

        Raises:
            Fault: It cannot be started.
        """
        path = f"{report}/report_runs"
        before = {str(one["id"]) for one in await self.reads.objects(path, "id")}

        async def find() -> str | None:
            new = [str(one["id"]) for one in await self.reads.objects(path, "id") if str(one["id"]) not in before]
            return new[-1] if new else None

        return await self._make(path, body, find)

    async def create_schedule(self, report: str, body: Body) -> str:
        """Creates the one schedule of a report; its id.

        Raises:
            Fault: It cannot be created.
        """
        path = f"{report}/report_schedules"

        async def find() -> str | None:
            found = await self.reads.objects(path, "id")
            return str(found[0]["id"]) if found else None

        return await self._make(path, body, find)

    async def change(self, path: str, object_id: str, body: Body) -> None:
        """Changes a report or a schedule; may be repeated, as it says the same each time.

        Raises:
            Fault: It cannot be changed.
        """
        self.say("attribution.changing", path=path, id=object_id)
        await self.reads.graph.call(_call(path, {**body, "id": object_id}))
        self.say("attribution.changed", path=path, id=object_id)

    async def _make(self, path: str, body: Body, find: Find) -> str:
        for sending in range(1, MOST_SENDINGS + 1):
            self.say("attribution.sending", path=path, sending=sending)
            lost: Fault | None = None
            try:
                made = _id_in((await self.once.call(_call(path, body))).object())
            except (GaveUp, TooMuch) as fault:
                made, lost = None, fault
                await self.clock.sleep(WAIT_SECONDS * sending)
            self.say("attribution.sent", path=path, sending=sending)
            made = made or await find()
            if made is not None:
                return _checked(made, path)
            if lost is not None and sending == MOST_SENDINGS:
                raise lost
        raise Transport("Meta says that it was made, and does not show it", place=f"POST {path}")


def _call(path: str, body: Body) -> Call:
    parameter = path.rpartition("/")[2]  # the edge and its parameter have one name: 6.2 [seed 003]
    return Call("object", "POST", path, {parameter: [dict(body)]})


def _id_in(reply: Mapping[str, Any]) -> str | None:
    """The id in a reply whose shape is not published (6.2 [inferred]); None where it only says that it went well."""
    data = reply.get("data")
    first = data[0] if isinstance(data, list) and data and isinstance(data[0], dict) else reply
    found = first.get("id")
    return None if found is None else str(found)


def _checked(object_id: str, path: str) -> str:
    """An id that may stand in a path of the lake."""
    if not object_id.isascii() or not object_id.isdigit():
        raise Transport(f"an id that is no number: {object_id!r}", place=f"POST {path}")
    return object_id
