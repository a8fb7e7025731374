"""The only importer of aiohttp's client: sends one request, returns the complete answer or raises `Transport`.

Refuses to follow redirects (our token would travel along), to keep cookies, to read `.netrc` (a stranger's password
would stand beside our token; this is why aiohttp's own `trust_env` stays off) and to show a query string in an error.
Proxies come from the environment as everywhere (`HTTPS_PROXY`, `NO_PROXY`), authorities from `SSL_CERT_FILE`.
"""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self
from urllib.parse import urlencode
from urllib.request import getproxies, proxy_bypass

import aiohttp
from yarl import URL

from connectors.errors import Invalid, Transport
from connectors.http.messages import Request, Response

CHUNK = 256 * 1024
HEADER_LIMIT = 64 * 1024  # the business usage header names up to 32 objects (graph-api.md 3.2): 8 KiB are not enough


@dataclass(frozen=True, slots=True)
class Limits:
    """What one client may take of the machine."""

    connections: int = 64
    connect_seconds: float = 20.0
    body_bytes: int = 256 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Stream:
    """An answer whose body is still to come: for files too large to hold."""

    status: int
    headers: Mapping[str, str]
    chunks: AsyncIterator[bytes] = field(repr=False)


class HttpClient:
    """An open set of connections; `async with HttpClient() as http`."""

    def __init__(self, limits: Limits | None = None) -> None:
        self._limits = limits or Limits()
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=self._limits.connections),
            cookie_jar=aiohttp.DummyCookieJar(),
            max_line_size=HEADER_LIMIT,
            max_field_size=HEADER_LIMIT,
            read_bufsize=CHUNK,
        )
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def send(self, request: Request) -> Response:
        """The complete answer, whatever its status; `Transport` when there is none."""
        async with self.stream(request) as stream:
            body = await self._collect(request, stream.chunks)
            return Response(stream.status, stream.headers, body)

    @asynccontextmanager
    async def stream(self, request: Request) -> AsyncIterator[Stream]:
        """The answer's head, and its body piece by piece; a cut body raises `Transport` from the iteration."""
        answer = await self._open(request)
        try:
            yield Stream(answer.status, _lowered(answer), _chunks(request, answer))
        finally:
            answer.release()

    async def _open(self, request: Request) -> aiohttp.ClientResponse:
        if self._session is None:
            raise RuntimeError("the HTTP client is used outside its `async with`")
        url = _url(request)
        proxy, password = _proxy(url)
        tunnelled = url.scheme == "https"  # then the proxy reads its own headers, not those of the request
        try:
            return await self._session.request(
                request.method,
                url,
                data=_body(request),
                headers=_headers(request) if tunnelled else {**_headers(request), **password},
                timeout=aiohttp.ClientTimeout(
                    total=request.timeout_seconds,
                    connect=self._limits.connect_seconds,
                    sock_read=request.stall_seconds,
                ),
                allow_redirects=False,
                proxy=proxy,
                proxy_headers=password if tunnelled and password else None,
            )
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            failure = _transport(request, error)
        raise failure  # outside the handler: the library's own text holds the query, and it must not hang on as context

    async def _collect(self, request: Request, chunks: AsyncIterator[bytes]) -> bytes:
        parts: list[bytes] = []
        size = 0
        async for chunk in chunks:
            size += len(chunk)
            if size > self._limits.body_bytes:
                raise Transport(f"the answer is larger than {self._limits.body_bytes} bytes", place=_place(request))
            parts.append(chunk)
        return b"".join(parts)


async def _chunks(request: Request, answer: aiohttp.ClientResponse) -> AsyncIterator[bytes]:
    failure: Transport | None = None
    try:
        async for chunk in answer.content.iter_chunked(CHUNK):
            yield chunk
    except (aiohttp.ClientError, TimeoutError, OSError) as error:
        answer.close()
        failure = _transport(request, error, answer.status)
    if failure is not None:
        raise failure


def _url(request: Request) -> URL:
    text = f"{request.url}?{urlencode(request.query)}" if request.query else request.url
    try:
        url = URL(text, encoded=True)
    except ValueError:
        url = URL()
    if url.scheme not in ("http", "https") or not url.host:
        raise Invalid("this is no http or https address", place=_place(request))
    return url


def _body(request: Request) -> bytes | None:
    return request.json if request.form is None else urlencode(request.form).encode("ascii")


def _headers(request: Request) -> dict[str, str]:
    if request.form is None:
        return {**request.headers, **({"Content-Type": "application/json"} if request.json is not None else {})}
    return {**request.headers, "Content-Type": "application/x-www-form-urlencoded"}


def _proxy(url: URL) -> tuple[URL | None, dict[str, str]]:
    """The proxy that the environment names for this address, and the header with its password."""
    address = getproxies().get(url.scheme)
    if not address or proxy_bypass(url.host or ""):
        return None, {}
    proxy = URL(address)
    if proxy.user is None:
        return proxy, {}
    password = aiohttp.encode_basic_auth(proxy.user, proxy.password or "")
    return proxy.with_user(None), {"Proxy-Authorization": password}


def _lowered(answer: aiohttp.ClientResponse) -> dict[str, str]:
    headers: dict[str, str] = {}
    for name, value in answer.headers.items():
        key = name.lower()
        headers[key] = f"{headers[key]}, {value}" if key in headers else value
    return headers


def _place(request: Request) -> str:
    return request.place or f"{request.method} {request.url}"


def _transport(request: Request, error: Exception, status: int | None = None) -> Transport:
    """A fault that names what happened by the error's kind only: its text may hold the query."""
    if isinstance(error, asyncio.TimeoutError):
        patience = request.timeout_seconds or request.stall_seconds or 0
        return Transport(f"no complete answer within {patience:g} s", place=_place(request), status=status)
    reason = f": {error.strerror}" if isinstance(error, OSError) and error.strerror else ""
    return Transport(f"{type(error).__name__}{reason}", place=_place(request), status=status)
