"""The warehouse equals the sandbox's truth, value by value; the lake equals the warehouse."""

from datetime import date, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import duckdb
import pytest

from schemas.ad_objects import OBJECT_TABLES
from schemas.ads_insights import tables_of
from schemas.reports import Report
from tests.acceptance.comparing import (
    as_found,
    expected_actions,
    expected_facts,
    expected_objects,
    expected_results,
    keyed,
)
from tests.acceptance.conftest import NOW, Sandbox, Shop

WINDOWS = ("1d_click", "7d_click", "1d_view")
AD = Report("ads_insights", "ad", action_attribution_windows=WINDOWS)
PEOPLE = Report("by_people", "campaign", breakdowns=("age", "gender"), action_attribution_windows=WINDOWS)
PLACES = Report(
    "by_placement",
    "adset",
    breakdowns=("publisher_platform", "platform_position"),
    action_breakdowns=("action_type", "action_destination"),
    action_attribution_windows=("default", "28d_click"),
)
WEEKS = Report("weeks", "account", time_increment=7, action_attribution_windows=WINDOWS)
REPORTS = (AD, PEOPLE, PLACES, WEEKS)
TOML = """
[[ads_insights.reports]]
name = "ads_insights"

[[ads_insights.reports]]
name = "by_people"
level = "campaign"
breakdowns = ["age", "gender"]

[[ads_insights.reports]]
name = "by_placement"
level = "adset"
breakdowns = ["publisher_platform", "platform_position"]
action_breakdowns = ["action_type", "action_destination"]
action_attribution_windows = ["default", "28d_click"]

[[ads_insights.reports]]
name = "weeks"
level = "account"
time_increment = 7
"""
SINCE = date(2026, 11, 9)
ACCOUNTS = ("111", "222", "333")
OBJECTS = tuple(OBJECT_TABLES)
"""Monday of a grid week."""


@pytest.fixture(scope="module")
def loaded(tmp_path_factory: pytest.TempPathFactory, small_sandbox: Sandbox) -> Shop:
    """One load of every report and object that the tests below look at."""
    shop = Shop(tmp_path_factory.mktemp("loaded"), small_sandbox.url)
    shop.configure(accounts=ACCOUNTS, since=SINCE, reports=TOML)
    ended = shop.load()
    assert (ended.code, ended.err if ended.code else "") == (0, "")
    return shop


def truth_of(sandbox: Sandbox, report: Report, account: str) -> list[dict[str, Any]]:
    """Every row of a report that an account has from the first day wanted to its yesterday."""
    zone = ZoneInfo(sandbox.objects(account, "ad_accounts")[0]["timezone_name"])
    until = NOW.astimezone(zone).date() - timedelta(days=1)
    days = {"since": SINCE.isoformat(), "until": until.isoformat()}
    return sandbox.insights(account, NOW, **report.parameters(), time_range=days)


@pytest.mark.parametrize("report", REPORTS, ids=lambda report: report.name)
def test_every_value_of_every_report_equals_the_truth(report: Report, loaded: Shop, small_sandbox: Sandbox) -> None:
    """Facts, actions and results of the warehouse are the rows that the sandbox knows, cell by cell."""
    truth = [row for account in ACCOUNTS for row in truth_of(small_sandbox, report, account)]
    assert truth
    for table, expected in (
        (tables_of(report).facts, expected_facts(report, truth)),
        (tables_of(report).actions, expected_actions(report, truth)),
        (tables_of(report).results, expected_results(report, truth)),
    ):
        if table is None:
            continue
        found = keyed((as_found(row, table) for row in loaded.rows(table.name)), table)
        assert len(expected) == len(found), table.name
        for key, row in keyed(expected, table).items():
            assert row == found[key], f"{table.name} {key}"


@pytest.mark.parametrize("name", OBJECTS)
def test_every_object_of_every_kind_equals_the_truth(name: str, loaded: Shop, small_sandbox: Sandbox) -> None:
    """Objects of all statuses, archived and deleted ones included, stand in their tables as the sandbox has them."""
    table = OBJECT_TABLES[name].table
    truth = [found for account in ACCOUNTS for found in small_sandbox.objects(account, name)]
    expected = keyed(expected_objects(name, truth), table)
    found = keyed((as_found(row, table) for row in loaded.rows(name)), table)
    assert expected.keys() == found.keys()
    for key, row in expected.items():
        assert row == found[key], f"{name} {key}"


@pytest.mark.parametrize("name", [*(t.name for r in REPORTS for t in tables_of(r)), *OBJECTS])
def test_the_lake_equals_the_warehouse(name: str, loaded: Shop) -> None:
    """Read with hive partitioning and columns united by name, the lake's files hold the warehouse's rows."""
    with duckdb.connect() as connection:
        connection.execute(f"ATTACH '{loaded.warehouse}' AS w (READ_ONLY)")
        names = [row[0] for row in connection.execute(f"DESCRIBE w.{name}").fetchall()]
        columns = ", ".join(f'"{column}"' for column in names)
        lake = (
            f"read_parquet('{loaded.lake}/{name}/**/*.parquet', hive_partitioning = true, "
            "hive_types = {'account_id': VARCHAR}, union_by_name = true)"
        )
        assert set(names) == {row[0] for row in connection.execute(f"DESCRIBE SELECT * FROM {lake}").fetchall()}
        for one, other in ((lake, f"w.{name}"), (f"w.{name}", lake)):
            missing = connection.execute(
                f"SELECT count(*) FROM (SELECT {columns} FROM {one} EXCEPT ALL SELECT {columns} FROM {other})"
            ).fetchone()
            assert missing == (0,)


def test_every_slice_says_where_it_stands(loaded: Shop) -> None:
    """`meta.slices` has one row per slice, none failed, and its rows add up to the tables."""
    states = dict(loaded.ask("SELECT state, count(*) FROM meta.slices GROUP BY 1"))
    assert set(states) <= {"landed", "empty"}
    for report in REPORTS:
        counted = loaded.ask(f"SELECT sum(\"rows\") FROM meta.slices WHERE table_name = '{report.name}'")
        assert loaded.ask(f"SELECT count(*) FROM {report.name}") == counted


def test_tables_and_columns_explain_themselves(loaded: Shop) -> None:
    """Every table and every column of the warehouse carries a comment that a SQL client shows."""
    silent = "SELECT {0} FROM duckdb_{1}() WHERE comment IS NULL AND NOT internal"
    assert loaded.ask(silent.format("table_name", "tables")) == []
    assert loaded.ask(silent.format("table_name, column_name", "columns")) == []
