"""The stage of these tests: a server that answers from a script, and a clock whose time passes by sleeping."""

import asyncio
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from aiohttp import web

from connectors.graph.calls import Call
from connectors.pace.quotas import drawn_by_insights

TOKEN = "EAAB|secret-token"
SECRET = "app-secret"
BORN = datetime(2026, 11, 23, 4, tzinfo=UTC)


class FakeClock:
    """Time that passes only by sleeping: a sleeper lets others run, then moves the time on to its own end."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self.slept: list[float] = []

    def now(self) -> datetime:
        """The present."""
        return BORN + timedelta(seconds=self.seconds)

    def monotonic(self) -> float:
        """Seconds since the beginning."""
        return self.seconds

    async def sleep(self, seconds: float) -> None:
        """Pass the time at once."""
        until = self.seconds + seconds
        await asyncio.sleep(0)
        self.slept.append(seconds)
        self.seconds = max(self.seconds, until)


@dataclass
class Seen:
    """One request as the server saw it."""

    method: str
    url: str
    query: dict[str, str]
    form: dict[str, str]
    headers: Mapping[str, str]


Reaction = Callable[[web.Request], Any]


def answer(
    body: object,
    status: int = 200,
    headers: Mapping[str, str] | None = None,
    content_type: str = "application/json",
) -> web.Response:
    """A complete response; text and bytes go out as they are, anything else as JSON."""
    raw = body if isinstance(body, bytes) else (body if isinstance(body, str) else json.dumps(body)).encode()
    return web.Response(body=raw, status=status, headers=headers, content_type=content_type)


@dataclass
class Script:
    """What the server will say, in order, and what it was asked."""

    reactions: list[Any] = field(default_factory=list)
    seen: list[Seen] = field(default_factory=list)

    def will(self, *reactions: Any) -> None:
        """Queue responses, or functions of the request."""
        self.reactions.extend(reactions)

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Note the request, say the next line."""
        form = {name: str(value) for name, value in (await request.post()).items()}
        self.seen.append(Seen(request.method, str(request.url), dict(request.query), form, request.headers))
        reaction = self.reactions.pop(0)
        if not callable(reaction):
            return reaction  # type: ignore[no-any-return] # a response
        result = reaction(request)
        return await result if asyncio.iscoroutine(result) else result  # type: ignore[no-any-return] # the same


def cut(headers: str, body: bytes = b"") -> Callable[[web.Request], Any]:
    """A raw answer after which the connection is closed, whatever the headers promised."""

    async def react(request: web.Request) -> web.Response:
        transport = request.transport
        assert transport is not None
        transport.write(headers.replace("\n", "\r\n").encode() + b"\r\n" + body)
        transport.close()
        return web.Response()

    return react


def error(code: int, subcode: int | None = None, status: int = 400, **more: Any) -> web.Response:
    """An error of Graph in its envelope."""
    headers = more.pop("headers", None)
    numbers: dict[str, Any] = {"code": code} if subcode is None else {"code": code, "error_subcode": subcode}
    body = {
        "message": f"(#{code}) says Graph",
        "type": "OAuthException",
        "fbtrace_id": "AbCdEfGhIjK",
        **numbers,
        **more,
    }
    return answer({"error": body}, status, headers)


def page(rows: list[Any], after: str | None = None) -> web.Response:
    """A page; with a cursor it has a `next`, written as Graph writes it: with the token."""
    if after is None:
        return answer({"data": rows, "paging": {"cursors": {"before": "B", "after": "LAST"}}})
    address = (
        f"https://graph.facebook.com/v25.0/act_111/insights?access_token=EAAB%7Csecret-token&limit=25&after={after}"
    )
    return answer({"data": rows, "paging": {"cursors": {"after": after}, "next": address}})


def insights(account: str = "111", kind: str = "sync", **params: Any) -> Call:
    """A call to ads insights of an account."""
    return Call(kind, "GET", f"act_{account}/insights", params, account, drawn_by_insights(account))  # type: ignore[arg-type] # a test's text


def part(body: object, code: int = 200, headers: Mapping[str, str] | None = None) -> dict[str, Any]:
    """One answer inside a batch."""
    listed = [{"name": name, "value": value} for name, value in (headers or {}).items()]
    return {"code": code, "headers": listed, "body": body if isinstance(body, str) else json.dumps(body)}
