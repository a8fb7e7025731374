"""A past range, newest first; stopped and gone on with; asked again when that is wanted."""

import sqlite3
from datetime import date, datetime, timedelta

from schemas.ads_insights import tables_of
from schemas.reports import Report
from tests.acceptance.comparing import as_found, expected_facts, keyed
from tests.acceptance.conftest import NOW, Sandbox, Shop

REPORT = Report("ads_insights", "ad", action_attribution_windows=("1d_click", "7d_click", "1d_view"))

RANGE = ("--since", "2026-10-01", "--until", "2026-10-20")
AT = ("--json", "--now", NOW.isoformat())
WIDER = """
[[ads_insights.reports]]
name = "ads_insights"
level = "ad"
fields = ["impressions", "spend", "clicks"]
"""
NARROW = WIDER.replace(', "clicks"', "")


def asked_days(sandbox: Sandbox) -> list[date]:
    """The first day of each report run, in the order of submission."""
    return [date.fromisoformat(run["date_start"]) for run in sandbox.get("runs")["runs"]]


def questions(sandbox: Sandbox) -> list[str]:
    """The paths of what was asked for rows."""
    return [call["path"] for call in sandbox.calls() if call["op"] in {"submit", "sync"}]


def landed_days(shop: Shop) -> set[tuple[str, date]]:
    """Account and day of every slice that the ledger knows to have landed."""
    with sqlite3.connect(shop.folder / "data" / "state" / "ledger.sqlite") as ledger:
        rows = ledger.execute("SELECT scope, slice_start FROM slices WHERE as_of IS NOT NULL").fetchall()
    return {(scope, datetime.fromisoformat(start).date()) for scope, start in rows}


def test_a_range_before_since_is_loaded_and_equals_the_truth(shop: Shop, sandbox: Sandbox) -> None:
    """Days that the configuration does not ask for; objects are left to the load."""
    shop.configure(accounts=["111"])
    done = shop.run("backfill", *RANGE, *AT)
    assert (done.code, done.json["slices"]["failed"]) == (0, 0)
    assert shop.ask("SELECT min(slice_start)::DATE, max(slice_start)::DATE, count(*) FROM meta.slices") == [
        (date(2026, 10, 1), date(2026, 10, 20), 20)
    ]
    days = {"since": "2026-10-01", "until": "2026-10-20"}
    table = tables_of(REPORT).facts
    truth = sandbox.insights("111", NOW, **REPORT.parameters(), time_range=days)
    found = keyed((as_found(row, table) for row in shop.rows("ads_insights")), table)
    assert keyed(expected_facts(REPORT, truth), table) == found
    assert shop.ask("SELECT command, outcome FROM meta.runs") == [("backfill", "complete")]


def test_newest_first(shop: Shop, sandbox: Sandbox) -> None:
    """Of ninety days the last come first, so that what is wanted most is there first."""
    shop.configure(accounts=["111"])
    assert shop.run("backfill", "--since", "2026-08-01", "--until", "2026-10-29", *AT).code == 0
    days = asked_days(sandbox)
    assert len(days) == 3
    assert days == sorted(days, reverse=True)


def test_a_backfill_that_was_killed_asks_no_day_twice_that_had_landed(shop: Shop, sandbox: Sandbox) -> None:
    """Killed after its first landing, and run again: the rest is asked, and nothing else."""
    shop.configure(accounts=["111", "222"])
    wide = ("--since", "2026-08-01", "--until", "2026-10-29")
    assert shop.dying("landing.landed", 2, "backfill", *wide, *AT) == -9
    landed = landed_days(shop)
    assert landed
    sandbox.forget_calls()
    before = len(sandbox.get("runs")["runs"])
    done = shop.run("backfill", *wide, *AT)
    assert done.code == 0
    again = [
        (run["account_id"], date.fromisoformat(run["date_start"]) + timedelta(days=n))
        for run in sandbox.get("runs")["runs"][before:]
        for n in range((date.fromisoformat(run["date_stop"]) - date.fromisoformat(run["date_start"])).days + 1)
    ]
    assert not landed & set(again)
    assert shop.ask(
        "SELECT count(*), count(DISTINCT (scope, slice_start)) FROM meta.slices WHERE state <> 'failed'"
    ) == [(180, 180)]


def test_a_second_backfill_sends_nothing(shop: Shop, sandbox: Sandbox) -> None:
    """What landed on this day is not asked again."""
    shop.configure(accounts=["111"])
    assert shop.run("backfill", *RANGE, *AT).code == 0
    sandbox.forget_calls()
    assert shop.run("backfill", *RANGE, *AT).code == 0
    assert sandbox.calls() == []


def test_force_asks_what_is_final_and_goes_on_where_it_was_stopped(shop: Shop, sandbox: Sandbox) -> None:
    """A forced one asks everything once, over a kill; when it has ended, the next forced one begins anew."""
    shop.configure(accounts=["111"])
    final = ("--since", "2026-07-01", "--until", "2026-09-20", "--json", "--now")
    at = [(NOW + timedelta(hours=hour)).isoformat() for hour in range(4)]
    assert shop.run("backfill", *final, at[0]).code == 0
    assert shop.ask("SELECT count(*) FROM meta.slices WHERE final") == [(82,)]
    assert shop.dying("slices.landed", 1, "backfill", "--force", *final, at[1]) == -9
    sandbox.forget_calls()
    assert shop.run("backfill", "--force", *final, at[2]).code == 0
    assert len(questions(sandbox)) < 3
    sandbox.forget_calls()
    assert shop.run("backfill", "--force", *final, at[3]).code == 0
    assert len(questions(sandbox)) == 3


def test_new_columns_are_filled_by_a_backfill(shop: Shop) -> None:
    """A field that is configured later is NULL in days that are final, until a backfill goes over them."""
    shop.configure(accounts=["111"], since=date(2026, 9, 1), reports=NARROW, objects="")
    assert shop.load("--until", "2026-09-10").code == 0
    shop.configure(accounts=["111"], since=date(2026, 9, 1), reports=WIDER, objects="")
    assert shop.load("--until", "2026-09-10").code == 0
    assert shop.ask("SELECT count(clicks), count(*) > 0 FROM ads_insights") == [(0, True)]
    done = shop.run("backfill", "--since", "2026-09-01", "--until", "2026-09-10", *AT)
    assert (done.code, done.json["slices"]["landed"]) == (0, 10)
    assert shop.ask("SELECT count(*) FROM ads_insights WHERE clicks IS NULL") == [(0,)]


def test_a_range_needs_both_ends(shop: Shop) -> None:
    """Without them it is refused, and says how it is typed."""
    shop.configure(accounts=["111"])
    done = shop.run("backfill", "--since", "2026-10-01")
    assert done.code == 2
    assert "--since D --until D" in done.err
