"""What people type and script: answers, exit codes and help of each command."""

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from tests.acceptance.conftest import NOW, Ended, Sandbox, Shop, running_sandbox

WHEN = ("--now", NOW.isoformat())
PEOPLE = '[[ads_insights.reports]]\nname = "people"\nlevel = "campaign"\nbreakdowns = ["age"]\n'
ADS = '[[ads_insights.reports]]\nname = "ads_insights"\nlevel = "ad"\n'


@pytest.fixture(scope="module")
def server() -> Iterator[Sandbox]:
    with running_sandbox("--size", "small") as found:
        yield found


@pytest.fixture(scope="module")
def first(tmp_path_factory: pytest.TempPathFactory, server: Sandbox) -> tuple[Shop, Ended]:
    """A store of two reports and one table of objects, and how its load ended; read-only for the tests."""
    shop = Shop(tmp_path_factory.mktemp("first"), server.url)
    _configure(shop)
    return shop, shop.load()


@pytest.fixture
def shop(tmp_path: Path, first: tuple[Shop, Ended]) -> Shop:
    """A copy of the store, to be written."""
    found = Shop(tmp_path, first[0].url)
    _configure(found)
    shutil.copytree(first[0].folder / "data", tmp_path / "data", copy_function=shutil.copy2)
    return found


def _configure(shop: Shop, *, reports: str = ADS + PEOPLE, accounts: tuple[str, ...] = ("111", "222")) -> None:
    objects = '[ad_objects]\ntables = ["campaigns"]'
    shop.configure(accounts=accounts, since=date(2026, 11, 18), reports=reports, objects=objects)


def tables_in(shop: Shop) -> set[str]:
    return {row[0] for row in shop.ask("SELECT table_name FROM duckdb_tables() WHERE schema_name = 'main'")}


def test_load_prints_one_document(first: tuple[Shop, Ended]) -> None:
    """`load --json` prints exactly one JSON document with everything that scripts were promised; logs go to stderr."""
    shop, ended = first
    found: dict[str, Any] = ended.json
    assert ended.code == 0
    assert found.keys() >= {
        "run_id",
        "started_at",
        "finished_at",
        "slices",
        "rows",
        "api_calls",
        "throttled_responses",
        "seconds_waited",
        "quarantined_rows",
        "failures",
    }
    assert found["slices"].keys() >= {"landed", "failed", "empty", "skipped"}
    assert (found["slices"]["landed"], found["slices"]["failed"], found["failures"]) == (10, 0, [])
    assert found["rows"] == {name: shop.ask(f"SELECT count(*) FROM {name}")[0][0] for name in sorted(found["rows"])}
    assert {json.loads(line)["event"] for line in ended.err.splitlines()} >= {"plan.made", "publish.done"}


def test_a_failure_has_what_a_script_needs(shop: Shop, server: Sandbox) -> None:
    """Each entry of `failures` names table, scope, slice, error, codes, trace and remedy."""
    server.script({"match": {"path": "333"}, "times": None, "do": {"fault": "100/3191001"}})
    _configure(shop, accounts=("111", "333"))
    ended = shop.load()
    server.script()
    assert ended.code == 1
    for failure in ended.json["failures"]:
        assert failure.keys() >= {"table", "scope", "slice", "error", "code", "subcode", "fbtrace_id", "remedy"}
        assert (failure["scope"], failure["code"]) == ("333", 100)


def test_plan_says_what_is_due_and_why(shop: Shop) -> None:
    """Before the first load everything was never asked; after it nothing is due; one more day is."""
    after = shop.run("plan", "--json", *WHEN)
    assert (after.code, after.json["slices"], after.json["calls"], after.json["tasks"]) == (0, 0, 0, [])
    assert shop.run("plan", *WHEN).out == "0 slices are due at 2026-11-20T14:00 UTC, about 0 calls\n"
    shutil.rmtree(shop.folder / "data")
    before = shop.run("plan", "--json", *WHEN, "--table", "ads_insights", "--account", "act_111").json
    ((task,), slices) = before["tasks"], before["slices"]
    assert (slices, task["table"], task["scope"], task["since"], task["until"], task["why"]) == (
        2,
        "ads_insights",
        "111",
        "2026-11-18",
        "2026-11-19",
        ["never asked"],
    )
    assert not (shop.folder / "data").exists()


def test_plan_and_load_say_what_a_report_will_not_give(shop: Shop) -> None:
    """Legal and less than one may think: in a note beside the plan, and in the log of the load."""
    _configure(shop, reports=ADS + PEOPLE.replace('"people"', '"regions"').replace('"age"', '"region"'))
    says = 'breakdowns: "region" leaves out actions that happened outside Meta'
    assert shop.run("plan", "--json", *WHEN).json["remarks"] == [{"report": "regions", "remark": says}]
    assert f"  note on regions: {says}\n" in shop.run("plan", *WHEN).out
    told = [event for event in map(json.loads, shop.load().err.splitlines()) if event["event"] == "report.remark"]
    assert [(event["report"], event["because"]) for event in told] == [("regions", says)]


def test_plan_knows_an_account_that_was_configured_since(shop: Shop) -> None:
    """An account that the store does not know yet is asked for its zone and planned; nothing is kept."""
    _configure(shop, accounts=("111", "222", "333"))
    assert {task["scope"] for task in shop.run("plan", "--json", *WHEN).json["tasks"]} == {"333"}
    assert shop.run("plan", "--json", "--offline", *WHEN).json["tasks"] == []


def test_status_shows_what_is_there_and_what_is_no_longer_loaded(shop: Shop) -> None:
    """A table taken out of the configuration keeps its line, marked."""
    _configure(shop, reports=ADS)
    found = shop.run("status", "--json", *WHEN).json
    assert found.keys() >= {"store", "born", "writing", "published", "tables", "closed_quotas"}
    assert {(group["table"], group["loaded"]) for group in found["tables"]} == {
        ("ads_insights", True),
        ("campaigns", True),
        ("people", False),
    }
    lines = shop.run("status", *WHEN).out.splitlines()
    assert [line.endswith("(no longer loaded)") for line in lines if line.startswith("people ")] == [True, True]
    unknown = shop.run("status", *WHEN, "--account", "999")
    assert (unknown.code, unknown.out, unknown.err) == (
        2,
        "",
        "--account 999: the store knows no such account; there are 111, 222\n",
    )
    rows = [line for line in lines if line.startswith(("ads_insights ", "campaigns ", "people "))]
    assert len({len(line.split("  (no")[0]) for line in rows}) == 1  # the columns stand below each other


def test_query_answers_and_refuses_to_write(shop: Shop) -> None:
    """SQL is answered exactly, as a table or as JSON; a statement that writes is refused and changes nothing."""
    asked = shop.run("query", "--json", "SELECT 1.10::DECIMAL(18,6) AS spend, 'é' AS name, NULL AS nothing")
    assert asked.json == {"columns": ["spend", "name", "nothing"], "rows": [["1.100000", "é", None]]}
    assert shop.run("query", "SELECT 'ad' AS name, 12 AS clicks").out == "name  clicks\n----  ------\nad        12\n"
    wide = shop.run("query", "SELECT unnest(['価格', '🚀', 'ad']) AS name, unnest([1, 22, 333]) AS clicks").out
    assert wide == "name  clicks\n----  ------\n価格       1\n🚀        22\nad       333\n"
    for sql in ("DELETE FROM ads_insights", "CREATE TABLE mine (x INT)"):
        refused = shop.run("query", sql)
        assert (refused.code, refused.out) == (2, "")
        assert refused.err.startswith("query: Invalid Input Error: Cannot execute statement of type ")
    assert shop.run("query", "SELECT nothing_such FROM ads_insights").code == 2


def test_publish_says_what_the_warehouse_holds(shop: Shop) -> None:
    """`publish --json` is one document with the landing number and how many slices it applied."""
    ended = shop.run("publish", "--json", *WHEN)
    assert (ended.code, ended.json.keys()) == (0, {"number", "slices", "whole_because"})


def test_dropping_a_report_drops_all_its_tables_everywhere(shop: Shop) -> None:
    """The report's facts, actions and results leave lake, ledger and warehouse; everything else stays."""
    ended = shop.run("drop", "--table", "people", "--yes", "--json", *WHEN)
    assert (ended.code, ended.json["dropped"]) == (0, "table people")
    assert tables_in(shop) == {"ads_insights", "ads_insights_actions", "ads_insights_results", "campaigns"}
    assert [path.name for path in shop.lake.glob("people*")] == []
    assert shop.ask("SELECT DISTINCT table_name FROM meta.slices ORDER BY 1") == [("ads_insights",), ("campaigns",)]
    again = shop.run("drop", "--table", "people", "--yes", *WHEN)
    assert (again.code, again.err.splitlines()[-1]) == (
        2,
        "--table people: the store knows no such table; there are ads_insights, campaigns",
    )


def test_dropping_an_account_drops_its_rows_everywhere(shop: Shop) -> None:
    """The account's rows, files and slices are gone from every table; the other account's stay."""
    assert shop.run("drop", "--account", "act_222", "--yes", *WHEN).code == 0
    for table in sorted(tables_in(shop)):
        assert shop.ask(f"SELECT DISTINCT account_id FROM {table}") == [("111",)], table
    assert shop.ask("SELECT DISTINCT scope FROM meta.slices") == [("111",)]
    assert [path for path in shop.lake.rglob("*.parquet") if "account_id=222" in str(path)] == []
    again = shop.run("drop", "--account", "222", "--yes", *WHEN)
    assert (again.code, again.err.splitlines()[-1]) == (2, "--account 222: the store knows no such account")


def test_dropping_asks_first_and_wants_one_thing(shop: Shop) -> None:
    """Without `--yes` and without an answer nothing is dropped; two things at once are refused."""
    assert shop.run("drop", "--table", "people", *WHEN).code != 0
    assert "people" in tables_in(shop)
    assert shop.run("drop", "--table", "people", "--account", "111", "--yes", *WHEN).code == 2


def test_help_of_every_command_answers_at_once(tmp_path: Path) -> None:
    """`-h` works on each command and imports none of the heavy libraries."""
    script = """
import contextlib, io, sys
from pipeline.cli import insights, main
for name in sorted(insights.commands):
    said = io.StringIO()
    with contextlib.redirect_stdout(said):
        try:
            main([name, "-h"]) if name != "sandbox" else None
        except SystemExit as end:
            assert not end.code, name
    assert name == "sandbox" or said.getvalue().startswith("Usage: "), name
heavy = {"duckdb", "pyarrow", "polars", "aiohttp", "pydantic"} & set(sys.modules)
print(sorted(insights.commands), sorted(heavy))
"""
    shop = Shop(tmp_path, "")
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, env=shop.env(), check=False)
    assert (done.returncode, done.stderr) == (0, "")
    names, heavy = done.stdout.strip().split("] ")
    assert heavy == "[]"
    assert {"demo", "drop", "load", "plan", "publish", "query", "sandbox", "status"} <= set(
        names.strip("[").replace("'", "").split(", ")
    )


def test_the_sandbox_shows_its_options(tmp_path: Path) -> None:
    """`insights sandbox -h` shows the options of the sandbox."""
    ended = Shop(tmp_path, "").run("sandbox", "-h")
    assert (ended.code, ended.out.splitlines()[0].endswith("[OPTIONS]"), "--scenario" in ended.out) == (0, True, True)


def test_the_demo_answers_from_sql(tmp_path: Path) -> None:
    """`insights demo` needs nothing, loads everything and answers its questions, exit 0."""
    shop = Shop(tmp_path, "", environment={})
    ended = shop.run("demo", "--root", str(tmp_path / "demo"))
    assert ended.code == 0, ended.err
    assert "0 failed" in ended.out
    begin = ("Spend and", "The ads with", "What the app", "Is it ")
    questions = [line for line in ended.out.splitlines() if line.startswith(begin)]
    assert len(questions) == len(begin)
    assert (tmp_path / "demo" / "warehouse.duckdb").exists()
