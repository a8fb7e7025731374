"""Nights in five zones over changes of clocks: each is loaded, none twice, whatever kills or turns back the clock."""

import random
import sqlite3
import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from schemas.ads_insights import tables_of
from schemas.reports import Report
from tests.acceptance.comparing import as_found, expected_facts, keyed
from tests.acceptance.conftest import Sandbox, Shop, running_sandbox

ZONES = {
    "111": "America/Los_Angeles",
    "222": "Asia/Kolkata",
    "333": "Pacific/Auckland",
    "444": "America/Sao_Paulo",
    "555": "Europe/London",
}
SPEED = 600
LOOKBACK = 3
REPORT = Report("ads_insights", "campaign", fields=("impressions", "spend"), action_attribution_windows=())
REPORTS = """
[[ads_insights.reports]]
name = "ads_insights"
level = "campaign"
fields = ["impressions", "spend"]
action_attribution_windows = []
"""
SHORT = datetime(2026, 10, 23, 12, tzinfo=UTC), datetime(2026, 11, 2, 12, tzinfo=UTC)
"""London leaves summer time on October 25, Los Angeles on November 1."""
MONTH = datetime(2026, 9, 24, 12, tzinfo=UTC), datetime(2026, 11, 4, 12, tzinfo=UTC)
"""As well Auckland, which enters it on September 27."""
DEATHS = (
    *("schedule.load_begun", "report_run.submitted", "page.read", "landing.begun", "landing.file_renamed"),
    *("landing.landed", "publish.begun", "publish.replaced"),
)
MOST_STARTS = 400
RIGHT_AGAIN = timedelta(days=3)
"""How long before the end clocks are right again: what was read thirty hours ahead is then yesterday's, and due."""


@pytest.fixture
def sandbox_of(request: pytest.FixtureRequest) -> Iterator[tuple[Sandbox, datetime, datetime]]:
    """A sandbox that begins with the first day, and the days."""
    start, end = request.param
    with running_sandbox("--size", "small", "--accounts", "5", now=start, speed=SPEED) as sandbox:
        yield sandbox, start, end


def shop_of(folder: Path, sandbox: Sandbox, since: date, at: str) -> Shop:
    shop = Shop(folder, sandbox.url, speed=SPEED)
    more = f'[schedule]\nnightly_at = "{at}"\n[report_runs]\ndeadline_minutes = 600'
    insights = f"lookback_days = {LOOKBACK}"
    shop.configure(accounts=list(ZONES), since=since, reports=REPORTS, insights=insights, objects="", more=more)
    return shop


def nights(shop: Shop, end: datetime, skew: timedelta = timedelta(), *kill: str) -> int:
    """The process that stays, until this moment of the sandbox; how it ended."""
    script = str(Path(__file__).with_name("nights.py"))
    seconds = str(skew.total_seconds())
    command = [sys.executable, script, shop.url, end.isoformat(), seconds, *kill]
    return subprocess.run(command, cwd=shop.folder, env=shop.env(), check=False).returncode


def days_of(shop: Shop) -> dict[tuple[str, date], str]:
    """The state of each account and day that the ledger knows."""
    with sqlite3.connect(shop.folder / "data/state/ledger.sqlite") as ledger:
        rows = ledger.execute("SELECT scope, slice_start, state FROM slices").fetchall()
    return {(scope, datetime.fromisoformat(start).date()): state for scope, start, state in rows}


def expected_days(since: date, end: datetime) -> set[tuple[str, date]]:
    """Every day that is over in its account's zone and whose night has come."""
    found = set()
    for account, zone in ZONES.items():
        last = (end.astimezone(ZoneInfo(zone)) - timedelta(hours=4)).date() - timedelta(days=1)
        found |= {(account, since + timedelta(days=n)) for n in range((last - since).days + 1)}
    return found


def submissions(sandbox: Sandbox) -> dict[str, list[datetime]]:
    """When each account's reports were asked for, in the account's own time."""
    found: dict[str, list[datetime]] = defaultdict(list)
    for call in sandbox.calls():
        if call["op"] in {"submit", "sync"}:
            found[call["account"]].append(
                datetime.fromisoformat(call["at"]).astimezone(ZoneInfo(ZONES[call["account"]]))
            )
    return found


@pytest.mark.parametrize(
    ("sandbox_of", "at"),
    [
        pytest.param(SHORT, "01:30", id="a time that comes twice"),
        pytest.param(MONTH, "02:30", id="a time that does not come", marks=pytest.mark.soak),
    ],
    indirect=["sandbox_of"],
)
def test_every_night_runs_once(tmp_path: Path, sandbox_of: tuple[Sandbox, datetime, datetime], at: str) -> None:
    """Each account is asked once in each of its nights, at its hour; changes of clocks neither skip nor repeat one."""
    sandbox, start, end = sandbox_of
    since = start.date() - timedelta(days=2)
    shop = shop_of(tmp_path, sandbox, since, at)
    assert nights(shop, end) == 0
    for account, asked in submissions(sandbox).items():
        first, *others = asked
        assert first.astimezone(UTC) - start < timedelta(hours=2)  # everything that was due when it was started
        days = [moment.date() for moment in others]
        expected = [days[0] + timedelta(days=number) for number in range(len(days))]
        assert days == expected, account
        assert {moment.hour for moment in others} <= {int(at[:2]), int(at[:2]) + 1}, account
    states = days_of(shop)
    assert expected_days(since, end) <= states.keys()
    assert set(states.values()) <= {"landed", "empty"}


@pytest.mark.parametrize(
    ("sandbox_of", "seed"),
    [
        pytest.param(SHORT, 1, id="ten nights"),
        *(pytest.param(MONTH, seed, id=f"a month, {seed}", marks=pytest.mark.soak) for seed in range(2, 5)),
    ],
    indirect=["sandbox_of"],
)
def test_nights_with_kills_and_a_clock_that_is_set_back_and_forth(
    tmp_path: Path, sandbox_of: tuple[Sandbox, datetime, datetime], seed: int
) -> None:
    """Killed at every step, started again under clocks that are wrong: all landed, nothing asked twice at once."""
    sandbox, start, end = sandbox_of
    since, chance = start.date() - timedelta(days=2), random.Random(seed)
    shop = shop_of(tmp_path, sandbox, since, "03:30")
    kills = 0
    for _ in range(MOST_STARTS):
        skew = timedelta(hours=chance.choice([0, 0, 0, -20, -5, -1, 1, 7, 30]))
        code = nights(shop, end - RIGHT_AGAIN, skew, chance.choice(DEATHS), str(chance.randint(1, 8)))
        kills += code == -9
        if code == 0:
            break
        assert code == -9
    assert kills >= 5
    assert nights(shop, end) == 0
    states = days_of(shop)
    assert expected_days(since, end) <= states.keys()
    assert set(states.values()) <= {"landed", "empty"}
    assert_never_two_at_once(sandbox)
    assert_as_in_truth(shop, sandbox, end)


def assert_never_two_at_once(sandbox: Sandbox) -> None:
    """Of no day were two report runs under way at a time, from being asked for until their last page was read."""
    read = {c["run_id"]: datetime.fromisoformat(c["at"]).timestamp() for c in sandbox.calls() if c["op"] == "page"}
    spans = defaultdict(list)
    for run in sandbox.get("runs")["runs"]:
        begun: float = run["time_ref"]
        spans[run["account_id"]].append((begun, read.get(run["id"], begun), run))
    assert sum(map(len, spans.values())) > len(ZONES)
    for account, found in spans.items():
        for (_, ended, sooner), (begun, _, later) in pairwise(sorted(found, key=lambda span: span[0])):
            apart = sooner["date_stop"] < later["date_start"] or later["date_stop"] < sooner["date_start"]
            assert apart or ended <= begun, (account, sooner, later)


def assert_as_in_truth(shop: Shop, sandbox: Sandbox, end: datetime) -> None:
    """The days that the last nights read, under a clock that was right, hold what the sandbox says."""
    table = tables_of(REPORT).facts
    for account, zone in ZONES.items():
        last = (end.astimezone(ZoneInfo(zone)) - timedelta(hours=4)).date() - timedelta(days=1)
        first = last - timedelta(days=1)
        days = {"since": str(first), "until": str(last)}
        night = datetime.combine(last + timedelta(days=1), time(4), ZoneInfo(zone))  # by `end` it may be tomorrow there
        truth = sandbox.insights(account, night, **REPORT.parameters(), time_range=days)
        where = f"account_id = '{account}' AND date_start BETWEEN '{first}' AND '{last}'"
        found = keyed((as_found(row, table) for row in shop.rows(f"ads_insights WHERE {where}")), table)
        assert keyed(expected_facts(REPORT, truth), table) == found
