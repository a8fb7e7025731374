"""Owns starting and stopping a sandbox, from the command line, as a coroutine, or inside a test."""

import asyncio
import json
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
from aiohttp import web

from sandbox.clock import SandboxClock, parse_moment
from sandbox.control import Control
from sandbox.further import further_families
from sandbox.graph import Graph
from sandbox.options import PROFILES, ServerOptions
from sandbox.real_csv import read_csv
from sandbox.seeded import seeded_world, size_named
from sandbox.server import application
from sandbox.state import State
from sandbox.world import World
from sandbox.world_file import read_world


@dataclass(frozen=True, slots=True)
class Running:
    """A sandbox that listens."""

    url: str
    state: State
    files: str
    """Where hourly brand-safety files are listed and lie, as Meta has a host of its own for them."""


@asynccontextmanager
async def running(
    world: World | None = None,
    *,
    clock: SandboxClock | None = None,
    options: ServerOptions | None = None,
    scenario: Any = None,
    host: str = "127.0.0.1",
    port: int = 0,
    files_port: int = 0,
) -> AsyncIterator[Running]:
    """Run a sandbox for as long as the block lasts; port 0 takes a free one, so does files_port."""
    state = State(world or seeded_world(), clock or SandboxClock(), options or ServerOptions())
    if scenario is not None:
        state.scenario.load(scenario)
    families = further_families(state)
    routes = [*Control(state).routes(), *(route for family in families for route in family.routes())]
    runner = web.AppRunner(application(Graph(state, families), routes), access_log=None, shutdown_timeout=1)
    await runner.setup()
    try:
        for number in (port, files_port):
            await web.TCPSite(runner, host, number).start()
        graph_port, state.files_port = (address[1] for address in runner.addresses)
        yield Running(f"http://{host}:{graph_port}", state, f"http://{host}:{state.files_port}")
    finally:
        await runner.cleanup()


async def serve(
    world: World,
    *,
    clock: SandboxClock,
    options: ServerOptions,
    scenario: Any = None,
    host: str = "127.0.0.1",
    port: int = 0,
    files_port: int = 0,
) -> None:
    """Run until SIGTERM or SIGINT; one JSON line on stdout tells the address once calls are answered."""
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopped.set)
    async with running(
        world, clock=clock, options=options, scenario=scenario, host=host, port=port, files_port=files_port
    ) as server:
        sys.stdout.write(json.dumps({"listening": server.url, "files": server.files}) + "\n")
        sys.stdout.flush()
        await stopped.wait()
    click.echo("sandbox stopped", err=True)


@click.command()
@click.option("--port", default=0, show_default=True, help="0 takes a free port.")
@click.option("--files-port", default=0, show_default=True, help="Lists hourly files; 0 takes a free port.")
@click.option("--host", default="127.0.0.1", show_default=True)
@click.option("--seed", default=7, show_default=True, help="The same seed gives the same world.")
@click.option("--profile", type=click.Choice(list(PROFILES)), default="v25", show_default=True)
@click.option("--speed", default=1.0, show_default=True, help="Sandbox seconds in a real second.")
@click.option("--now", default=None, help="The moment at which the sandbox starts; the real one by default.")
@click.option("--scenario", type=click.Path(path_type=Path, exists=True, dir_okay=False), default=None)
@click.option("--world", type=click.Path(path_type=Path, exists=True, dir_okay=False), default=None)
@click.option("--size", type=click.Choice(["small", "demo", "large"]), default="demo", show_default=True)
@click.option("--accounts", type=click.IntRange(1), default=None, help="Replaces the size's number of accounts.")
@click.option("--ads-per-account", type=click.IntRange(1), default=None, help="Replaces the size's number of ads.")
@click.option(
    "--forget-breakdowns/--keep-breakdowns",
    default=None,
    help="Let an ad of account 222 lose breakdown keys now and then; only the small world does so by default.",
)
@click.option("--latency-ms", default=0.0, show_default=True, help="Real time that every answer waits.")
@click.option("--run-seconds", default=1.5, show_default=True, help="Sandbox seconds of a report run without rows.")
@click.option("--quota-scale", default=1.0, show_default=True, help="Factor on every allowance.")
@click.option("--score-scale", type=float, default=None, help="Factor on the ad-account score; as --quota-scale.")
@click.option("--tier", type=click.Choice(["standard", "development"]), default="standard", show_default=True)
@click.option("--platform-rate", default=0.0, show_default=True, help="Insights calls a second for the app; 0 is any.")
@click.option("--score-error", type=click.Choice(["17", "613"]), default="17", show_default=True)
@click.option("--file-lines", default=60, show_default=True, help="Impressions in a part of an hourly file, about.")
@click.option("--file-parts", default=2, show_default=True, help="Parts of an hourly file, about.")
@click.option("--file-url-seconds", default=3600.0, show_default=True, help="Sandbox seconds of a signed address.")
@click.option("--safety-scale", type=float, default=None, help="Factor on brand-safety calls; as --quota-scale.")
@click.option("--app-secret", default="", help="Checks appsecret_proof against this secret.")
@click.option("--require-proof", is_flag=True, help="Refuses calls without appsecret_proof.")
@click.option("--sync-row-limit", default=50_000, show_default=True)
@click.option("--async-row-limit", default=1_000_000, show_default=True)
def main(**given: Any) -> None:
    """Run a fake Graph API with a seeded world."""
    options = _options(given)
    world = _world(given)
    start = parse_moment(given["now"]) if given["now"] else None
    scenario = json.loads(given["scenario"].read_text()) if given["scenario"] else None
    clock = SandboxClock(start, given["speed"])
    where = {name: given[name] for name in ("host", "port", "files_port")}
    asyncio.run(serve(world, clock=clock, options=options, scenario=scenario, **where))


def _options(given: dict[str, Any]) -> ServerOptions:
    names = (
        "seed",
        "run_seconds",
        "quota_scale",
        "score_scale",
        "platform_rate",
        "score_error",
        "file_lines",
        "file_parts",
        "file_url_seconds",
        "safety_scale",
        "app_secret",
        "require_proof",
        "sync_row_limit",
        "async_row_limit",
    )
    return ServerOptions(
        profile=PROFILES[given["profile"]],
        latency_seconds=given["latency_ms"] / 1000,
        tier=f"{given['tier']}_access",
        **{name: given[name] for name in names},
    )


def _world(given: dict[str, Any]) -> World:
    if given["world"]:
        return read_csv(given["world"]) if given["world"].suffix == ".csv" else read_world(given["world"])
    size = size_named(given["size"], given["accounts"], given["ads_per_account"])
    return seeded_world(given["seed"], size, forgetful=given["forget_breakdowns"])
