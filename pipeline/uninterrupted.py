"""Owns waiting for what must not be left half-way: a landing, a publication. A cancellation takes effect after it."""

import asyncio
from collections.abc import Awaitable
from typing import TypeVar

T = TypeVar("T")


async def uninterrupted(work: Awaitable[T]) -> T:
    """What the work gives; whoever is called off meanwhile waits for its end, and stops then."""
    doing = asyncio.ensure_future(work)
    try:
        return await asyncio.shield(doing)
    except asyncio.CancelledError:
        await asyncio.wait([doing])
        raise
