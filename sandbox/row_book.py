"""Owns evaluated rows as encoded bytes: worked out once per question in a thread, shuffled per reader, kept a while."""

import asyncio
import json
from collections import OrderedDict
from dataclasses import dataclass
from datetime import date
from random import Random
from typing import Any

import orjson

from sandbox.digest import draw
from sandbox.query import Query
from sandbox.state import State

_KEPT = 128


@dataclass(frozen=True, slots=True)
class Sheet:
    """All rows of one answer, each already encoded, in the order in which they are served."""

    rows: list[bytes]
    summary: bytes | None


class RowBook:
    """Answers with sheets; the same question on the same day is worked out once."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._sheets: OrderedDict[tuple[Any, ...], asyncio.Task[Sheet]] = OrderedDict()

    async def sheet(self, query: Query, as_of: date, order: str) -> Sheet:
        """Return a query's rows; `order` decides the shuffle, which sorting overrules."""
        key = (query, as_of, self._state.scenario.version, order)
        task = self._sheets.get(key)
        if task is None:
            task = self._sheets[key] = asyncio.create_task(self._work_out(query, as_of, order))
            while len(self._sheets) > _KEPT:
                self._sheets.popitem(last=False)
        self._sheets.move_to_end(key)
        return await asyncio.shield(task)

    async def _work_out(self, query: Query, as_of: date, order: str) -> Sheet:
        return await asyncio.to_thread(work_out, self._state, query, as_of, order)


def work_out(state: State, query: Query, as_of: date, order: str) -> Sheet:
    """Evaluate, encode and shuffle; slow for many rows."""
    found = state.evaluate(query, as_of)
    rows = [encode(row) for row in found.rows]
    if not query.sort:
        Random(draw(order)).shuffle(rows)
    return Sheet(rows, None if found.summary is None else encode(found.summary))


def encode(value: Any) -> bytes:
    """Encode JSON; a lone surrogate becomes the invalid octet that a scenario wants to see on the wire."""
    try:
        return orjson.dumps(value)
    except TypeError:
        return json.dumps(value, ensure_ascii=False, default=str).encode("utf-8", "surrogateescape")
