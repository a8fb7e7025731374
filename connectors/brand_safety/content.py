"""Owns how content is looked up: posts, videos, photos, pages and Instagram media by their ids, in batches.

No edge lists them, and `?ids=` is gone with v26 (graph-api.md 4.6, 1.9): fifty to a batch is the cheapest there is.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import orjson

from connectors.base import Receiver
from connectors.errors import Fault, Missing
from connectors.graph.calls import Call
from connectors.graph.client import Graph
from connectors.pace.quotas import drawn_by_content
from schemas.content import ContentTable


@dataclass(frozen=True, slots=True)
class Content:
    """Looks content up; patient with quotas up to a moment, as nothing else waits for it."""

    graph: Graph

    async def look_up(
        self, table: ContentTable, ids: Sequence[str], receiver: Receiver, give_up: datetime
    ) -> Mapping[str, Fault]:
        """Takes what is there into the receiver; the ids that gave nothing, each with its fault."""
        params = {"fields": table.fields}
        calls = [Call("object", "GET", name, params, quotas=drawn_by_content()) for name in ids]
        refused: dict[str, Fault] = {}
        for name, answer in zip(ids, await self.graph.batch(calls, give_up=give_up), strict=True):
            if isinstance(answer, Fault):
                refused[name] = answer
            elif (other := _id_in(answer.body)) != name:
                refused[name] = Missing(f"answered as {other or 'something without an id'}", place=f"GET {name}")
            else:
                await receiver.take(b"[" + answer.body + b"]")
        return refused


def _id_in(body: bytes) -> str:
    """Under which id an object came: under another one it would never be found again, and asked for ever."""
    found = orjson.loads(body)
    return str(found.get("id", "")) if isinstance(found, dict) else ""
