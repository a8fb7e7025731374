"""Owns a status page that is served by itself: from the first connection until it is interrupted."""

import asyncio
from collections.abc import Callable

from aiohttp import web

from pipeline.errors import Usage
from pipeline.status_page.application import make_application
from pipeline.status_page.guard import Guard, is_loopback
from pipeline.status_page.source import Source

PATIENCE_SECONDS = 2.0
"""How long a page that is being made may take when the server ends."""


async def serve(source: Source, guard: Guard, host: str, port: int, said: Callable[[str], None]) -> None:
    """Serves the pages until cancelled; `said` hears their address as soon as they can be read.

    Raises:
        Usage: The address cannot be listened on, or is reached from elsewhere and no token guards it.
    """
    if guard.token is None and not is_loopback(host):
        raise Usage(f"[schedule] status_host = {host!r} is reached from other machines; set status_token_env")
    runner = web.AppRunner(make_application(source, guard), access_log=None, shutdown_timeout=PATIENCE_SECONDS)
    await runner.setup()
    try:
        await _listening(runner, host, port)
        said(_address(runner))
        await asyncio.Event().wait()
    finally:
        await runner.cleanup()


async def _listening(runner: web.AppRunner, host: str, port: int) -> None:
    try:
        await web.TCPSite(runner, host, port).start()
    except OSError as error:
        raise Usage(
            f"[schedule] status_host = {host!r}, status_port = {port}: cannot be listened on "
            f"({error.strerror or error}); free it or choose another port"
        ) from error


def _address(runner: web.AppRunner) -> str:
    host, port = runner.addresses[0][:2]
    return f"http://[{host}]:{port}/" if ":" in host else f"http://{host}:{port}/"
