"""Owns what goes on beside a run's work: publishing now and then, and telling how far it is."""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any

from connectors.http.clock import Clock
from pipeline.committer import Committer
from pipeline.errors import Unpublished
from pipeline.uninterrupted import uninterrupted
from pipeline.warehouse import Published
from schemas.events import Say

PUBLISH_SECONDS = 15 * 60
PROGRESS_SECONDS = 30


@asynccontextmanager
async def beside(*works: Coroutine[Any, Any, None]) -> AsyncIterator[None]:
    """Goes on with these while the block lasts."""
    tasks = [asyncio.ensure_future(work) for work in works]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)


async def publishing(committer: Committer, publish: Callable[[], Published], clock: Clock, say: Say) -> None:
    """A long run shows what it has: what landed becomes visible every quarter of an hour.

    A publication that fails is made up by the next one, at the latest by the run's own at its end, which tells.
    """
    ledger = committer.store.ledger
    shown = ledger.last_landing
    while True:
        await clock.sleep(PUBLISH_SECONDS)
        if ledger.last_landing == shown:
            continue
        async with committer.still():
            shown = ledger.last_landing
            try:
                await uninterrupted(asyncio.to_thread(publish))
            except Unpublished as error:
                say("publish.failed", because=str(error))


async def telling(done: Callable[[], int], total: int, clock: Clock, say: Say) -> None:
    """How far the run is and how long it will take, by how long it took so far."""
    started = clock.monotonic()
    while True:
        await clock.sleep(PROGRESS_SECONDS)
        left = seconds_left(done(), total, clock.monotonic() - started)
        say("run.progress", done=done(), total=total, seconds_left=left)


def seconds_left(done: int, total: int, elapsed: float) -> int | None:
    """About how long the rest will take; None while nothing tells."""
    if not done or done > total:
        return None
    return round(elapsed / done * (total - done))
