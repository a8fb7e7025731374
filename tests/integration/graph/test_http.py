"""The HTTP client and the clocks against the real thing."""

import asyncio
import traceback
from datetime import UTC, datetime

import pytest
from aiohttp import web

from connectors.errors import Fault, Transport
from connectors.http.client import HttpClient
from connectors.http.clock import SystemClock
from connectors.http.messages import Request
from tests.integration.graph.stage import BORN, Script, answer, cut


async def test_the_proxy_of_the_environment_is_used(
    http: HttpClient, script: Script, base_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A plain request goes to the proxy with its whole address, and its password is not ours to forward."""
    monkeypatch.setenv("http_proxy", base_url.replace("http://", "http://me:pw@"))
    script.will(answer({"ok": True}))
    response = await http.send(Request("GET", "http://graph.example/v25.0/1", {"a": "b"}))
    assert response.body == b'{"ok": true}'
    assert script.seen[0].url == "http://graph.example/v25.0/1?a=b"
    assert script.seen[0].headers["Proxy-Authorization"] == "Basic bWU6cHc="


async def test_no_proxy_is_honoured(
    http: HttpClient, script: Script, base_url: str, monkeypatch: pytest.MonkeyPatch, closed_port: int
) -> None:
    """A host that the environment excepts is asked directly."""
    monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{closed_port}")
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    script.will(answer({}))
    assert (await http.send(Request("GET", f"{base_url}/x"))).status == 200


async def test_a_netrc_changes_nothing(
    http: HttpClient,
    script: Script,
    base_url: str,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    """A stranger's password for every host does not stand beside our token."""
    netrc = tmp_path_factory.mktemp("home") / "netrc"
    netrc.write_text("default login me password pw\n")
    monkeypatch.setenv("NETRC", str(netrc))
    script.will(answer({}))
    await http.send(Request("GET", f"{base_url}/x", headers={"Authorization": "Bearer T"}))
    assert script.seen[0].headers["Authorization"] == "Bearer T"


async def test_header_names_are_lowered_and_repeats_joined(http: HttpClient, script: Script, base_url: str) -> None:
    """A header that comes twice is one text with a comma."""
    response = web.Response(body=b"{}")
    response.headers.add("X-App-Usage", '{"call_count":1}')
    response.headers.add("x-app-usage", '{"call_count":2}')
    script.will(response)
    got = await http.send(Request("GET", f"{base_url}/x"))
    assert got.headers["x-app-usage"] == '{"call_count":1}, {"call_count":2}'


async def test_a_large_body_streams(http: HttpClient, script: Script, base_url: str) -> None:
    """A file comes in pieces and is not held, whatever the cap on bodies."""
    script.will(answer(b"x" * 1_000_000, content_type="application/octet-stream"))
    size = 0
    async with http.stream(Request("GET", f"{base_url}/file")) as stream:
        assert stream.status == 200
        async for chunk in stream.chunks:
            size += len(chunk)
    assert size == 1_000_000


async def test_a_cut_stream_is_a_transport_fault(http: HttpClient, script: Script, base_url: str) -> None:
    """Half a file is not a file."""
    script.will(cut("HTTP/1.1 200 OK\nContent-Length: 100\n", b"half"))
    with pytest.raises(Transport, match="ClientPayloadError"):
        async with http.stream(Request("GET", f"{base_url}/file")) as stream:
            _ = [chunk async for chunk in stream.chunks]


async def test_a_large_body_may_take_long_but_not_stall(http: HttpClient, script: Script, base_url: str) -> None:
    """A file has no time limit as a whole; what counts is how long no byte comes."""
    gone = asyncio.Event()

    async def stall(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        await response.write(b"half")
        await gone.wait()
        return response

    script.will(stall)
    request = Request("GET", f"{base_url}/x", timeout_seconds=None, stall_seconds=0.05)
    with pytest.raises(Transport, match=r"no complete answer within 0\.05 s"):
        async with http.stream(request) as stream:
            _ = [chunk async for chunk in stream.chunks]
    gone.set()


async def test_an_address_that_is_a_secret_is_shown_nowhere(http: HttpClient, script: Script, base_url: str) -> None:
    """Not in a fault, whatever goes wrong, and not in the request's own repr; `place` stands for it."""
    script.will(cut("HTTP/1.1 200 OK\nContent-Length: 100\n", b"half"))
    for address in (f"{base_url}/signed?signature=s3cret", "http://127.0.0.1:1/?signature=s3cret", "s3cret"):
        request = Request("GET", address, place="GET a file")
        with pytest.raises(Fault) as caught:
            await http.send(request)
        assert caught.value.place == "GET a file"
        shown = "".join(traceback.format_exception(caught.value)) + repr(request)
        assert "s3cret" not in shown


async def test_no_answer_in_time_is_a_transport_fault(http: HttpClient, script: Script, base_url: str) -> None:
    """Headers that came do not excuse a body that does not."""
    gone = asyncio.Event()

    async def stall(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        await gone.wait()
        return response

    script.will(stall)
    with pytest.raises(Transport, match=r"no complete answer within 0\.05 s"):
        await http.send(Request("GET", f"{base_url}/x", timeout_seconds=0.05))
    gone.set()


async def test_a_client_is_used_inside_its_with() -> None:
    """Outside there are no connections to use."""
    with pytest.raises(RuntimeError, match="async with"):
        await HttpClient().send(Request("GET", "http://127.0.0.1/"))


async def test_a_clock_starts_at_its_birth_and_runs_at_its_speed() -> None:
    """At a million to one, an hour's sleep is over at once and an hour has passed."""
    clock = SystemClock(speed=1e6, born=BORN)
    before, began = clock.now(), clock.monotonic()
    await clock.sleep(3600)
    assert before >= BORN
    assert (clock.now() - before).total_seconds() >= 3600
    assert clock.monotonic() - began >= 3600


def test_the_machines_clock_is_the_default() -> None:
    """Aware, and in UTC."""
    low, now, high = datetime.now(UTC), SystemClock().now(), datetime.now(UTC)
    assert low <= now <= high
    assert now.tzinfo is UTC


def test_a_clock_that_stands_is_refused() -> None:
    """Time that does not pass would wait for ever."""
    with pytest.raises(ValueError, match="above 0"):
        SystemClock(speed=0)
