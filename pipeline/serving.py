"""Owns what the process that stays serves: the status page, with health and metrics beside it.

`/healthz` answers as long as the process can answer at all; `/readyz` when it works and its ledger can be read: these
need no token. `/metrics` is for monitoring and names tables and accounts, so it is guarded as the pages are.
"""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from aiohttp import web

from pipeline.metrics import CONTENT_TYPE, Measured
from pipeline.status_page.application import make_application
from pipeline.status_page.guard import Guard
from pipeline.status_page.source import Source

OPEN_PATHS = frozenset({"/healthz", "/readyz"})


@dataclass(frozen=True, slots=True)
class Operations:
    """What the process tells of itself. `health` and `metrics` run in a thread and may read the ledger."""

    health: Callable[[], Mapping[str, object]]
    measured: Callable[[], Measured]
    metrics: Callable[[Measured], str]


def application(operations: Operations, source: Source, guard: Guard) -> web.Application:
    """The status page with health and metrics beside it: the one place where they meet."""
    served = make_application(source, guard, OPEN_PATHS)

    async def healthz(_: web.Request) -> web.Response:
        return web.json_response({"alive": True})

    async def readyz(_: web.Request) -> web.Response:
        try:
            return web.json_response({"ready": True, **await asyncio.to_thread(operations.health)})
        except Exception as error:  # noqa: BLE001 - whatever it is, the answer is no
            return web.json_response({"ready": False, "because": str(error)}, status=503)

    async def openmetrics(_: web.Request) -> web.Response:
        text = await asyncio.to_thread(operations.metrics, operations.measured())
        return web.Response(body=text.encode(), headers={"Content-Type": CONTENT_TYPE})

    served.router.add_get("/healthz", healthz)
    served.router.add_get("/readyz", readyz)
    served.router.add_get("/metrics", openmetrics)
    return served
