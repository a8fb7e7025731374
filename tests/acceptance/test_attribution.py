"""Advanced Attribution, loaded whole: equal to the truth, made once at Meta, changed when the configuration changes."""

import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.acceptance.attributing import (
    MTA,
    REACH,
    WEEK,
    configure,
    landed,
    names,
    report_named,
    rows_of,
    truth,
    typed,
)
from tests.acceptance.conftest import NOW, Sandbox, Shop, days_until, running_sandbox

TABLES = (
    "attribution_reports",
    "attribution_campaigns",
    "attribution_publishers",
    "attribution_conversion_events",
    "attribution_report_columns",
    "attribution_report_runs",
    "attribution_report_schedules",
)
REACH_NAMES = {name: name for name in ("campaign_id", "date", "impressions", "reach", "net_media_cost", "frequency")}
MTA_NAMES = {
    "Ad Device Type": "device_type",
    "Publisher": "publisher_name",
    "MTA Revenue": "mta_revenue",
    "Cost per Conversion": "cost_per_conversion",
    "Time Decay Conversions": "time_decay_conversions",
    "Time Decay Cost per Conversion": "time_decay_cost_per_conversion",
}
SCHEDULE = """
schedule = { recurrence_type = "weekly", recurrence_values = [1, 3], minute_of_day = 240 }
"""


@pytest.fixture(scope="module")
def loaded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Shop, Sandbox]]:
    """Two lines of business with a report of either kind, in either format, loaded once; only read by tests."""
    with running_sandbox("--size", "small") as sandbox:
        shop = Shop(tmp_path_factory.mktemp("attribution"), sandbox.url)
        configure(shop, REACH + MTA, ("800", "801"))
        ended = shop.load()
        assert ended.code == 0, ended.err
        yield shop, sandbox


def shown(row: dict[str, Any]) -> dict[str, Any]:
    """A landed object as its reply had it: structures decoded, our own columns and what is absent left out."""
    ours = {"line_of_business_id", "fetched_at", "run_id", "extra"}
    structures = {"definition", "incompatibilities", "recurrence_values", "date_range", "campaign_ids"}
    return {
        name: json.loads(value) if name in structures else value
        for name, value in row.items()
        if name not in ours and value is not None
    }


def listed(shop: Shop, table: str, line: str) -> list[dict[str, Any]]:
    """The landed objects of a line of business."""
    return [shown(row) for row in shop.rows(table) if row["line_of_business_id"] == line]


def test_every_list_equals_the_truth(loaded: tuple[Shop, Sandbox]) -> None:
    """Campaigns, publishers with the campaigns that list them, events, columns, reports and runs, member by member."""
    shop, sandbox = loaded
    known = truth(sandbox)
    for line in ("800", "801"):
        assert by_id(listed(shop, "attribution_campaigns", line)) == by_id(known["campaigns"][line])
        assert by_id(listed(shop, "attribution_conversion_events", line)) == by_id(known["fb_conversion_events"][line])
        columns = {column["key"]: column for column in listed(shop, "attribution_report_columns", line)}
        assert columns == {column["key"]: column for column in known["report_columns"]}
        reports = [{n: v for n, v in r.items() if n != "line"} for r in known["reports"] if r["line"] == line]
        assert by_id(listed(shop, "attribution_reports", line)) == by_id(reports)
        runs = [run for run in known["report_runs"] if run["report_id"] in {r["id"] for r in reports}]
        assert by_id(listed(shop, "attribution_report_runs", line)) == by_id(runs)
        publishers: dict[str, dict[str, Any]] = {}
        for campaign, found in known["publishers"][line].items():
            for one in found:
                publishers.setdefault(one["id"], {**one, "campaign_ids": []})["campaign_ids"].append(campaign)
        assert by_id(listed(shop, "attribution_publishers", line)) == by_id(publishers.values())


def by_id(objects: Any) -> dict[str, Any]:
    """Objects by their id."""
    return {one["id"]: one for one in objects}


def test_every_row_equals_the_truth_letter_by_letter(loaded: tuple[Shop, Sandbox]) -> None:
    """Json and xlsx alike: each run's rows in their order, every digit of every figure."""
    shop, sandbox = loaded
    for name in ("Reach by campaign and day", "Conversions by device"):
        [(run, rows)] = landed(shop, report_named(sandbox, name)).items()
        assert len(rows) > 5
        assert rows == rows_of(sandbox, run)


@pytest.mark.parametrize(
    ("name", "columns"), [("Reach by campaign and day", REACH_NAMES), ("Conversions by device", MTA_NAMES)]
)
def test_the_view_of_a_report_is_typed(loaded: tuple[Shop, Sandbox], name: str, columns: dict[str, str]) -> None:
    """Days are DATE, figures DECIMAL(38,6) rounded half-even, all else text; the view's columns say their labels."""
    shop, sandbox = loaded
    report = report_named(sandbox, name)
    [run] = landed(shop, report)
    view = f"attribution_rows_{report}"
    found = [
        {column: str(row[column]) if column == "date" else row[column] for column in columns.values()}
        for row in sorted(shop.rows(view), key=lambda row: row["row_number"])
    ]
    assert found == [typed(row, columns) for row in rows_of(sandbox, run)]
    kinds = dict(shop.ask(f"SELECT column_name, data_type FROM duckdb_columns() WHERE table_name = '{view}'"))
    wanted = {"date": "DATE", "campaign_id": "VARCHAR", "device_type": "VARCHAR", "publisher_name": "VARCHAR"}
    assert {c: kinds[c] for c in columns.values()} == {c: wanted.get(c, "DECIMAL(38,6)") for c in columns.values()}
    comments = dict(shop.ask(f"SELECT column_name, comment FROM duckdb_columns() WHERE table_name = '{view}'"))
    assert {column: comments[column] for column in columns.values()} == {v: k for k, v in columns.items()}


def test_slices_say_which_days_they_cover(loaded: tuple[Shop, Sandbox]) -> None:
    """A relative week in Los Angeles and four absolute days in Berlin; neither has settled."""
    shop, sandbox = loaded
    found = shop.ask(
        "SELECT scope, slice_start::DATE::VARCHAR, slice_end::DATE::VARCHAR, time_zone, state, final "
        "FROM meta.slices WHERE table_name = 'attribution_rows' ORDER BY scope"
    )
    reach, mta = (report_named(sandbox, name) for name in ("Reach by campaign and day", "Conversions by device"))
    assert found == [
        (f"800/{reach}", "2026-11-09", "2026-11-16", "America/Los_Angeles", "landed", False),
        (f"800/{mta}", "2026-11-01", "2026-11-05", "Europe/Berlin", "landed", False),
    ]


def test_the_lake_equals_the_warehouse(loaded: tuple[Shop, Sandbox]) -> None:
    """One file for each report, named after its run; what is in the files is what the warehouse shows."""
    shop, sandbox = loaded
    files = sorted(path.relative_to(shop.lake) for path in (shop.lake / "attribution_rows").rglob("*.parquet"))
    runs = {str(run) for report in truth(sandbox)["reports"] for run in landed(shop, report["id"])}
    assert {path.stem for path in files} == runs
    assert all(path.parts[1].startswith("report_id=") for path in files)
    for table in ("attribution_rows", *TABLES):
        if list((shop.lake / table).rglob("*.parquet")):
            reader = f"read_parquet('{shop.lake}/{table}/**/*.parquet', union_by_name = true)"
            assert shop.ask(f"SELECT count(*) FROM {reader}") == shop.ask(f"SELECT count(*) FROM {table}")


def test_the_token_is_never_sent_to_the_host_of_the_files(loaded: tuple[Shop, Sandbox]) -> None:
    """Every file was fetched from another host than Graph's, without a token; no call carried it in its address."""
    shop, sandbox = loaded
    downloads = sandbox.get("attribution/downloads")["downloads"]
    assert len(downloads) == 2
    assert [entry["token"] for entry in downloads] == [False, False]
    assert all(entry["host"] != shop.url.removeprefix("http://") for entry in downloads)
    assert not [call for call in sandbox.calls() if call["token_in_url"]]


# ---- from day to day ----


def test_nothing_is_asked_twice_on_one_day_and_all_again_on_the_next(shop: Shop, sandbox: Sandbox) -> None:
    """The second load sends nothing; the next day's runs the report again, which replaces its slice."""
    configure(shop, REACH)
    assert shop.load().code == 0
    [first] = landed(shop, report_named(sandbox, "Reach by campaign and day"))
    assert shop.load(now=NOW + timedelta(hours=2)).json["api_calls"] == {}
    sandbox.move_to(days_until(NOW, 1))
    ended = shop.load(now=days_until(NOW, 1))
    assert ended.code == 0, ended.err
    assert names(sandbox) == ["Reach by campaign and day"]
    report = report_named(sandbox, "Reach by campaign and day")
    [second] = landed(shop, report)
    assert second != first
    assert landed(shop, report)[second] == rows_of(sandbox, second)
    assert len(list((shop.lake / "attribution_rows").rglob("*.parquet"))) == 1


def test_a_week_later_the_old_week_stays(shop: Shop, sandbox: Sandbox) -> None:
    """A relative range moves on: its new days are a slice of their own, the view shows both."""
    configure(shop, REACH)
    assert shop.load().code == 0
    sandbox.move_to(days_until(NOW, 7))
    assert shop.load(now=days_until(NOW, 7)).code == 0
    report = report_named(sandbox, "Reach by campaign and day")
    found = landed(shop, report)
    assert len(found) == 2
    assert all(rows == rows_of(sandbox, run) for run, rows in found.items())
    weeks = shop.ask(f"SELECT DISTINCT date_start::VARCHAR, date_stop::VARCHAR FROM attribution_rows_{report}")
    assert sorted(weeks) == [("2026-11-09", "2026-11-15"), ("2026-11-16", "2026-11-22")]


def test_a_changed_definition_changes_the_report_and_runs_it_anew(shop: Shop, sandbox: Sandbox) -> None:
    """The same report, one update, a run on the same day; a column left out stays in the view for nobody."""
    configure(shop, REACH)
    assert shop.load().code == 0
    configure(shop, REACH.replace('"reach"', '"reach", "clicks"').replace('"frequency"', '"device_type"'))
    ended = shop.load(now=NOW + timedelta(hours=1))
    assert ended.code == 0, ended.err
    report = report_named(sandbox, "Reach by campaign and day")
    [(run, rows)] = landed(shop, report).items()
    assert rows == rows_of(sandbox, run)
    assert {"clicks", "device_type"} <= set(rows[0])
    assert len(truth(sandbox)["report_runs"]) == 2
    columns = {name for (name,) in shop.ask(f"SELECT column_name FROM (DESCRIBE attribution_rows_{report})")}
    assert {"clicks", "device_type"} <= columns
    assert "frequency" not in columns


def test_existing_reports_are_run_when_none_is_configured(shop: Shop, sandbox: Sandbox) -> None:
    """Reports that somebody made are run as they are, and none is made or changed."""
    configure(shop, REACH + MTA)
    assert shop.load().code == 0
    other = Shop(Path(shop.folder) / "other", sandbox.url)
    other.folder.mkdir()
    configure(other, "")
    before = truth(sandbox)["reports"]
    ended = other.load()
    assert ended.code == 0, ended.err
    assert truth(sandbox)["reports"] == before
    for report in before:
        [(run, rows)] = landed(other, report["id"]).items()
        assert rows == rows_of(sandbox, run)
    assert other.load(now=NOW + timedelta(hours=1)).json["api_calls"] == {}


def test_a_lifetime_is_one_slice_that_is_never_final(shop: Shop, sandbox: Sandbox) -> None:
    """It is replaced every day, and begins in 1970 because nobody says where it begins."""
    configure(shop, REACH.replace(WEEK, '{ type = "lifetime" }').replace('"date", ', ""))
    assert shop.load().code == 0
    for days in (1, 40):
        sandbox.move_to(days_until(NOW, days))
        assert shop.load(now=days_until(NOW, days)).code == 0
    [(run, rows)] = landed(shop, report_named(sandbox, "Reach by campaign and day")).items()
    assert rows == rows_of(sandbox, run)
    found = shop.ask(
        "SELECT slice_start::DATE::VARCHAR, slice_end::DATE::VARCHAR, final FROM meta.slices "
        "WHERE table_name = 'attribution_rows'"
    )
    assert found == [("1970-01-01", "2026-12-30", False)]


def test_absolute_days_are_final_when_they_have_settled(shop: Shop, sandbox: Sandbox) -> None:
    """Read 28 days after their end they are final, and nothing of the report is asked any more."""
    configure(shop, MTA)
    assert shop.load().code == 0
    for days in (13, 14):
        sandbox.move_to(days_until(NOW, days))
        assert shop.load(now=days_until(NOW, days)).code == 0
    assert shop.ask("SELECT final FROM meta.slices WHERE table_name = 'attribution_rows'") == [(True,)]
    assert len(truth(sandbox)["report_runs"]) == 2


def test_schedules_are_made_and_changed_only_as_configured(shop: Shop, sandbox: Sandbox) -> None:
    """Without one nothing is scheduled; with one it is made once, and changed when it changes."""
    configure(shop, REACH)
    assert shop.load().code == 0
    assert truth(sandbox)["report_schedules"] == []
    scheduled = REACH.replace("[attribution.reports.definition]", f"{SCHEDULE}[attribution.reports.definition]")
    configure(shop, scheduled)
    assert shop.load(now=NOW + timedelta(hours=1)).code == 0
    [first] = truth(sandbox)["report_schedules"]
    assert first["recurrence_values"] == [1, 3]
    configure(shop, scheduled.replace("240", "1439"))
    assert shop.load(now=NOW + timedelta(hours=2)).code == 0
    [second] = truth(sandbox)["report_schedules"]
    assert (second["id"], second["minute_of_day"]) == (first["id"], 1439)
    assert shop.load(now=NOW + timedelta(hours=3)).json["api_calls"] == {}
    sandbox.move_to(days_until(NOW, 1))
    assert shop.load(now=days_until(NOW, 1)).code == 0
    assert [shown(row) for row in shop.rows("attribution_report_schedules")] == [second]


def test_filters_narrow_the_lists(shop: Shop, sandbox: Sandbox) -> None:
    """Campaigns by type and name, publishers and events by name, as the page's samples filter them."""
    by_name = '{ filter_strings = ["a"], string_query_type = "contains" }'
    more = f"""
campaign_filter_by = {{ types = ["display"], name_filter = {by_name} }}
publisher_filter_by = {{ name_filter = {by_name} }}
conversion_event_filter_by = {{ name_filter = {by_name} }}
"""
    configure(shop, "", more=more)
    assert shop.load().code == 0
    known = truth(sandbox)
    wanted = {c["id"] for c in known["campaigns"]["800"] if c["type"] == "display" and "a" in c["name"].lower()}
    assert {row["id"] for row in shop.rows("attribution_campaigns")} == wanted
    assert {row["name"] for row in shop.rows("attribution_conversion_events")} == {"Purchase", "Add to cart"}
    assert {row["name"] for row in shop.rows("attribution_publishers")} == {"Facebook", "Instagram"}


# ---- commands ----


def test_plan_status_and_drop(shop: Shop, sandbox: Sandbox) -> None:
    """A plan asks nobody; status knows the scopes; a drop forgets a line of business, and not the report at Meta."""
    configure(shop, REACH)
    plan = shop.run("plan", "--json", "--now", NOW.isoformat()).json
    assert {task["table"] for task in plan["tasks"]} == {"attribution_rows", *TABLES}
    assert sandbox.calls() == []
    assert shop.load().code == 0
    later = shop.run("plan", "--json", "--offline", "--now", (NOW + timedelta(hours=1)).isoformat()).json
    assert later["slices"] == 0
    report = report_named(sandbox, "Reach by campaign and day")
    status = shop.run("status", "--json", "--account", "800", "--now", NOW.isoformat()).json
    assert {group["scope"] for group in status["tables"]} == {"800", f"800/{report}"}
    assert shop.run("drop", "--account", "800", "--yes", "--now", NOW.isoformat()).code == 0
    assert shop.ask("SELECT count(*) FROM attribution_rows") == [(0,)]
    assert list((shop.lake / "attribution_rows").rglob("*.parquet")) == []
    ended = shop.load(now=NOW + timedelta(hours=1))
    assert ended.code == 0, ended.err
    assert names(sandbox) == ["Reach by campaign and day"]
    [(run, rows)] = landed(shop, report).items()
    assert rows == rows_of(sandbox, run)


def test_a_warehouse_built_whole_from_the_lake_has_the_same_views(shop: Shop, sandbox: Sandbox) -> None:
    """The views follow from what has landed: nothing else has to remember which reports there are."""
    configure(shop, REACH + MTA)
    assert shop.load().code == 0
    views = "SELECT view_name, sql FROM duckdb_views() WHERE NOT internal ORDER BY ALL"
    before = shop.ask(views)
    assert len([name for name, _ in before if name.startswith("attribution_rows_")]) == 2
    shop.warehouse.unlink()
    assert shop.run("publish", "--now", (NOW + timedelta(hours=1)).isoformat()).code == 0
    assert shop.ask(views) == before
    for name in ("Reach by campaign and day", "Conversions by device"):
        [(run, rows)] = landed(shop, report_named(sandbox, name)).items()
        assert rows == rows_of(sandbox, run)


def test_a_ledger_that_is_lost_is_rebuilt_from_the_lake(shop: Shop, sandbox: Sandbox) -> None:
    """Slices and rows come back from the footers; the report is known again by its name, and none is made."""
    configure(shop, REACH)
    assert shop.load().code == 0
    at = ("--now", (NOW + timedelta(hours=1)).isoformat())
    for path in (shop.folder / "data" / "state").glob("ledger.sqlite*"):
        path.unlink()
    ended = shop.run("rebuild", "--ledger", *at)
    assert ended.code == 0, ended.err
    report = report_named(sandbox, "Reach by campaign and day")
    [(run, rows)] = landed(shop, report).items()
    assert rows == rows_of(sandbox, run)
    assert shop.run("verify", *at).code == 0
    ended = shop.load(now=NOW + timedelta(hours=1))
    assert ended.code == 0, ended.err
    assert names(sandbox) == ["Reach by campaign and day"]
    assert len(truth(sandbox)["report_runs"]) == 1


def test_a_choice_of_tables_asks_for_no_more(shop: Shop, sandbox: Sandbox) -> None:
    """`--table attribution_campaigns` lists campaigns and makes nothing at Meta."""
    configure(shop, REACH)
    ended = shop.load("--table", "attribution_campaigns")
    assert ended.code == 0, ended.err
    assert list(ended.json["rows"]) == ["attribution_campaigns"]
    assert names(sandbox) == []


def test_it_is_off_unless_configured(shop: Shop, sandbox: Sandbox) -> None:
    """Without the section nothing of it is asked, and no table of it is there."""
    shop.configure(accounts=["111"], objects="")
    assert shop.load().code == 0
    ours = {"800", "801"}
    assert not [call for call in sandbox.calls() if call["path"].split("/")[1] in ours]
    assert shop.ask("SELECT count(*) FROM duckdb_tables() WHERE table_name LIKE 'attribution%'") == [(0,)]
