"""What goes wrong in Advanced Attribution stays where it is: runs again, parts, or one plain failure; never a loss."""

import json
import urllib.request
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest

from tests.acceptance.attributing import MTA, REACH, configure, landed, names, report_named, rows_of, truth
from tests.acceptance.conftest import NOW, TOKEN, Sandbox, Shop, days_until, running_sandbox

NAME = "Reach by campaign and day"
STARTS = {"op": "create", "path": "/report_runs$"}
OF_RUN = {"op": "file", "path": "/data$"}
OF_FILE = {"op": "file", "path": "/sandbox/attribution/files/"}


def failures(ended: Any) -> list[dict[str, Any]]:
    """What a load says of its failures."""
    found: list[dict[str, Any]] = ended.json["failures"]
    return found


def assert_whole(shop: Shop, sandbox: Sandbox, runs: int = 1) -> None:
    """The report's rows are those of so many runs."""
    found = landed(shop, report_named(sandbox, NAME))
    assert len(found) == runs
    assert all(rows == rows_of(sandbox, run) for run, rows in found.items())


# ---- runs that end otherwise ----


def test_an_error_is_run_again(shop: Shop, sandbox: Sandbox) -> None:
    """Twice an error, then a good run: the report lands."""
    sandbox.script({"match": STARTS, "times": 2, "do": {"run_status": "error"}})
    configure(shop)
    ended = shop.load()
    assert ended.code == 0, ended.err
    assert_whole(shop, sandbox)
    assert [run["status"] for run in truth(sandbox)["report_runs"]] == ["error", "error", "completed"]


def test_three_errors_are_a_failure_that_stays_due(shop: Shop, sandbox: Sandbox) -> None:
    """The slice says why; the next load asks again, lists are not touched by it."""
    sandbox.script({"match": STARTS, "times": 3, "do": {"run_status": "error"}})
    configure(shop)
    ended = shop.load()
    assert ended.code == 1
    [failure] = failures(ended)
    assert "3 report runs ended as error" in failure["error"]
    assert shop.ask("SELECT state FROM meta.slices WHERE table_name = 'attribution_rows'") == [("failed",)]
    assert shop.ask("SELECT count(*) FROM attribution_campaigns") == [(5,)]
    ended = shop.load(now=NOW + timedelta(minutes=5))
    assert ended.code == 0, ended.err
    assert_whole(shop, sandbox)


def test_a_run_that_outlasts_the_load_is_adopted_by_the_next(tmp_path: Path) -> None:
    """The load gives up in time and says so; the run's id was committed, so the next load takes its file."""
    with running_sandbox("--size", "small", "--run-seconds", "7200") as sandbox:
        shop = Shop(tmp_path, sandbox.url)
        configure(shop, pace="give_up_after_minutes = 20")
        ended = shop.load()
        assert ended.code == 1
        assert len(truth(sandbox)["report_runs"]) == 1
        configure(shop)
        sandbox.move_to(NOW + timedelta(hours=3))
        ended = shop.load(now=NOW + timedelta(hours=3))
        assert ended.code == 0, ended.err
        assert len(truth(sandbox)["report_runs"]) == 1
        assert_whole(shop, sandbox)


@pytest.mark.parametrize(("limits", "first"), [({"rows": 20}, "size_exceeded"), ({"days": 3}, "timeout")])
def test_too_much_is_divided_until_it_fits(shop: Shop, sandbox: Sandbox, limits: dict[str, int], first: str) -> None:
    """Too many rows by campaigns, too many days by days: the parts' rows are the whole's, and stay so the next day."""
    configure(shop)
    other = Shop(shop.folder / "whole", sandbox.url)
    other.folder.mkdir()
    configure(other)
    assert other.load().code == 0
    [(_, whole)] = landed(other, report_named(sandbox, NAME)).items()
    sandbox.post("attribution/limits", limits)
    ended = shop.load()
    assert ended.code == 0, ended.err
    parts = landed(shop, report_named(sandbox, NAME))
    assert len(parts) > 1
    assert ordered(row for rows in parts.values() for row in rows) == ordered(whole)
    assert first in {run["status"] for run in truth(sandbox)["report_runs"]}
    made = names(sandbox)
    assert len(made) == len(set(made))
    assert all(name == NAME or name.startswith(f"{NAME} [part ") for name in made)
    sandbox.move_to(days_until(NOW, 1))
    before = len(truth(sandbox)["report_runs"])
    assert shop.load(now=days_until(NOW, 1)).code == 0
    assert names(sandbox) == made
    again = truth(sandbox)["report_runs"][before:]
    assert len(again) == len(parts)
    assert {run["status"] for run in again} == {"completed"}


def ordered(rows: Any) -> list[str]:
    """Rows in a form that compares without their order."""
    return sorted(json.dumps(row, sort_keys=True) for row in rows)


@pytest.mark.parametrize("fate", ["timeout", "size_exceeded"])
def test_what_cannot_be_divided_fails_with_its_reason(shop: Shop, sandbox: Sandbox, fate: str) -> None:
    """Rows by device tell neither campaigns nor days apart: no part of them could be added up."""
    sandbox.script({"match": STARTS, "times": None, "do": {"run_status": fate}})
    configure(shop, REACH.replace('"campaign_id", "date"', '"device_type"'))
    ended = shop.load()
    assert ended.code == 1
    [failure] = failures(ended)
    assert fate in failure["error"]
    assert "neither campaigns nor days apart" in failure["error"]
    assert names(sandbox) == [NAME]


def test_somebody_elses_report_is_not_divided(shop: Shop, sandbox: Sandbox) -> None:
    """Without a configured report nothing is made at Meta, parts least of all."""
    configure(shop)
    assert shop.load().code == 0
    other = Shop(shop.folder / "other", sandbox.url)
    other.folder.mkdir()
    configure(other, "")
    sandbox.post("attribution/limits", {"rows": 20})
    ended = other.load()
    assert ended.code == 1
    assert "only reports that are configured here are divided" in failures(ended)[0]["error"]
    assert names(sandbox) == [NAME]


# ---- replies that are lost ----


@pytest.mark.parametrize("edge", ["reports", "report_runs"])
def test_a_creation_whose_reply_is_lost_is_not_repeated(shop: Shop, sandbox: Sandbox, edge: str) -> None:
    """Meta made it and the connection broke: it is looked for, found, and not made again."""
    sandbox.script({"match": {"op": "create", "path": f"/{edge}$"}, "do": {"cut": 5}})
    configure(shop)
    ended = shop.load()
    assert ended.code == 0, ended.err
    assert names(sandbox) == [NAME]
    assert len(truth(sandbox)["report_runs"]) == 1
    assert_whole(shop, sandbox)


@pytest.mark.parametrize("edge", ["reports", "report_runs"])
def test_a_creation_that_failed_is_sent_again(shop: Shop, sandbox: Sandbox, edge: str) -> None:
    """A passing fault made nothing, so that it is sent once more."""
    sandbox.script({"match": {"op": "create", "path": f"/{edge}$"}, "do": {"fault": "2"}})
    configure(shop)
    ended = shop.load()
    assert ended.code == 0, ended.err
    assert names(sandbox) == [NAME]
    assert_whole(shop, sandbox)


# ---- files ----


@pytest.mark.parametrize(
    "rule",
    [
        {"match": OF_FILE, "do": {"reply": {"status": 403, "body": "expired"}}},
        {"match": OF_FILE, "do": {"cut": 100}},
        {"match": OF_FILE, "do": {"reply": {"status": 503, "body": "later"}}},
        {"match": OF_RUN, "do": {"fault": "2"}},
    ],
    ids=["expired", "cut", "unavailable", "fault"],
)
def test_a_file_that_cannot_be_fetched_is_asked_for_again(shop: Shop, sandbox: Sandbox, rule: dict[str, Any]) -> None:
    """A new address of the same run: it costs no run, and no token goes along."""
    sandbox.script(rule)
    configure(shop)
    ended = shop.load()
    assert ended.code == 0, ended.err
    assert_whole(shop, sandbox)
    assert len(truth(sandbox)["report_runs"]) == 1
    assert not [entry for entry in sandbox.get("attribution/downloads")["downloads"] if entry["token"]]


def test_a_file_that_never_comes_is_a_failure_without_its_address(shop: Shop, sandbox: Sandbox) -> None:
    """The run stays adopted for the next load; the signed address stands nowhere."""
    sandbox.script({"match": OF_FILE, "times": 3, "do": {"reply": {"status": 403, "body": "expired"}}})
    configure(shop)
    ended = shop.load()
    assert ended.code == 1
    assert "HTTP 403" in failures(ended)[0]["error"]
    for text in (ended.out, ended.err):
        assert "sig=" not in text
        assert "/files/" not in text
        assert TOKEN not in text
    assert shop.load(now=NOW + timedelta(minutes=5)).code == 0
    assert_whole(shop, sandbox)
    assert len(truth(sandbox)["report_runs"]) == 1


@pytest.mark.parametrize("body", ["<html>", '"text"', '{"data": 1}', "PK nothing"])
def test_a_file_that_is_none_is_a_failure(shop: Shop, sandbox: Sandbox, body: str) -> None:
    """Neither a list nor a workbook: it is said, the slice keeps what it had, and another run is asked for."""
    configure(shop)
    assert shop.load().code == 0
    before = landed(shop, report_named(sandbox, NAME))
    sandbox.move_to(days_until(NOW, 1))
    sandbox.script({"match": OF_FILE, "times": None, "do": {"reply": {"status": 200, "body": body}}})
    ended = shop.load(now=days_until(NOW, 1))
    assert ended.code == 1
    assert "cannot be read" in failures(ended)[0]["error"]
    assert landed(shop, report_named(sandbox, NAME)) == before
    sandbox.script()
    assert shop.load(now=days_until(NOW, 1) + timedelta(minutes=5)).code == 0
    assert_whole(shop, sandbox)
    assert len(truth(sandbox)["report_runs"]) == 3


def test_cells_and_rows_that_do_not_fit_are_kept_aside(shop: Shop, sandbox: Sandbox) -> None:
    """A figure that is none is NULL in the view, a seventh decimal is rounded, a row that is no object is kept."""
    rows = (
        '[{"campaign_id": "1", "date": "2026-11-31", "impressions": "n/a", "reach": 9007199254740993,'
        ' "net_media_cost": 1.2345675, "frequency": 0.1234567}, 5,'
        ' {"campaign_id": "2", "date": "2026-11-30", "impressions": null, "more": {"a": [1.50]}}]'
    )
    sandbox.script({"match": OF_FILE, "do": {"reply": {"status": 200, "body": rows}}})
    configure(shop)
    ended = shop.load()
    assert ended.code == 0, ended.err
    report = report_named(sandbox, NAME)
    found = shop.ask(
        "SELECT campaign_id, date::VARCHAR, impressions::VARCHAR, reach::VARCHAR, net_media_cost::VARCHAR, "
        f"frequency::VARCHAR, more FROM attribution_rows_{report} ORDER BY row_number"
    )
    assert found == [
        ("1", None, None, "9007199254740993.000000", "1.234568", "0.123457", None),
        ("2", "2026-11-30", None, None, None, None, '{"a":[1.50]}'),
    ]
    aside = shop.ask("SELECT column_name, raw, reason FROM meta.quarantine ORDER BY ALL")
    assert aside == [
        ("date", "2026-11-31", "not a day"),
        ("impressions", "n/a", "not a number"),
        ("net_media_cost", "1.2345675", "rounded"),
        (None, "5", "not an object"),
    ]


# ---- what is refused ----


def test_columns_that_do_not_go_together_make_no_report(shop: Shop, sandbox: Sandbox) -> None:
    """Each is one failure that names the column and the nearest legal one; the other report and the lists land."""
    wrong = (
        REACH.replace(NAME, "Wrong")
        .replace('"reach"', '"reech"')
        .replace('"date"', '"campaign_name", "action_requests"')
    )
    configure(shop, wrong + REACH)
    ended = shop.load()
    assert ended.code == 1
    [failure] = failures(ended)
    assert "key = 'reech': there is no such column; did you mean 'reach'?" in failure["error"]
    assert "'campaign_name': cannot stand beside 'action_requests'" in failure["error"]
    assert failure["scope"] == "800"
    assert names(sandbox) == [NAME]
    assert_whole(shop, sandbox)


def test_an_api_that_is_gone_is_said_plainly_and_disturbs_nobody(shop: Shop, sandbox: Sandbox) -> None:
    """One failure in plain words; ads insights land beside it."""
    sandbox.post("attribution/retire", {"retired": True})
    shop.configure(accounts=["111"], objects="", more='[attribution]\nline_of_business_ids = ["800"]\n' + REACH)
    ended = shop.load()
    assert ended.code == 1
    [failure] = failures(ended)
    assert "Meta no longer answers Advanced Attribution for 800" in failure["error"]
    assert "take the line of business out of [attribution]" in failure["error"]
    assert shop.ask("SELECT count(*) > 0 FROM ads_insights") == [(True,)]
    sandbox.post("attribution/retire", {"retired": False})
    assert shop.load(now=NOW + timedelta(minutes=5)).code == 0
    assert_whole(shop, sandbox)


def test_a_line_of_business_that_is_not_ours_does_not_hinder_the_others(shop: Shop, sandbox: Sandbox) -> None:
    """Permission for one is refused: one failure, the other is loaded whole."""
    sandbox.script({"match": {"path": "^/801$"}, "times": None, "do": {"fault": "200"}})
    configure(shop, REACH, ("800", "801"))
    ended = shop.load()
    assert ended.code == 1
    [failure] = failures(ended)
    assert (failure["scope"], failure["code"], failure["remedy"]) == ("801", 200, "permission")
    assert_whole(shop, sandbox)


def test_a_permission_that_is_refused_for_all_ends_with_its_own_code(shop: Shop, sandbox: Sandbox) -> None:
    """Every line of business is refused: the whole family depends on that permission, so the exit code is 3."""
    sandbox.script({"match": {"path": "^/80[01]$"}, "times": None, "do": {"fault": "200"}})
    configure(shop, REACH, ("800", "801"))
    ended = shop.load()
    assert ended.code == 3
    assert [failure["scope"] for failure in failures(ended)] == ["800", "801"]


def test_a_refused_token_ends_with_its_own_code(shop: Shop, sandbox: Sandbox) -> None:
    """A token that a whole family depends on: exit code 3."""
    shop.environment = {"META_ACCESS_TOKEN": "sandbox-token-expired"}
    configure(shop)
    ended = shop.load()
    assert ended.code == 3
    assert names(sandbox) == []


def test_two_reports_of_one_name_are_not_guessed_between(shop: Shop, sandbox: Sandbox) -> None:
    """Somebody made two of the configured name: neither is touched, and it is said which they are."""
    configure(shop)
    other = Shop(shop.folder / "other", sandbox.url)
    other.folder.mkdir()
    configure(other, REACH.replace(NAME, "Second") + MTA)
    assert other.load().code == 0
    configure(other, REACH.replace(NAME, "Third"))
    assert other.load(now=NOW + timedelta(hours=1)).code == 0
    for report in truth(sandbox)["reports"]:
        if report["name"] in {"Second", "Third"}:
            rename(sandbox, report["id"], {**report, "name": NAME})
    ended = shop.load(now=NOW + timedelta(hours=2))
    assert ended.code == 1
    assert "several reports have this name" in failures(ended)[0]["error"]
    assert names(sandbox).count(NAME) == 2


def rename(sandbox: Sandbox, report: str, body: dict[str, Any]) -> None:
    """Changes a report as its owner would, by Graph's own call."""
    kept = {name: value for name, value in body.items() if name != "line"}
    form = urlencode({"access_token": TOKEN, "reports": json.dumps([{**kept, "id": report}])}).encode()
    with urllib.request.urlopen(urllib.request.Request(f"{sandbox.url}/v25.0/800/reports", form)) as reply:
        assert reply.status == 200
