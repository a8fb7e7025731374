"""Owns the files' own host: signed addresses that expire, gzip made while it is streamed, and what breaks it.

An address must never be sent our token (graph-api.md 4.4): each download is noted with whether it was.
"""

import asyncio
import hmac
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from hashlib import sha256
from typing import Any
from urllib.parse import quote, urlencode
from zlib import crc32

from aiohttp import web
from isal import isal_zlib

from sandbox.brand_safety_rows import LineMaker, Part, told
from sandbox.brand_safety_scenario import Do, SafetyRule
from sandbox.state import State

_RAW_DEFLATE = -15
_GZIP_HEAD = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\xff"
_WORD = 1 << 32
_PAGE = b"<html><body>Sorry, something went wrong.</body></html>"


@dataclass(frozen=True, slots=True)
class Download:
    """One request for a file; the address's signature is not kept."""

    at: str
    name: str
    part: str
    status: int
    authorization: bool
    """True if it came with our token in a header, the query or a cookie."""


def signature(seed: int, name: str, part: str, expires: int) -> str:
    """Sign an address."""
    return hmac.new(f"files {seed}".encode(), f"{name}|{part}|{expires}".encode(), sha256).hexdigest()


def reference(part: Part) -> str:
    """Name a part so that any file name can lead to it."""
    hour = part.hour
    return f"{hour.owner}/{hour.platform}/{hour.position}/{hour.starts.isoformat()}/{part.index}"


def signed_url(state: State, host: str, name: str, part: Part) -> str:
    """Return an address that leads to a part until it expires."""
    expires = int(state.clock.now().timestamp() + state.options.file_url_seconds)
    known = {"part": reference(part), "expires": expires}
    signed = {**known, "signature": signature(state.options.seed, name, reference(part), expires)}
    return f"{host}/signed/{quote(name, safe='')}?{urlencode(signed)}"


def refusal(state: State, request: web.Request) -> str:
    """Return why an address does not open, or ''."""
    query, name = request.query, request.match_info["name"]
    expires = query.get("expires", "")
    if not expires.isdigit() or not hmac.compare_digest(
        query.get("signature", ""), signature(state.options.seed, name, query.get("part", ""), int(expires))
    ):
        return "URL signature mismatch"
    return "URL signature expired" if state.clock.now().timestamp() >= int(expires) else ""


def carries_token(request: web.Request) -> bool:
    """Tell whether somebody sent what a signed address must not be sent."""
    return bool(
        request.headers.get("Authorization")
        or request.headers.get("Cookie")
        or request.query.keys() & {"access_token", "appsecret_proof"}
    )


def pressed(maker: LineMaker, part: Part, rules: list[SafetyRule], *, wrong_crc: bool = False) -> Iterator[bytes]:
    """Yield a part's file piece by piece."""
    press = isal_zlib.compressobj(1, isal_zlib.DEFLATED, _RAW_DEFLATE)
    check, size, number = 0, 0, 1
    yield _GZIP_HEAD
    for plain in maker.blocks(part):
        lines = [told(number + at, line, rules).text for at, line in enumerate(plain)] if rules else plain
        block = b"\n".join([*lines, b""])
        number += len(plain)
        check, size = crc32(block, check), size + len(block)
        yield press.compress(block)
    yield press.flush()
    check ^= wrong_crc
    yield check.to_bytes(4, "little") + (size % _WORD).to_bytes(4, "little")


class Downloads:
    """Serves signed addresses and remembers who asked with what."""

    def __init__(self, state: State, maker: LineMaker) -> None:
        self._state = state
        self._maker = maker
        self.log: list[Download] = []

    async def serve(self, request: web.Request, part: Part | None) -> web.StreamResponse:
        """Answer one download of a part that `refusal` let pass; None is a part that is no more."""
        scenario = self._state.scenario.safety
        why = refusal(self._state, request)
        do = scenario.of_file(part.placed) if part and not why else {}
        status = 403 if why else 404 if part is None else int(do.get("status", 200))
        self._note(request, status)
        if part is None or status != 200:  # noqa: PLR2004
            return web.Response(status=status, text=why or "not available")
        if do.get("html"):
            return web.Response(body=_PAGE, content_type="text/html")
        return await self._stream(request, part, do)

    def _note(self, request: web.Request, status: int) -> None:
        now, name = self._state.clock.now().isoformat(), request.match_info["name"]
        self.log.append(Download(now, name, request.query.get("part", ""), status, carries_token(request)))

    async def _stream(self, request: web.Request, part: Part, do: Do) -> web.StreamResponse:
        rules = list(self._state.scenario.safety.of_lines(part.placed))
        pieces = pressed(self._maker, part, rules, wrong_crc=bool(do.get("wrong_crc")))
        response = web.StreamResponse(headers={"Content-Type": "application/gzip"})
        await response.prepare(request)
        left = do.get("cut", do.get("truncate"))
        while (piece := await asyncio.to_thread(next, pieces, None)) is not None:
            await response.write(piece if left is None else piece[:left])
            if "rate" in do:
                await asyncio.sleep(len(piece) / float(do["rate"]))
            left = None if left is None else left - len(piece)
            if left is not None and left <= 0:
                break
        if "cut" in do and request.transport is not None:
            request.transport.close()
        return response

    def report(self) -> dict[str, Any]:
        """Return every download."""
        return {"downloads": [asdict(download) for download in self.log]}
