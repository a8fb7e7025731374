"""The client, the gate and the clock on a stage."""

import socket
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from connectors.graph.calls import Target
from connectors.graph.client import Graph
from connectors.graph.credentials import Credentials
from connectors.http.client import HttpClient, Limits
from connectors.http.retry import Policy
from connectors.pace.gate import Gate
from connectors.pace.governor import Governor
from tests.integration.graph.stage import SECRET, TOKEN, FakeClock, Script


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """No proxy of the machine stands between a test and its server."""
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)


@pytest.fixture
def clock() -> FakeClock:
    """A fresh time."""
    return FakeClock()


@pytest.fixture
def events() -> list[tuple[str, dict[str, Any]]]:
    """Everything that was said."""
    return []


@pytest.fixture
def script() -> Script:
    """An empty script."""
    return Script()


@pytest.fixture
async def base_url(script: Script) -> AsyncIterator[str]:
    """The server that follows the script."""
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", script.handle)
    async with TestServer(app) as server:
        yield str(server.make_url("")).rstrip("/")


@pytest.fixture
def governor() -> Governor:
    """A governor that pauses at 85 percent."""
    return Governor(85.0)


@pytest.fixture
def gate(governor: Governor, clock: FakeClock) -> Gate:
    """A gate with the usual numbers."""
    return Gate(governor, clock)


@pytest.fixture
async def http() -> AsyncIterator[HttpClient]:
    """The real client, with a small cap on bodies."""
    async with HttpClient(Limits(body_bytes=100_000)) as client:
        yield client


@pytest.fixture
def graph(
    http: HttpClient,
    gate: Gate,
    clock: FakeClock,
    base_url: str,
    events: list[tuple[str, dict[str, Any]]],
) -> Graph:
    """A Graph against the script: three attempts, no randomness."""
    return Graph(
        http,
        gate,
        clock,
        Credentials(TOKEN, SECRET),
        Target(base_url, "v25.0", timeout_seconds=5),
        policy=Policy(attempts=3, total_seconds=600, base_seconds=5, cap_seconds=60),
        say=lambda event, fields: events.append((event, dict(fields))),
        jitter=lambda: 1.0,
    )


@pytest.fixture
def closed_port() -> Iterator[int]:
    """A port that nobody listens on while the test runs."""
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        yield holder.getsockname()[1]
