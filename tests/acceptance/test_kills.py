"""A load killed anywhere and run again: lake and warehouse equal the truth, no row lost or twice."""

import random
from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from pathlib import Path

import duckdb
import pytest

from schemas.ad_objects import OBJECT_TABLES
from schemas.ads_insights import tables_of
from schemas.reports import Report
from tests.acceptance.comparing import as_found, expected_actions, expected_facts, expected_objects, keyed
from tests.acceptance.conftest import NOW, Sandbox, Shop, running_sandbox
from tests.acceptance.conftest import REPORT as REPORT_TOML

REPORT = Report("ads_insights", "ad", action_attribution_windows=("1d_click", "7d_click", "1d_view"))
ACCOUNTS = ("111", "222")
DAYS = {"since": "2026-11-17", "until": "2026-11-19"}
STEPS = (
    ("report_run.submitted", 1),
    ("report_run.submitted", 2),
    ("report_run.polled", 1),
    ("page.read", 1),
    ("objects.page", 3),
    ("landing.begun", 1),
    ("landing.file_renamed", 1),
    ("landing.file_renamed", 5),
    ("landing.renamed", 2),
    ("landing.landed", 2),
    ("publish.begun", 1),
    ("publish.replacing", 1),
    ("publish.replaced", 1),
)
MOST_ATTEMPTS = 20
SOAK = 250
"""Loads of the soak, each killed twice before it may end: five hundred kills."""


@pytest.fixture(scope="module")
def steady() -> Iterator[Sandbox]:
    """A sandbox that is only ever read."""
    with running_sandbox("--size", "small") as sandbox:
        yield sandbox


def configured(folder: Path, sandbox: Sandbox, accounts: Sequence[str] = ACCOUNTS) -> Shop:
    shop = Shop(folder, sandbox.url)
    objects = '[ad_objects]\ntables = ["ad_accounts", "campaigns", "ads"]'
    shop.configure(accounts=accounts, since=date(2026, 11, 17), reports=REPORT_TOML, objects=objects)
    return shop


def assert_equal_to_truth(shop: Shop, sandbox: Sandbox) -> None:
    """Facts, actions and objects of the warehouse, and the lake beside it."""
    truth = [
        row for account in ACCOUNTS for row in sandbox.insights(account, NOW, **REPORT.parameters(), time_range=DAYS)
    ]
    tables = tables_of(REPORT)
    assert tables.actions is not None
    for table, expected in (
        (tables.facts, expected_facts(REPORT, truth)),
        (tables.actions, expected_actions(REPORT, truth)),
    ):
        found = keyed((as_found(row, table) for row in shop.rows(table.name)), table)
        assert keyed(expected, table) == found
    for name in ("ad_accounts", "campaigns", "ads"):
        table = OBJECT_TABLES[name].table
        objects = [found for account in ACCOUNTS for found in sandbox.objects(account, name)]
        found = keyed((as_found(row, table) for row in shop.rows(name)), table)
        assert keyed(expected_objects(name, objects), table) == found
    for name in (tables.facts.name, tables.actions.name, "ads"):
        [(in_lake,)] = duckdb.execute(f"SELECT count(*) FROM '{shop.lake}/{name}/**/*.parquet'").fetchall()
        assert [(in_lake,)] == shop.ask(f"SELECT count(*) FROM {name}")
    assert list((shop.lake / ".tmp").iterdir()) == []
    assert shop.ask("SELECT DISTINCT state FROM meta.slices") == [("landed",)]


@pytest.mark.parametrize(("event", "nth"), STEPS, ids=str)
def test_a_load_killed_at_a_named_step_is_made_up_by_the_next(
    event: str, nth: int, tmp_path: Path, steady: Sandbox
) -> None:
    """Kill -9 at submit, poll, page, rename, commit and publish; the next load ends with exactly the truth."""
    shop = configured(tmp_path, steady)
    assert shop.dying_load(event, nth) == -9
    ended = shop.load()
    assert ended.code == 0, ended.err
    assert_equal_to_truth(shop, steady)


@pytest.mark.parametrize("seed", range(10))
def test_a_load_killed_at_random_is_made_up_by_the_next(seed: int, tmp_path: Path, steady: Sandbox) -> None:
    """Killed at ten moments that nobody chose."""
    _kill_and_compare(seed, 1, tmp_path, steady)


@pytest.mark.soak
@pytest.mark.parametrize("seed", range(100, 100 + SOAK))
def test_five_hundred_random_kills(seed: int, tmp_path: Path, steady: Sandbox) -> None:
    """The same, five hundred times: the load that makes up for a kill is killed as well."""
    _kill_and_compare(seed, 2, tmp_path, steady)


def _kill_and_compare(seed: int, kills: int, folder: Path, sandbox: Sandbox) -> None:
    shop = _killed(random.Random(seed), kills, folder, sandbox)
    ended = shop.load()
    assert ended.code == 0, ended.err
    assert_equal_to_truth(shop, sandbox)


def _killed(chance: random.Random, kills: int, folder: Path, sandbox: Sandbox) -> Shop:
    """A store whose loads were all killed while they ran; where one was quicker than its kill, another is begun."""
    for attempt in range(MOST_ATTEMPTS):
        sandbox.move_to(NOW)  # its time runs a hundred times as fast: after ten minutes it would be another day
        sandbox.post("reset_quotas", {})
        (folder / str(attempt)).mkdir()
        shop = configured(folder / str(attempt), sandbox)
        if all(shop.killed_load(chance.uniform(0.3, 2.5)) for _ in range(kills)):
            return shop
    raise AssertionError(f"in {MOST_ATTEMPTS} attempts no load was still running when it was to be killed")


def test_a_report_run_of_a_killed_load_is_adopted(tmp_path: Path) -> None:
    """A kill after the submission was committed costs no second submission; with one account a poll proves that."""
    with running_sandbox("--size", "small") as sandbox:
        shop = configured(tmp_path, sandbox, ["111"])
        assert shop.dying_load("report_run.polled", 1) == -9
        submitted = [call["path"] for call in sandbox.calls() if call["op"] == "submit"]
        assert shop.load(now=NOW + timedelta(minutes=5)).code == 0
        again = [call["path"] for call in sandbox.calls() if call["op"] == "submit"]
        assert len(submitted) == len(again) == 1
