"""Owns the web server of the process that stays: the status page, with health and metrics beside it.

`/healthz` answers as long as the process can answer at all; `/readyz` when it works and its ledger can be read;
`/metrics` is for monitoring. Those three show no data and need no token.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass

from aiohttp import web

from pipeline.errors import Usage
from pipeline.metrics import CONTENT_TYPE, Measured

OPEN_PATHS = frozenset({"/healthz", "/readyz", "/metrics"})


@dataclass(frozen=True, slots=True)
class Address:
    """Where it listens; port 0 takes a free one."""

    host: str
    port: int


@dataclass(frozen=True, slots=True)
class Operations:
    """What the process tells of itself. `health` and `metrics` run in a thread and may read the ledger."""

    health: Callable[[], Mapping[str, object]]
    measured: Callable[[], Measured]
    metrics: Callable[[Measured], str]


def application(operations: Operations, page: web.Application | None = None) -> web.Application:
    """The status page with health and metrics beside it: the one place where they meet; without it those alone."""
    served = page or web.Application()

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


@asynccontextmanager
async def listening(served: web.Application, address: Address) -> AsyncIterator[str]:
    """Answers for as long as the block lasts; gives the server's URL.

    Raises:
        Usage: Nothing can listen there.
    """
    runner = web.AppRunner(served, access_log=None, shutdown_timeout=1)
    await runner.setup()
    try:
        site = web.TCPSite(runner, address.host, address.port)
        try:
            await site.start()
        except OSError as error:
            place = f"[schedule] status_host = {address.host!r}, status_port = {address.port}"
            raise Usage(f"{place}: nothing can listen there ({error.strerror}); name another port or host") from error
        yield f"http://{address.host}:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()
