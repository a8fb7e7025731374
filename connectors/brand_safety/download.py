"""Owns how a file is fetched from its signed address: without our token, into a file, never named in an error."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import BinaryIO

from connectors.errors import Refused, RestartListing, Transport
from connectors.http.client import HttpClient
from connectors.http.messages import Request

OK = 200
EXPIRED = frozenset({403, 404, 410})
WRITE_BYTES = 2**20
"""Bytes that are written at once, in a thread: the event loop waits for no disk."""


async def download(http: HttpClient, url: str, name: str, into: Path, stall_seconds: float) -> int:
    """Fetches a file; how many bytes it has. The address is a secret: errors say `name` in its place.

    Raises:
        RestartListing: The address has expired; the listing gives a new one.
        Transport: There was no answer, half a one, or one that is no file.
    """
    place = f"GET {name}"
    request = Request("GET", url, timeout_seconds=None, stall_seconds=stall_seconds, place=place)
    try:
        async with http.stream(request) as stream:
            if stream.status in EXPIRED:
                raise RestartListing("its address has expired", place=place, status=stream.status)
            if stream.status != OK:
                raise Transport("this is no file", place=place, status=stream.status)
            with into.open("wb") as file:
                return await _saved(stream.chunks, file)
    except Refused as fault:
        raise Transport("the listing names no address that can be asked", place=place) from fault


async def _saved(chunks: AsyncIterator[bytes], file: BinaryIO) -> int:
    held, size = bytearray(), 0
    async for chunk in chunks:
        held += chunk
        if len(held) >= WRITE_BYTES:
            size += await asyncio.to_thread(file.write, held)
            held = bytearray()
    return size + await asyncio.to_thread(file.write, held)
