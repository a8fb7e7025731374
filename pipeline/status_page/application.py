"""Owns how the pages are served: addresses, headers, the guard. A server of aiohttp's; reads the store, writes nothing.

Addresses are relative, so that the application may be mounted below any path. No access log: a reader leaves no trace.
"""

import asyncio
import hashlib
from collections.abc import Callable
from datetime import date, datetime

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from pipeline.errors import Refused
from pipeline.status_page.guard import ASK, Guard
from pipeline.status_page.overview import Wish
from pipeline.status_page.pages import Pages, Unknown, static
from pipeline.status_page.source import Source
from schemas.work import SliceId

HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; form-action 'self'; "
        "base-uri 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "private, no-cache",
}
SMALLEST_PACKED = 1024


class Wrong(Exception):
    """What was asked for in an address cannot be meant."""


def make_application(
    source: Source, guard: Guard | None = None, open_paths: frozenset[str] = frozenset()
) -> web.Application:
    """The pages of a store; without a guard, for this machine alone. `open_paths`: what others add and all may see."""
    served = _Served(Pages(source))
    made = web.Application(middlewares=[_guarded(guard or Guard(), open_paths), served.answered])
    made.add_routes(
        [
            web.get("/", served.overview),
            web.get("/account", served.account),
            web.get("/slice", served.slice),
            web.get("/day", served.day),
            web.get("/runs", served.runs),
            web.get("/quotas", served.quotas),
            web.get("/style.css", served.style),
            web.get("/page.js", served.script),
        ]
    )
    return made


def _guarded(guard: Guard, open_paths: frozenset[str]) -> Middleware:
    @web.middleware
    async def middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
        if request.path in open_paths:
            return await handler(request)
        if not guard.knows(request.headers.get("Host")):
            return web.Response(
                status=421, text="this server answers to the name of this machine only\n", headers=HEADERS
            )
        if not guard.lets_in(request.headers.get("Authorization")):
            headers = {**HEADERS, "WWW-Authenticate": ASK}
            return web.Response(status=401, text="sign in with the token as the password\n", headers=headers)
        return await handler(request)

    return middleware


class _Served:
    """The handlers. Pages are made in a thread: whoever shares the event loop does not wait for them."""

    def __init__(self, pages: Pages) -> None:
        self._pages = pages

    @web.middleware
    async def answered(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """What cannot be shown is told on a page as well."""
        try:
            return await handler(request)
        except Unknown as error:
            return self._trouble(404, "Not found", str(error))
        except Wrong as error:
            return self._trouble(400, "Not understood", str(error))
        except Refused as error:
            return self._trouble(503, "The store cannot be read", str(error))
        except web.HTTPNotFound:
            return self._trouble(404, "Not found", "there is no page at this address")

    def _trouble(self, status: int, title: str, message: str) -> web.Response:
        return web.Response(
            status=status, text=self._pages.trouble(title, message), content_type="text/html", headers=HEADERS
        )

    async def overview(self, request: web.Request) -> web.Response:
        query = request.query
        wish = Wish(query.get("table") or None, query.get("q", ""), _number(query.get("page")))
        return await _page(request, lambda: self._pages.overview(wish))

    async def account(self, request: web.Request) -> web.Response:
        owner, table, since = request.query.get("id", ""), request.query.get("table"), _day(request.query.get("since"))
        return await _page(request, lambda: self._pages.account(owner, table or None, since))

    async def slice(self, request: web.Request) -> web.Response:
        query = request.query
        slice_id = SliceId(query.get("table", ""), query.get("scope", ""), _start(query.get("start")))
        return await _page(request, lambda: self._pages.slice(slice_id))

    async def day(self, request: web.Request) -> web.Response:
        at = _day(request.query.get("day"))
        if at is None:
            raise Wrong("name a day, as in day?day=2026-11-25")
        table, scope = request.query.get("table"), request.query.get("scope")
        return await _page(request, lambda: self._pages.day(at, table or None, scope or None))

    async def runs(self, request: web.Request) -> web.Response:
        return await _page(request, self._pages.runs)

    async def quotas(self, request: web.Request) -> web.Response:
        return await _page(request, self._pages.quotas)

    async def style(self, request: web.Request) -> web.Response:
        return _answer(request, static("style.css"), "text/css")

    async def script(self, request: web.Request) -> web.Response:
        return _answer(request, static("page.js"), "text/javascript")


async def _page(request: web.Request, made: Callable[[], str]) -> web.Response:
    return _answer(request, await asyncio.to_thread(made), "text/html")


def _answer(request: web.Request, text: str, kind: str) -> web.Response:
    """The text, or that the reader has it already; packed if it is worth it."""
    body = text.encode()
    tag = hashlib.blake2b(body, digest_size=12).hexdigest()
    headers = {**HEADERS, "ETag": f'"{tag}"'}
    if any(known.value == tag for known in request.if_none_match or ()):
        return web.Response(status=304, headers=headers)
    answer = web.Response(body=body, content_type=kind, charset="utf-8", headers=headers)
    if len(body) > SMALLEST_PACKED:
        answer.enable_compression()
    return answer


def _number(text: str | None) -> int:
    if text and not (text.isascii() and text.isdigit() and len(text) < 7):  # noqa: PLR2004 - a page beyond any store
        raise Wrong(f"page={text}: write a number")
    return int(text) if text else 1


def _day(text: str | None) -> date | None:
    try:
        return date.fromisoformat(text) if text else None
    except ValueError:
        raise Wrong(f"{text}: this is not a day that exists; write it as 2026-11-25") from None


def _start(text: str | None) -> datetime | None:
    try:
        start = datetime.fromisoformat(text) if text else None
    except ValueError:
        raise Wrong(f"{text}: this is not the start of a slice; write it as 2026-11-25T00:00") from None
    return start.replace(tzinfo=None) if start else None
