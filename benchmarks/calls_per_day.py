"""Measures calls and patience: a nightly load of 200 accounts of skewed sizes, beside a plain loop over the same days.

The plain loop is what most tools do: one report run per account and day, polled every 30 s, pages of 100 rows. Both ask
the same sandbox in a time that passes only when nobody works (`sandbox/loop.py`), so that figures are exact and the
same on any machine: seconds here are the sandbox's. A lookback of seven days, a quarter of the default, so that the
question per account is no longer than it must be. A report run takes twenty seconds and a second per 5,000 rows.
"""

import asyncio
import json
import os
import statistics
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import aiohttp
import orjson

from benchmarks.figures import Figure
from config.settings import from_data
from pipeline.app import App
from pipeline.journal import Journal
from pipeline.orders import Choice
from sandbox.calls import Logged
from sandbox.clock import SandboxClock
from sandbox.loop import Loop, LoopClock
from sandbox.main import Running, running
from sandbox.options import ServerOptions
from sandbox.world_file import build_world

ACCOUNTS = 200
LARGEST = 200
"""Ads of the largest account; the next has half of them, the third a third, and so on down to one."""
LOOKBACK = 7
NOW = datetime(2026, 11, 20, 4, tzinfo=UTC)
SINCE = date(2026, 11, 12)
POLL_SECONDS = 30
PAGE = 100
REACH = 1 / 3
TOKEN = "sandbox-token-benchmark"
OF_A_REPORT = frozenset({"submit", "poll", "page", "sync"})
FIELDS = ["account_id", "campaign_id", "adset_id", "ad_id", "impressions", "reach", "spend", "actions"]


@dataclass(frozen=True, slots=True)
class Night:
    """What one way of asking took: calls, account-days, and seconds from each run's completion to its last row."""

    calls: int
    account_days: int
    waits: Sequence[float]

    @property
    def per_day(self) -> float:
        """Calls per account-day."""
        return self.calls / self.account_days


def figures() -> list[Figure]:
    """Calls per account-day of both, and how long completed runs lay unread."""
    with tempfile.TemporaryDirectory() as folder:
        product = _in_own_time(lambda loop: _product(loop, Path(folder)))
    plain = _in_own_time(_plain)
    return [
        Figure(f"plain loop: calls per account-day ({plain.calls:,})", plain.per_day),
        Figure(f"insights load: the same ({product.calls:,})", product.per_day, product.per_day / plain.per_day, REACH),
        Figure("plain loop: completion to last row, mean", statistics.mean(plain.waits)),
        Figure("insights load: the same", statistics.mean(product.waits)),
        Figure("plain loop: the longest", max(plain.waits)),
        Figure("insights load: the same", max(product.waits)),
    ]


def _in_own_time(main: Any) -> Night:
    with asyncio.Runner(loop_factory=Loop) as runner:
        loop = runner.get_loop()
        night: Night = runner.run(main(loop))
        return night


# ---- the other side ----


def _ads() -> dict[str, int]:
    return {str(1000 + rank): max(1, LARGEST // rank) for rank in range(1, ACCOUNTS + 1)}


def _world() -> Mapping[str, Any]:
    names = [(account, number) for account, most in _ads().items() for number in range(most)]
    ads = [{"id": f"{account}3{number:03}", "adset_id": f"{account}2"} for account, number in names]
    days = [SINCE + timedelta(days=number) for number in range(LOOKBACK + 2)]
    return {
        "accounts": [{"id": account} for account in _ads()],
        "campaigns": [{"id": f"{account}1", "account_id": account} for account in _ads()],
        "adsets": [{"id": f"{account}2", "campaign_id": f"{account}1"} for account in _ads()],
        "ads": ads,
        "facts": [
            {"ad_id": ad["id"], "date": str(day), "impressions": 7, "spend": "1.5"} for ad in ads for day in days
        ],
    }


@asynccontextmanager
async def _sandbox(loop: Loop) -> Any:
    clock = SandboxClock(NOW, ticks=loop.time)
    async with running(build_world(_world()), clock=clock, options=ServerOptions(run_seconds=20)) as server:
        yield server


def _night(server: Running, calls: Sequence[Logged], account_days: int) -> Night:
    """From the sandbox's log: reports only, discovery apart."""
    asked = [call for call in calls if call.op in OF_A_REPORT]
    last = {call.run_id: datetime.fromisoformat(call.at) for call in asked if call.op == "page"}
    ready = {run.id: run.submitted + timedelta(seconds=run.total_seconds) for run in server.state.runs.known.values()}
    waits = [(at - ready[run]).total_seconds() for run, at in last.items() if run is not None]
    return Night(len(asked), account_days, waits)


# ---- both sides ----


async def _product(loop: Loop, folder: Path) -> Night:
    """The second night of a store: the first has loaded the days before."""
    os.environ["META_ACCESS_TOKEN"] = TOKEN
    async with _sandbox(loop) as server:
        data = {
            "graph": {"base_url": server.url},
            "storage": {"root": str(folder / "data")},
            "ads_insights": {
                "ad_accounts": list(_ads()),
                "since": SINCE,
                "lookback_days": LOOKBACK,
                "reports": [{"name": "ads_insights", "fields": FIELDS}],
            },
        }
        settings = from_data(data, "the benchmark", NOW.date())
        app = App(settings, LoopClock(loop, NOW), Journal(), rehearsal=True)
        first = await app.load(Choice())
        assert first.exit_code == 0, first.totals.failures[:1]
        await asyncio.sleep((NOW + timedelta(days=1) - app.clock.now()).total_seconds())
        before = len(server.state.log.calls)
        summary = await app.load(Choice())
        assert summary.exit_code == 0, summary.totals.failures[:1]
        return _night(server, server.state.log.calls[before:], len(summary.totals.outcomes))


async def _plain(loop: Loop) -> Night:
    """One run for each account and day of the lookback, all accounts side by side, the days one after the other."""
    days = [NOW.date() - timedelta(days=number) for number in range(LOOKBACK + 1)]
    async with _sandbox(loop) as server, aiohttp.ClientSession() as http:
        await asyncio.sleep(24 * 3600)
        await asyncio.gather(*(_account(http, server.url, account, days) for account in _ads()))
        return _night(server, server.state.log.calls, len(days) * ACCOUNTS)


async def _account(http: aiohttp.ClientSession, url: str, account: str, days: Sequence[date]) -> None:
    for day in days:
        await _run(http, f"{url}/v25.0", account, day)


async def _run(http: aiohttp.ClientSession, base: str, account: str, day: date) -> None:
    token = {"access_token": TOKEN}
    days = json.dumps({"since": str(day), "until": str(day)})
    form = {"level": "ad", "time_increment": "1", "fields": json.dumps(FIELDS), "time_range": days, **token}
    async with http.post(f"{base}/act_{account}/insights", data=form) as reply:
        run = orjson.loads(await reply.read())["report_run_id"]
    while True:
        await asyncio.sleep(POLL_SECONDS)
        async with http.get(f"{base}/{run}", params=token) as reply:
            if orjson.loads(await reply.read())["async_status"] == "Job Completed":
                break
    address: str | None = f"{base}/{run}/insights?limit={PAGE}&access_token={TOKEN}"
    while address is not None:
        async with http.get(address) as reply:
            address = orjson.loads(await reply.read()).get("paging", {}).get("next")
