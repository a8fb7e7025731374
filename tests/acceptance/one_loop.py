"""The sandbox and whole loads in one event loop whose time passes only when nobody works: an hour takes a moment.

Everything is real but the waiting (`sandbox/loop.py`): HTTP over sockets, Parquet, the ledger, the warehouse.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest

from config.settings import from_data
from pipeline.app import App
from pipeline.journal import Journal, Listener
from pipeline.orders import Choice
from pipeline.summary import Summary
from sandbox.calls import Logged
from sandbox.clock import SandboxClock
from sandbox.control import truth
from sandbox.loop import Loop, LoopClock
from sandbox.main import running
from sandbox.options import ServerOptions
from sandbox.state import State
from sandbox.world import World
from sandbox.world_file import build_world
from schemas.ads_insights import tables_of
from schemas.columns import Table
from schemas.reports import Report
from tests.acceptance.comparing import as_found, expected_actions, expected_facts, expected_results, keyed

Row = dict[str, Any]
NOW = datetime(2026, 11, 20, 14, 0, tzinfo=UTC)
TOKEN = "sandbox-token-one-loop-5b1d0c77aa"


def in_one_loop(main: Callable[[Loop], Any]) -> Any:
    """Runs a coroutine of a new loop to its end."""
    with asyncio.Runner(loop_factory=Loop) as runner:
        loop = runner.get_loop()
        assert isinstance(loop, Loop)
        return runner.run(main(loop))


@dataclass
class Stage:
    """A store, the sandbox beside it, and the loads that are made."""

    loop: Loop
    state: State
    url: str
    folder: Path
    born: datetime
    settings: Mapping[str, Any]
    events: list[tuple[str, Mapping[str, object]]] = field(default_factory=list)
    connection: duckdb.DuckDBPyConnection | None = None

    @property
    def now(self) -> datetime:
        return self.born + timedelta(seconds=self.loop.elapsed)

    @property
    def calls(self) -> Sequence[Logged]:
        return self.state.log.calls

    def app(self, listeners: Sequence[Listener] = ()) -> App:
        root = self.folder / "data"
        own = {"graph": {"base_url": self.url}, "storage": {"root": str(root)}}
        settings = from_data({**own, **self.settings}, "a test", self.now.date())
        journal = Journal([*listeners, lambda event, fields: self.events.append((event, fields))])
        return App(settings, LoopClock(self.loop, self.born), journal, rehearsal=True)

    async def load(self, *listeners: Listener, choice: Choice | None = None) -> Summary:
        return await self.app(listeners).load(choice or Choice())

    async def a_day_later(self) -> None:
        await asyncio.sleep(24 * 3600)

    # ---- what is there, and what must be ----

    @contextmanager
    def reading(self) -> Iterator[None]:
        """What is read inside is read through one connection: opening the warehouse takes longer than reading it."""
        with duckdb.connect(str(self.folder / "data" / "warehouse.duckdb"), read_only=True) as connection:
            self.connection = connection
            try:
                yield
            finally:
                self.connection = None

    def rows(self, sql: str) -> list[Row]:
        if self.connection is None:
            with self.reading():
                return self.rows(sql)
        found = self.connection.execute(sql)
        names = [column[0] for column in found.description or ()]
        return [dict(zip(names, row, strict=True)) for row in found.fetchall()]

    def truth(self, report: Report, account: str, since: date, until: date, as_of: datetime | None = None) -> list[Row]:
        days = {"since": since.isoformat(), "until": until.isoformat()}
        asked = {**report.parameters(), "time_range": days}
        wire = {name: value if isinstance(value, str) else _json(value) for name, value in asked.items()}
        return truth(self.state, {**wire, "account": account, "as_of": (as_of or self.now).isoformat()})

    def assert_holds(self, report: Report, truth: Sequence[Row]) -> None:
        """The report's tables hold exactly these rows of the truth, cell by cell."""
        tables = tables_of(report)
        found = {tables.facts: expected_facts, tables.actions: expected_actions, tables.results: expected_results}
        with self.reading():
            for table, expected in found.items():
                if table is not None:
                    assert_table(self, table, expected(report, truth))

    def states(self, table: str = "ads_insights") -> list[tuple[str, str]]:
        """Slices with their states, in order."""
        found = self.rows(f"SELECT slice_start, state FROM meta.slices WHERE table_name = '{table}' ORDER BY ALL")
        return [(str(row["slice_start"])[:10], row["state"]) for row in found]


def assert_table(stage: Stage, table: Table, expected: Sequence[Row]) -> None:
    found = keyed((as_found(row, table) for row in stage.rows(f"SELECT * FROM {table.name}")), table)
    wanted = keyed(expected, table)
    assert found.keys() == wanted.keys(), (table.name, wanted.keys() ^ found.keys())
    assert found == wanted


def _json(value: object) -> str:
    return json.dumps(value)


@asynccontextmanager
async def staged(
    loop: Loop,
    folder: Path,
    world: World | Mapping[str, Any],
    settings: Mapping[str, Any],
    *,
    options: ServerOptions | None = None,
    scenario: Any = None,
    now: datetime = NOW,
) -> AsyncIterator[Stage]:
    """A sandbox that serves a world, and the store of loads in a folder."""
    there = world if isinstance(world, World) else build_world(world)
    clock = SandboxClock(now, ticks=loop.time)
    async with running(there, clock=clock, options=options or ServerOptions(), scenario=scenario) as server:
        yield Stage(loop, server.state, server.url, folder, now, settings)


@pytest.fixture(autouse=True)
def token(monkeypatch: pytest.MonkeyPatch) -> None:
    """The token that every load of these tests uses."""
    monkeypatch.setenv("META_ACCESS_TOKEN", TOKEN)
