"""Owns how the pages are listened for: beside whatever else goes on, or by themselves until interrupted."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

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
    refuse_unguarded(guard, host)
    async with listening(make_application(source, guard), host, port) as url:
        said(url)
        await asyncio.Event().wait()


def refuse_unguarded(guard: Guard, host: str) -> None:
    """Refuses an address that is reached from elsewhere where no token guards it.

    Raises:
        Usage: As said.
    """
    if guard.token is None and not is_loopback(host):
        raise Usage(f"[schedule] status_host = {host!r} is reached from other machines; set status_token_env")


@asynccontextmanager
async def listening(application: web.Application, host: str, port: int) -> AsyncIterator[str]:
    """Answers for as long as the block lasts; gives the address.

    Raises:
        Usage: The address cannot be listened on.
    """
    runner = web.AppRunner(application, access_log=None, shutdown_timeout=PATIENCE_SECONDS)
    await runner.setup()
    try:
        await _listen(runner, host, port)
        yield _address(runner)
    finally:
        await runner.cleanup()


async def _listen(runner: web.AppRunner, host: str, port: int) -> None:
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
