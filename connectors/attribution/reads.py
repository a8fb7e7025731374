"""Owns what is asked of Advanced Attribution without changing anything: nodes, lists, the state of a run (6.2, 6.4).

The API is old and may be gone: whoever asks is told so in plain words, whatever Graph calls it.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import orjson

from connectors.errors import Fault, Invalid, Missing, Refused, RestartListing, Transport, VersionDead
from connectors.graph.calls import Call, Param
from connectors.graph.client import Graph

MOST_RESTARTS = 3
NO_SUCH_PATH = 2500
IDENTITY = ("id", "key")
"""Of a list that was asked for one of these, every object must have it."""
Object = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Reads:
    """Reads of one token."""

    graph: Graph

    async def line(self, line: str) -> Object:
        """A line of business.

        Raises:
            Fault: It cannot be read; `Refused` in plain words where the whole API does not answer.
        """
        with _plainly(line, gone=(Missing, VersionDead)):
            return (await self.graph.call(Call("object", "GET", line, {"fields": "id,name"}))).object()

    async def pages(self, path: str, fields: str, filter_by: Mapping[str, Any] | None = None) -> list[bytes]:
        """Every page of a list, each as the raw JSON array of its objects.

        Raises:
            Fault: It cannot be read to its end.
        """
        params: dict[str, Param] = {"fields": fields, **({"filter_by": dict(filter_by)} if filter_by else {})}
        needs = tuple(name for name in IDENTITY if name in fields.split(","))
        call = Call("list", "GET", path, params, needs=needs)
        for attempt in range(MOST_RESTARTS):
            try:
                with _plainly(path):
                    return [reply.body async for reply in self.graph.pages(call)]
            except RestartListing:
                if attempt == MOST_RESTARTS - 1:
                    raise
        raise AssertionError("the last attempt returns or raises")

    async def objects(self, path: str, fields: str, filter_by: Mapping[str, Any] | None = None) -> list[Object]:
        """Every object of a list, decoded.

        Raises:
            Fault: As `pages`.
        """
        return [found for page in await self.pages(path, fields, filter_by) for found in orjson.loads(page)]

    async def status(self, run: str) -> str:
        """The status of a report run.

        Raises:
            Fault: It cannot be read; `Transport` where the reply has none.
        """
        found = (await self.graph.call(Call("object", "GET", run, {"fields": "id,status"}))).object()
        if not isinstance(found.get("status"), str):
            raise Transport("a report run without a status", place=f"GET {run}")
        return str(found["status"])


@contextmanager
def _plainly(path: str, gone: tuple[type[Fault], ...] = (VersionDead,)) -> Iterator[None]:
    """Says of an API that is gone that it is gone; every other fault stays what it is."""
    try:
        yield
    except Fault as fault:
        if not isinstance(fault, gone) and not (isinstance(fault, Invalid) and fault.code == NO_SUCH_PATH):
            raise
        line = path.partition("/")[0]
        raise Refused(
            f"Meta no longer answers Advanced Attribution for {line} ({fault.message}): the API was retired, or this "
            f"token was never invited to it; take the line of business out of [attribution]",
            **fault.common(),
        ) from None
