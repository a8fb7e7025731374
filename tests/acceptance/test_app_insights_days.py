"""Days of app insights are read again until they stop changing, and not once more."""

import json
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from tests.acceptance.app_shop import AppShop, Entry, expected, truth_of
from tests.acceptance.conftest import NOW, Sandbox, days_until, running_sandbox

CALLS: Entry = {"metric": "api_calls"}
COUNTRIES: Entry = {"metric": "api_calls", "breakdowns": ["country"]}
MONTHLY: Entry = {"metric": "api_errors", "period": "range"}
TOTAL: Entry = {"metric": "facebook_login_total_users"}
SINCE = date(2026, 11, 8)


@pytest.fixture
def shop(tmp_path: Path, sandbox: Sandbox) -> AppShop:
    return AppShop(tmp_path, sandbox.url)


def on(sandbox: Sandbox, shop: AppShop, now: datetime) -> Any:
    """A load at a moment; what it printed."""
    sandbox.move_to(now)
    sandbox.forget_calls()
    ended = shop.load(now=now)
    assert ended.code == 0, ended.err
    return ended.json


def assert_equal_to_truth(sandbox: Sandbox, shop: AppShop, *entries: Entry, now: datetime = NOW) -> None:
    yesterday = (now.astimezone(UTC) - timedelta(hours=8)).date() - timedelta(days=1)
    truth: dict[Any, Any] = {}
    for entry in entries:
        truth |= expected("700", entry, truth_of(sandbox, "700", entry, SINCE, yesterday, now))
    assert shop.values() == truth


def test_a_second_load_on_the_same_day_asks_nothing(sandbox: Sandbox, shop: AppShop) -> None:
    """Neither days nor months nor totals; the plan says so beforehand."""
    shop.configure_apps(CALLS, COUNTRIES, MONTHLY, TOTAL, since=SINCE)
    on(sandbox, shop, NOW)
    assert shop.run("plan", "--json", "--now", NOW.isoformat()).json["slices"] == 0
    again = on(sandbox, shop, NOW + timedelta(hours=3))
    assert (again["slices"]["landed"], again["api_calls"], sandbox.calls()) == (0, {}, [])


def test_the_next_day_is_that_of_gmt_minus_8(sandbox: Sandbox, shop: AppShop) -> None:
    """At 07:59 UTC nothing is due yet; a minute later the new day is, and the old ones are asked again."""
    shop.configure_apps(CALLS, since=SINCE)
    on(sandbox, shop, NOW)
    assert on(sandbox, shop, datetime(2026, 11, 21, 7, 59, tzinfo=UTC))["api_calls"] == {}
    found = on(sandbox, shop, datetime(2026, 11, 21, 8, 1, tzinfo=UTC))
    assert found["slices"]["landed"] + found["slices"]["empty"] == 13
    assert found["api_calls"] == {"list": 1}
    [day] = shop.ask("SELECT max(slice_start)::DATE FROM meta.slices")
    assert day == (date(2026, 11, 20),)


def test_each_night_the_table_is_the_truth_of_that_night(sandbox: Sandbox, shop: AppShop) -> None:
    """Restated, late and missing days included, for ten nights; days that stand are not written again."""
    shop.configure_apps(CALLS, COUNTRIES, since=SINCE)
    unchanged = 0
    for night in range(10):
        now = days_until(NOW, night)
        found = on(sandbox, shop, now)
        assert_equal_to_truth(sandbox, shop, CALLS, COUNTRIES, now=now)
        unchanged += found["slices"]["unchanged"]
    assert unchanged > 100


def test_a_day_is_final_when_it_has_stood_for_a_week(sandbox: Sandbox, shop: AppShop) -> None:
    """It is then no longer asked; its footer proves it, and its values say when they were first read."""
    shop.configure_apps(CALLS, since=date(2026, 11, 18))
    for night in range(12):
        on(sandbox, shop, days_until(NOW, night))
    final = dict(shop.ask("SELECT slice_start::DATE, final FROM meta.slices WHERE final"))
    assert date(2026, 11, 18) in final
    assert date(2026, 11, 30) not in final
    plan = shop.run("plan", "--json", "--now", days_until(NOW, 12).isoformat()).json
    still = shop.ask("SELECT count(*) FROM meta.slices WHERE NOT final")[0][0]
    assert plan["slices"] == still + 1
    for path in (shop.lake / "app_insights").rglob("*.parquet"):
        record = json.loads(pq.read_metadata(path).metadata[b"insights"])["slice"]
        stood = datetime.fromisoformat(record["as_of"]) - datetime.fromisoformat(record["fetched_at"])
        day = date.fromisoformat(record["start"][:10])
        assert (stood >= timedelta(days=7)) == (day in final)
    both = "FROM app_insights v JOIN meta.slices s ON s.slice_start::DATE = v.date_start"
    assert shop.ask(f"SELECT count(*) {both} WHERE v.fetched_at <> s.fetched_at OR v.run_id <> s.run_id") == [(0,)]


def test_an_old_day_is_asked_once(sandbox: Sandbox, shop: AppShop) -> None:
    """What lies further back than Meta may restate is final at its first reading."""
    shop.configure_apps(CALLS, since=date(2026, 9, 1))
    on(sandbox, shop, NOW)
    [(final, first)] = shop.ask("SELECT count(*) FILTER (final), count(*) FROM meta.slices")
    assert first == 80
    assert final == (date(2026, 10, 23) - date(2026, 9, 1)).days
    again = on(sandbox, shop, days_until(NOW, 1))
    assert sum(again["slices"][state] for state in ("landed", "empty")) == 80 - final + 1


def test_a_running_month_is_asked_to_yesterday_and_replaced(sandbox: Sandbox, shop: AppShop) -> None:
    """A range is one value for each calendar month; the month that runs grows, the next one begins anew."""
    shop.configure_apps(MONTHLY, since=date(2026, 10, 15))
    for now in (NOW, days_until(NOW, 1), datetime(2026, 12, 2, 14, 0, tzinfo=UTC)):
        on(sandbox, shop, now)
        yesterday = (now - timedelta(hours=8)).date() - timedelta(days=1)
        borders = [date(2026, 10, 1), date(2026, 11, 1), date(2026, 12, 1), date(2027, 1, 1)]
        truth: dict[Any, Any] = {}
        for first, following in pairwise(borders):
            last = min(following - timedelta(days=1), yesterday)
            if first <= yesterday:
                rows = truth_of(sandbox, "700", MONTHLY, first, last, now)
                truth |= expected("700", MONTHLY, rows, (first, last))
        assert shop.values() == truth


def test_a_total_is_read_once_a_day_and_shows_the_present(sandbox: Sandbox, shop: AppShop) -> None:
    """A metric without days has one slice without days, which is replaced."""
    shop.configure_apps(TOTAL)
    first = on(sandbox, shop, NOW)
    assert first["rows"] == {"app_insights": 1}
    before = shop.ask("SELECT value, time FROM app_insights")
    on(sandbox, shop, days_until(NOW, 1))
    after = shop.ask("SELECT value, time FROM app_insights")
    assert len(after) == 1
    assert after != before
    [(scope, start)] = shop.ask("SELECT scope, slice_start FROM meta.slices")
    assert (scope.startswith("700/facebook_login_total_users-"), start) == (True, None)


def test_a_long_range_is_cut_to_what_is_answered_and_that_is_remembered(sandbox: Sandbox, shop: AppShop) -> None:
    """A first load of 300 days is refused until its questions are short enough; the next need no refusal."""
    shop.configure_apps(CALLS, since=NOW.date() - timedelta(days=300))
    found = on(sandbox, shop, NOW)
    assert sum(found["slices"].values()) - found["slices"]["unchanged"] == 300
    refused = [call for call in sandbox.calls() if call["status"] == 400]
    assert len(refused) == 2
    rows = [
        row
        for start in range(0, 300, 60)
        for row in truth_of(
            sandbox, "700", CALLS, NOW.date() - timedelta(days=300 - start), NOW.date() - timedelta(days=241 - start)
        )
    ]
    assert shop.values() == expected("700", CALLS, rows)
    sandbox.forget_calls()
    assert shop.run("drop", "--account", "700", "--yes", "--now", NOW.isoformat()).code == 0
    assert shop.load().code == 0
    assert {call["status"] for call in sandbox.calls()} == {200}


def test_many_pages_are_followed_to_the_last(tmp_path: Path) -> None:
    """More rows than a page holds, an empty page with a next among them: none is lost."""
    refs: Entry = {"metric": "api_calls", "breakdowns": ["ref"]}
    rule = {"match": {"path": "/app_insights/", "page": 1}, "do": {"empty_page": True}}
    with running_sandbox("--size", "small") as sandbox:
        shop = AppShop(tmp_path, sandbox.url)
        shop.configure_apps(refs, since=date(2026, 10, 20))
        sandbox.script(rule)
        assert shop.load().code == 0
        rows = truth_of(sandbox, "700", refs, date(2026, 10, 20), date(2026, 11, 19))
        assert len(rows) > 2000
        assert shop.values() == expected("700", refs, rows)
        assert len(sandbox.calls()) == -(-len(rows) // 1000) + 1
