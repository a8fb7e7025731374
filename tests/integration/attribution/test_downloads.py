"""A file is fetched from wherever the redirects lead, without our token, and told without its address."""

from collections.abc import AsyncIterator

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from connectors.attribution.reads import Reads
from connectors.attribution.runs import Patience, Runs
from connectors.errors import Fault, GaveUp
from connectors.graph.client import Graph
from connectors.http.client import HttpClient
from tests.integration.graph.conftest import (
    base_url,
    clean_environment,
    clock,
    events,
    gate,
    governor,
    graph,
    http,
    script,
)
from tests.integration.graph.stage import SECRET, TOKEN, FakeClock, Script, answer

__all__ = ["base_url", "clean_environment", "clock", "events", "gate", "governor", "graph", "http", "script"]
"""The stage of the Graph tests serves here too: a scripted Graph, a clock that passes by sleeping."""

SIGNED = "signature=abc%2F%3D&x=1+2"


@pytest.fixture
def files() -> Script:
    """What the host of the files will say."""
    return Script()


@pytest.fixture
async def files_url(files: Script) -> AsyncIterator[str]:
    """Another server, on another port."""
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", files.handle)
    async with TestServer(app) as server:
        yield str(server.make_url("")).rstrip("/")


@pytest.fixture
def runs(graph: Graph, http: HttpClient, clock: FakeClock, base_url: str) -> Runs:
    """Runs that wait seconds of a clock that passes at once."""
    patience = Patience(initial_seconds=1, max_seconds=8, deadline_seconds=60)
    return Runs(Reads(graph), http, clock, patience, f"{base_url}/v25.0/", 5, lambda *_, **__: None)


def redirect(location: str, status: int = 302) -> web.Response:
    return web.Response(status=status, headers={"Location": location})


@pytest.mark.parametrize("status", [301, 302, 303, 304, 307, 308])
async def test_any_redirect_with_a_place_is_followed(
    status: int, runs: Runs, script: Script, files: Script, files_url: str
) -> None:
    """The page says 304, which cannot redirect: whatever it is, its place counts, letter by letter."""
    script.will(redirect(f"{files_url}/a?{SIGNED}", status))
    files.will(answer([{"a": 1}]))
    assert await runs.file("5") == b'[{"a": 1}]'
    assert [seen.query["filename"] for seen in script.seen] == ["insights_5"]
    [seen] = files.seen
    assert seen.url.endswith(f"/a?{SIGNED}")
    told = f"{seen.headers!r} {seen.url}"
    assert TOKEN not in told
    assert SECRET not in told
    assert "Authorization" not in seen.headers
    assert "appsecret_proof" not in told


async def test_several_redirects_are_followed_also_relative_ones(
    runs: Runs, script: Script, files: Script, files_url: str
) -> None:
    """From host to host and from path to path, never with the token."""
    script.will(redirect(f"{files_url}/a"))
    files.will(redirect("/b", 307), redirect(f"{files_url}/c"), answer(b"PK..."))
    assert await runs.file("5") == b"PK..."
    assert [seen.url.removeprefix(files_url) for seen in files.seen] == ["/a", "/b", "/c"]
    assert all("Authorization" not in seen.headers for seen in files.seen)


async def test_a_file_that_comes_at_once_needs_no_redirect(runs: Runs, script: Script) -> None:
    """Graph may answer with the file itself."""
    script.will(answer([{"a": 1}]))
    assert await runs.file("5") == b'[{"a": 1}]'


@pytest.mark.parametrize("location", ["/round", "file:///etc/passwd", "https://"])
async def test_redirects_that_lead_nowhere_are_given_up(
    location: str, runs: Runs, script: Script, files: Script, files_url: str
) -> None:
    """Round and round, into the machine, to no host: three addresses are asked for, then it is a fault."""
    script.will(*(redirect(f"{files_url}/round?{SIGNED}") for _ in range(3)))
    files.will(*(redirect(location) for _ in range(30)))
    with pytest.raises(Fault) as fault:
        await runs.file("5")
    assert "signature" not in str(fault.value)
    assert "/round" not in str(fault.value)
    assert len(script.seen) == 3


async def test_a_run_is_looked_at_less_and_less_often_and_given_up_at_its_deadline(
    runs: Runs, script: Script, clock: FakeClock
) -> None:
    """One second, two, four, eight, eight: until it has run for a minute; then the next load is to look."""
    script.will(*(answer({"id": "5", "status": status}) for status in ("scheduled", "running", "completed")))
    assert await runs.ended("5") == "completed"
    assert clock.slept == [1, 2]
    clock.slept.clear()
    script.will(*(answer({"id": "5", "status": "running"}) for _ in range(20)))
    with pytest.raises(GaveUp, match="still running"):
        await runs.ended("5")
    assert clock.slept == [1, 2, 4, 8, 8, 8, 8, 8, 8, 8]
