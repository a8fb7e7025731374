"""Every value of app insights in the warehouse is the sandbox's, whatever the metric, period and breakdown."""

import json
from collections.abc import Iterator
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pyarrow.parquet as pq
import pytest

from sandbox.app_insights_names import METRICS
from tests.acceptance.app_shop import AppShop, Entry, expected, truth_of
from tests.acceptance.conftest import NOW, Sandbox

SINCE, YESTERDAY = date(2026, 11, 8), date(2026, 11, 19)
MONTH = date(2026, 11, 1)
EVENT = "fb_mobile_purchase"


def _in_every_period() -> Iterator[Entry]:
    for metric, periods in METRICS.items():
        event = {"event_name": EVENT} if metric == "app_event" else {}
        yield from ({"metric": metric, "period": period, **event} for period in periods if period != "count")


ENTRIES: tuple[Entry, ...] = (
    *_in_every_period(),
    *({"metric": "app_event", "event_name": EVENT, "aggregate_by": name} for name in ("COUNT", "USERS", "SUM")),
    {"metric": "app_event", "event_name": EVENT, "aggregate_by": "USD_SUM", "breakdowns": ["country"]},
    {"metric": "app_event", "event_name": "other", "aggregate_by": "UNKNOWN_USERS", "period": "hourly"},
    {"metric": "app_event", "event_name": EVENT, "breakdowns": ["app_event_parameter1", "app_event_parameter10"]},
    {"metric": "app_event", "event_name": EVENT, "breakdowns": ["fb_description"]},
    {"metric": "api_calls", "breakdowns": ["age", "gender"]},
    {"metric": "api_calls", "breakdowns": ["country", "client"]},
    {"metric": "api_calls", "aggregate_by": "TOPK", "breakdowns": ["locale", "country"]},
    {"metric": "api_calls", "breakdowns": ["ref"]},
    {"metric": "api_calls", "breakdowns": ["label_cohort"]},
    {"metric": "story_clicks", "period": "hourly", "breakdowns": ["client"]},
    {"metric": "story_clicks", "period": "range", "breakdowns": ["country"]},
    {"metric": "mobile_referral_installs", "aggregate_by": "COUNT", "breakdowns": ["acquisition_source_l3"]},
    {"metric": "total_referrals", "aggregate_by": "USERS", "intervals_to_aggregate": 7},
    {"metric": "total_referrals", "intervals_to_aggregate": 28, "ecosystem": "GAME"},
    {"metric": "total_referrals", "ecosystem": "NON_GAME"},
)


@pytest.fixture(scope="module")
def loaded(tmp_path_factory: pytest.TempPathFactory, small_sandbox: Sandbox) -> AppShop:
    """One load of everything that can be asked."""
    shop = AppShop(tmp_path_factory.mktemp("apps"), small_sandbox.url)
    shop.configure_apps(*ENTRIES, since=SINCE)
    ended = shop.load()
    assert (ended.code, ended.err if ended.code else "") == (0, "")
    return shop


@pytest.fixture(scope="module")
def truth(small_sandbox: Sandbox) -> dict[Any, dict[str, Any]]:
    """All that the sandbox knows, as the table must have it."""
    found: dict[Any, dict[str, Any]] = {}
    for entry in ENTRIES:
        in_months = entry.get("period") == "range"
        rows = truth_of(small_sandbox, "700", entry, MONTH if in_months else SINCE, YESTERDAY)
        assert rows, entry
        found |= expected("700", entry, rows, (MONTH, YESTERDAY) if in_months else None)
    return found


def test_every_value_equals_the_truth(loaded: AppShop, truth: dict[Any, dict[str, Any]]) -> None:
    """Each metric in each of its periods, each aggregation and kind of breakdown: every row and no other."""
    found = loaded.values()
    assert found.keys() == truth.keys()
    for key, row in truth.items():
        assert row == found[key], key


def test_what_is_redacted_stays_a_text_and_each_value_of_it_stays(loaded: AppShop) -> None:
    """Where several countries of one day are REDACTED they are numbered, none is lost, and their sum is the day's."""
    hidden = "(breakdowns->>'country') = 'REDACTED'"
    assert loaded.ask(f"SELECT count(*) > 0, max(ordinal) > 0 FROM app_insights WHERE {hidden}") == [(True, True)]
    assert loaded.ask(f"SELECT count(*) FROM app_insights WHERE ordinal > 0 AND NOT {hidden}") == [(0,)]


def test_a_missing_day_is_a_slice_without_rows_and_never_a_zero(loaded: AppShop, small_sandbox: Sandbox) -> None:
    """Its state is empty, with the reason that it is missing; the table has no row of it."""
    missing = loaded.ask(
        "SELECT scope, slice_start::DATE FROM meta.slices WHERE state = 'empty' "
        "AND reason = 'Meta sent no value: missing, not zero'"
    )
    days = {day for scope, day in missing if scope.startswith("700/api_calls-")}
    there = {row["time"][:10] for row in truth_of(small_sandbox, "700", {"metric": "api_calls"}, SINCE, YESTERDAY)}
    wanted = {SINCE + timedelta(days=number) for number in range(12)}
    assert days == {day for day in wanted if day.isoformat() not in there} != set()
    assert loaded.ask("SELECT count(*) FROM meta.slices WHERE state = 'empty' AND reason IS NULL") == [(0,)]
    in_table = loaded.ask(
        "SELECT DISTINCT date_start FROM app_insights WHERE metric = 'api_calls' AND period = 'daily'"
    )
    assert not days & {day for (day,) in in_table}


def test_missing_hours_are_counted(loaded: AppShop) -> None:
    """An hourly day that lacks some says how many, and its rows are the others."""
    [(wrong, counted)] = loaded.ask(
        r"""
        WITH hours AS (
          SELECT definition_hash, date_start, count(DISTINCT time) AS there FROM app_insights
          WHERE period = 'hourly' AND breakdowns = '{}' GROUP BY ALL)
        SELECT count(*) FILTER (coalesce(TRY_CAST(regexp_extract(reason, '(\d+) of 24', 1) AS INT), 0) <> 24 - there),
               count(*) FILTER (there < 24)
        FROM hours JOIN meta.slices ON scope LIKE '%-' || definition_hash AND slice_start::DATE = date_start
        """
    )
    assert (wrong, counted > 0) == (0, True)


def test_what_meta_says_about_the_data_is_kept(loaded: AppShop) -> None:
    """The messages of the summary stand in the slice's reason."""
    found = loaded.ask(
        "SELECT DISTINCT reason FROM meta.slices WHERE scope LIKE '700/api_calls_by_method-%' AND rows > 0"
    )
    assert found == [("Values of this metric are sampled",)]


def test_rolling_values_are_told_apart(loaded: AppShop) -> None:
    """Only what may be summed over days is called additive."""
    told = dict(
        loaded.ask(
            "SELECT metric, any_value(adds) FROM app_insights WHERE period = 'daily' AND aggregate_by = '' "
            "AND intervals_to_aggregate = 1 GROUP BY 1"
        )
    )
    assert told["api_calls"] == told["payments_daily_spend"] == "additive"
    assert told["facebook_features_weekly_active_users"] == told["facebook_features_daily_active_users"] == "rolling"
    assert told["api_avg_request_time"] == told["story_spam_rate"] == "ratio"
    others = (
        "aggregate_by IN ('USERS', 'UNKNOWN_USERS') OR intervals_to_aggregate > 1 OR period IN ('range', 'lifetime')"
    )
    assert loaded.ask(f"SELECT DISTINCT adds FROM app_insights WHERE ({others}) AND adds = 'additive'") == []


@pytest.mark.parametrize(
    ("view", "metrics"),
    [
        ("app_activity", ("api_calls", "app_event", "story_clicks")),
        ("app_logins", ("login_dialog_initial_permission_grants", "facebook_login_total_users")),
        ("app_requests", ("request_sends", "structured_request_accepts")),
        ("app_notifications", ("app_notification_clicks", "app_notification_hide_rate")),
        ("app_payments", ("payments_daily_spend", "payments_daily_refunds")),
    ],
)
def test_each_view_pivots_its_metrics(view: str, metrics: tuple[str, ...], loaded: AppShop) -> None:
    """A column of the view holds exactly the metric's values, each once; every column explains itself."""
    for metric in metrics:
        shared = (
            "app_id, event_name, aggregate_by, period, intervals_to_aggregate, ecosystem, breakdowns, time, ordinal"
        )
        one = f"SELECT {shared}, {metric} AS value FROM {view} WHERE {metric} IS NOT NULL"
        other = f"SELECT {shared}, value FROM app_insights WHERE metric = '{metric}'"
        assert loaded.ask(f"SELECT count(*) > 0 FROM ({one})") == [(True,)]
        assert loaded.ask(f"({one} EXCEPT ALL {other}) UNION ALL ({other} EXCEPT ALL {one})") == []
    silent = f"SELECT column_name FROM duckdb_columns() WHERE table_name = '{view}' AND comment IS NULL"
    assert loaded.ask(silent) == []


def test_every_metric_stands_in_one_view(loaded: AppShop) -> None:
    """No metric is in none, and none in two."""
    shown = loaded.ask(
        "SELECT column_name FROM duckdb_columns() WHERE table_name IN (SELECT view_name FROM duckdb_views())"
    )
    names = [name for (name,) in shown if name in METRICS]
    assert sorted(names) == sorted(METRICS)


def test_the_lake_equals_the_warehouse(loaded: AppShop) -> None:
    """One file per entry and day at the path that follows from them; together they are the table."""
    files = f"{loaded.lake}/app_insights/**/*.parquet"
    lake = f"read_parquet('{files}', hive_partitioning = true, hive_types = {{'app_id': VARCHAR}})"
    columns = ", ".join(
        name for (name,) in loaded.ask("SELECT column_name FROM duckdb_columns() WHERE table_name = 'app_insights'")
    )
    with duckdb.connect() as connection:
        connection.execute(f"ATTACH '{loaded.warehouse}' AS w (READ_ONLY)")
        for one, other in ((lake, "w.app_insights"), ("w.app_insights", lake)):
            left = f"SELECT count(*) FROM (SELECT {columns} FROM {one} EXCEPT ALL SELECT {columns} FROM {other})"
            assert connection.execute(left).fetchone() == (0,)
    for path in (loaded.lake / "app_insights").rglob("*.parquet"):
        footer = json.loads(pq.read_metadata(path).metadata[b"insights"])
        app, scope = footer["slice"]["scope"].split("/")
        day = footer["slice"]["start"][:10] or "current"
        assert path.relative_to(loaded.lake) == Path(f"app_insights/app_id={app}/{scope}-{day}.parquet")


def test_a_day_is_that_of_gmt_minus_8(loaded: AppShop) -> None:
    """Every daily value begins at 08:00 UTC and stands on the day that begins then."""
    daily = "FROM app_insights WHERE period = 'daily'"
    assert loaded.ask(f"SELECT DISTINCT hour(time AT TIME ZONE 'UTC') {daily}") == [(8,)]
    assert loaded.ask(f"SELECT count(*) {daily} AND date_start <> (time AT TIME ZONE 'UTC')::DATE") == [(0,)]
    assert loaded.ask("SELECT DISTINCT time_zone FROM meta.slices") == [("Etc/GMT+8",)]


def test_an_amount_is_exact(loaded: AppShop, small_sandbox: Sandbox) -> None:
    """Sums of payments keep their cents; nothing went through a float."""
    rows = truth_of(small_sandbox, "700", {"metric": "payments_daily_spend"}, SINCE, YESTERDAY, NOW)
    [(found,)] = loaded.ask(
        "SELECT sum(value) FROM app_insights WHERE metric = 'payments_daily_spend' AND period = 'daily'"
    )
    assert found == sum(Decimal(row["value"]) for row in rows)
