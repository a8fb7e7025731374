"""Every command does for app insights what it does for the rest, as it is typed."""

import json
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.acceptance.app_shop import AppShop, Entry, expected, truth_of
from tests.acceptance.conftest import NOW, Sandbox

CALLS: Entry = {"metric": "api_calls"}
COUNTRIES: Entry = {"metric": "api_calls", "breakdowns": ["country"]}
SINCE, YESTERDAY = date(2026, 11, 15), date(2026, 11, 19)
ADS = f'[ads_insights]\nad_accounts = ["111"]\nsince = {SINCE}\n[[ads_insights.reports]]\nlevel = "account"'


@pytest.fixture
def shop(tmp_path: Path, small_sandbox: Sandbox) -> AppShop:
    found = AppShop(tmp_path, small_sandbox.url)
    found.configure_apps(CALLS, COUNTRIES, apps=("700", "701"), since=SINCE, more=ADS)
    return found


def at_now(shop: AppShop, *arguments: str) -> Any:
    ended = shop.run(*arguments, "--json", "--now", NOW.isoformat())
    assert ended.code == 0, ended.err
    return ended.json


def scopes(shop: AppShop) -> set[str]:
    return {scope for (scope,) in shop.ask("SELECT DISTINCT scope FROM meta.slices WHERE table_name = 'app_insights'")}


def test_plan_shows_what_is_due_of_each_entry(shop: AppShop) -> None:
    """A line for each app and entry, with its days and calls, before and after a load."""
    found = [task for task in at_now(shop, "plan")["tasks"] if task["table"] == "app_insights"]
    assert [(task["scope"].split("-")[0], task["slices"], task["calls"], task["why"]) for task in found] == [
        ("700/api_calls", 5, 1, ["never asked"]),
        ("700/api_calls", 5, 1, ["never asked"]),
        ("701/api_calls", 5, 1, ["never asked"]),
        ("701/api_calls", 5, 1, ["never asked"]),
    ]
    assert shop.load("--table", "app_insights").code == 0
    assert "app_insights" not in {task["table"] for task in at_now(shop, "plan", "--offline")["tasks"]}
    tomorrow = (NOW + timedelta(days=1)).isoformat()
    later = shop.run("plan", "--json", "--offline", "--now", tomorrow).json["tasks"]
    apps = [task for task in later if task["table"] == "app_insights"]
    assert {(task["slices"], *task["why"]) for task in apps} == {(6, "may have been restated", "never asked")}
    assert "app_insights" in shop.run("plan", "--now", tomorrow).out


def test_account_names_an_app(shop: AppShop, small_sandbox: Sandbox) -> None:
    """`--account 700` loads that app and no ad account; an app that is not configured is refused."""
    assert shop.load("--account", "700").code == 0
    assert shop.ask("SELECT DISTINCT table_name, split_part(scope, '/', 1) FROM meta.slices") == [
        ("app_insights", "700")
    ]
    truth: dict[Any, Any] = {}
    for entry in (CALLS, COUNTRIES):
        truth |= expected("700", entry, truth_of(small_sandbox, "700", entry, SINCE, YESTERDAY))
    assert shop.values() == truth
    refused = shop.load("--account", "799")
    assert (refused.code, "there are 111, 700, 701" in refused.err) == (2, True)


def test_an_account_of_ads_leaves_the_apps_alone(shop: AppShop) -> None:
    """And so does another table."""
    assert shop.load("--account", "111").code == 0
    assert shop.load("--table", "ads_insights").code == 0
    assert scopes(shop) == set()


def test_since_and_until_are_days_both_inclusive(shop: AppShop) -> None:
    """Also days before those that are configured."""
    assert shop.load("--table", "app_insights", "--since", "2026-11-10", "--until", "2026-11-11").code == 0
    days = "SELECT DISTINCT slice_start::DATE FROM meta.slices ORDER BY 1"
    assert shop.ask(days) == [(date(2026, 11, 10),), (date(2026, 11, 11),)]
    refused = shop.load("--until", "2026-11-01")
    assert (refused.code, "since = 2026-11-15" in refused.err) == (2, True)


def test_backfill_loads_a_past_range_and_force_what_is_final(shop: AppShop) -> None:
    """A forced one asks again what a plain one would not."""
    past = ("--table", "app_insights", "--account", "700", "--since", "2026-09-01", "--until", "2026-09-05")
    assert at_now(shop, "backfill", *past)["slices"]["skipped"] == 0
    assert shop.ask("SELECT count(*), bool_and(final) FROM meta.slices") == [(10, True)]
    assert at_now(shop, "backfill", *past)["api_calls"] == {}
    later = (NOW + timedelta(hours=1)).isoformat()
    forced = shop.run("backfill", "--json", "--now", later, *past, "--force").json
    assert sum(forced["slices"][state] for state in ("landed", "empty")) == 10


def test_status_shows_the_entries(shop: AppShop) -> None:
    """Per app and entry: days, rows, states, how fresh; `--account` narrows."""
    assert shop.load("--table", "app_insights").code == 0
    found = at_now(shop, "status", "--account", "701")["tables"]
    assert {group["scope"].split("/")[0] for group in found} == {"701"}
    assert {(group["first_day"], group["last_day"], group["loaded"]) for group in found} == {
        ("2026-11-15", "2026-11-19", True)
    }
    assert (
        sum(group["rows"] for group in found)
        == shop.ask("SELECT count(*) FROM app_insights WHERE app_id = '701'")[0][0]
    )
    words = shop.run("status", "--now", NOW.isoformat()).out
    assert all(f"{scope}  2026-11-15 to 2026-11-19" in words for scope in scopes(shop))


def test_drop_forgets_an_app(shop: AppShop) -> None:
    """Everywhere, and nobody else; the next load asks it anew."""
    assert shop.load().code == 0
    assert shop.run("drop", "--account", "700", "--yes", "--now", NOW.isoformat()).code == 0
    assert {scope.split("/")[0] for scope in scopes(shop)} == {"701"}
    assert shop.ask("SELECT DISTINCT app_id FROM app_insights") == [("701",)]
    assert not (shop.lake / "app_insights" / "app_id=700").exists() or not list(
        (shop.lake / "app_insights" / "app_id=700").iterdir()
    )
    assert shop.ask("SELECT count(*) > 0 FROM ads_insights") == [(True,)]
    assert shop.load().code == 0
    assert shop.ask("SELECT count(DISTINCT app_id) FROM app_insights") == [(2,)]


def test_drop_forgets_the_table(shop: AppShop) -> None:
    """With its views; ads insights stay."""
    assert shop.load().code == 0
    assert shop.run("drop", "--table", "app_insights", "--yes", "--now", NOW.isoformat()).code == 0
    names = {name for (name,) in shop.ask("SELECT table_name FROM duckdb_tables() WHERE schema_name = 'main'")}
    views = shop.ask("SELECT view_name FROM duckdb_views() WHERE NOT internal AND view_name LIKE 'app_%'")
    assert ("app_insights" in names, "ads_insights" in names, views) == (False, True, [])
    assert not (shop.lake / "app_insights").exists()


def test_another_breakdown_of_a_metric_is_another_scope(shop: AppShop) -> None:
    """Entries come and go without touching each other's rows; one that is taken out keeps them."""
    shop.configure_apps(CALLS, since=SINCE)
    assert shop.load().code == 0
    before = shop.values()
    shop.configure_apps(COUNTRIES, since=SINCE)
    assert shop.load().code == 0
    assert before.items() <= shop.values().items()
    assert len(scopes(shop)) == 2


def test_what_is_not_legal_is_refused_before_anything_is_sent(shop: AppShop, small_sandbox: Sandbox) -> None:
    """One line for each thing that is wrong, with its place, its value and the nearest legal one; exit 2."""
    calls = len(small_sandbox.calls())
    shop.configure_apps(
        "api_cals",
        {"metric": "api_calls", "period": "weekly"},
        {"metric": "app_event"},
        {"metric": "api_calls", "breakdowns": ["age"]},
        {"metric": "api_calls", "agregate_by": "COUNT"},
        CALLS,
        "api_calls",
        since=SINCE,
    )
    ended = shop.load()
    place, near = f"{shop.config}: [app_insights] metrics", "; the nearest legal value is"
    weekly, pair = (
        "daily, range; 7 days are intervals_to_aggregate",
        "goes only together with the other of age and gender",
    )
    assert (ended.code, ended.err.splitlines(), len(small_sandbox.calls())) == (
        2,
        [
            f'{place} number 1: metric: "api_cals" is not a metric of app insights{near} "api_calls"',
            f'{place} number 2: period: "weekly" is not a period of api_calls, which has {weekly}{near} "daily"',
            f'{place} number 3: event_name: "" is required for app_event: the name of the event',
            f'{place} number 4: breakdowns: "age" {pair}{near} "age, gender"',
            f"{place} number 5: agregate_by is not a setting; did you mean aggregate_by?",
            f'{place}: metric: "api_calls" is asked twice in the same way; leave one out',
        ],
        calls,
    )
    assert not shop.lake.exists()


def test_the_answer_is_one_json_document(shop: AppShop) -> None:
    """Also where only apps are configured."""
    shop.configure_apps(CALLS, since=SINCE)
    ended = shop.load()
    assert (ended.code, json.loads(ended.out)["rows"]["app_insights"] > 0) == (0, True)
