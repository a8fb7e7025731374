"""A load of app insights killed anywhere and run again ends with exactly the truth."""

import random
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest

from tests.acceptance.app_shop import AppShop, Entry, expected, truth_of
from tests.acceptance.conftest import NOW, Sandbox, running_sandbox

CALLS: Entry = {"metric": "api_calls"}
COUNTRIES: Entry = {"metric": "api_calls", "breakdowns": ["country"]}
TOTAL: Entry = {"metric": "facebook_login_total_users", "period": "lifetime"}
SINCE, YESTERDAY = date(2026, 11, 1), date(2026, 11, 19)
STEPS = (
    ("app_insights.page", 1),
    ("app_insights.page", 3),
    ("landing.begun", 1),
    ("landing.begun", 3),
    ("landing.file_renamed", 1),
    ("landing.file_renamed", 25),
    ("landing.renamed", 2),
    ("landing.landed", 2),
    ("publish.begun", 1),
    ("publish.replacing", 1),
)
MOST_ATTEMPTS = 20


@pytest.fixture(scope="module")
def steady() -> Iterator[Sandbox]:
    with running_sandbox("--size", "small") as sandbox:
        yield sandbox


def configured(folder: Path, sandbox: Sandbox) -> AppShop:
    sandbox.move_to(NOW)
    shop = AppShop(folder, sandbox.url)
    shop.configure_apps(CALLS, COUNTRIES, TOTAL, apps=("700", "701"), since=SINCE)
    return shop


def assert_equal_to_truth(shop: AppShop, sandbox: Sandbox) -> None:
    truth: dict[Any, Any] = {}
    for app in ("700", "701"):
        for entry in (CALLS, COUNTRIES, TOTAL):
            truth |= expected(app, entry, truth_of(sandbox, app, entry, SINCE, YESTERDAY))
    assert shop.values() == truth
    files = f"'{shop.lake}/app_insights/**/*.parquet'"
    assert duckdb.execute(f"SELECT count(*) FROM {files}").fetchall() == [(len(truth),)]
    assert list((shop.lake / ".tmp").iterdir()) == []
    days = (YESTERDAY - SINCE + timedelta(days=1)).days
    assert shop.ask("SELECT count(*) FROM meta.slices WHERE state IN ('landed', 'empty')") == [(2 * (2 * days + 1),)]


@pytest.mark.parametrize(("event", "nth"), STEPS, ids=str)
def test_a_load_killed_at_a_named_step_is_made_up_by_the_next(
    event: str, nth: int, tmp_path: Path, steady: Sandbox
) -> None:
    """Kill -9 at a page, a rename, a commit, a publication."""
    shop = configured(tmp_path, steady)
    assert shop.dying_load(event, nth) == -9
    ended = shop.load()
    assert ended.code == 0, ended.err
    assert_equal_to_truth(shop, steady)


@pytest.mark.parametrize("seed", range(5))
def test_a_load_killed_at_random_is_made_up_by_the_next(seed: int, tmp_path: Path, steady: Sandbox) -> None:
    """Killed at moments that nobody chose."""
    chance = random.Random(seed)
    for attempt in range(MOST_ATTEMPTS):
        (tmp_path / str(attempt)).mkdir()
        shop = configured(tmp_path / str(attempt), steady)
        if shop.killed_load(chance.uniform(0.5, 2.5)):
            break
    else:
        raise AssertionError(f"in {MOST_ATTEMPTS} attempts no load was still running when it was to be killed")
    assert shop.load().code == 0
    assert_equal_to_truth(shop, steady)
