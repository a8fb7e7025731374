"""A sandbox whose time stands still until a test moves it, and a client of it."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import UTC, datetime
from typing import Any

import aiohttp
import pytest

from sandbox.clock import SandboxClock
from sandbox.main import running
from sandbox.options import ServerOptions
from sandbox.seeded import seeded_world
from sandbox.world import World
from tests.sandbox.client import Client

NOW = datetime(2026, 11, 23, 4, 0, tzinfo=UTC)
Start = Callable[..., AbstractAsyncContextManager[Client]]


@pytest.fixture(scope="session")
def small_world() -> World:
    """The small seeded world; nothing in it changes."""
    return seeded_world(7)


@pytest.fixture
def start(small_world: World) -> Start:
    """Start a sandbox with options and get a client of it."""

    @asynccontextmanager
    async def started(
        world: World | None = None, *, now: datetime = NOW, scenario: Any = None, **options: Any
    ) -> AsyncIterator[Client]:
        clock = SandboxClock(now, ticks=lambda: 0.0)
        settings = ServerOptions(**options)
        async with (
            running(world or small_world, clock=clock, options=settings, scenario=scenario) as server,
            aiohttp.ClientSession() as session,
        ):
            yield Client(server, session)

    return started


@pytest.fixture
async def client(start: Start) -> AsyncIterator[Client]:
    """A client of a sandbox with the small world."""
    async with start() as found:
        yield found
