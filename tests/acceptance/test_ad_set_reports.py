"""Ad-set reports are in the warehouse as Meta shows them: a row for each content beside each impression."""

import json
from datetime import datetime, timedelta
from typing import Any

import pytest

from tests.acceptance.adjacent_truth import CALM, labels, reported
from tests.acceptance.conftest import NOW, Sandbox, Shop

DAY = datetime(2026, 11, 16).date()  # noqa: DTZ001 - a day of Los Angeles
ONE_DAY = ("--since", str(DAY), "--until", str(DAY))
PLACEMENTS = ["facebook/feed", "facebook/reels", "instagram/feed", "instagram/reels"]
TABLE = "brand_safety_ad_set_impressions"
CONSTANT = {"assumed_time_zone", "fetched_at", "run_id"}


def ad_sets(sandbox: Sandbox, account: str = "111") -> list[str]:
    """The ad sets of an account that have ads, those with most of them first."""
    ads = [ad["adset_id"] for ad in sandbox.objects(account, "ad")]
    return sorted(set(ads), key=ads.count, reverse=True)


def configure(shop: Shop, owners: list[str], placements: list[str] | None = None) -> None:
    safety = f"[brand_safety]\nad_sets = {json.dumps(owners)}\nplacements = {json.dumps(placements or PLACEMENTS)}"
    shop.configure(accounts=("111",), since=DAY, objects="", more=f"{safety}\ncontent = false")


def loaded(shop: Shop) -> list[dict[str, Any]]:
    """The rows that landed, without their origin and without what is NULL."""
    return [
        {name: value for name, value in row.items() if value is not None and name not in CONSTANT}
        for row in shop.rows(TABLE)
    ]


def expected(sandbox: Sandbox, owner: str, placements: list[str], hours: list[str]) -> list[dict[str, Any]]:
    """The rows that must have landed, in the same form."""
    found = [row for placement in placements for row in reported(sandbox, owner, placement, hours)]
    return [{name: value for name, value in row.items() if value is not None} for row in found]


def ordered(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return sorted(rows, key=lambda row: (row["ad_set_id"], row["impression_id"], row["content_position"]))


def test_reports_equal_the_truth(shop: Shop, sandbox: Sandbox) -> None:
    """Every impression with each of its contents, value by value, for Facebook and Instagram; none is without a row."""
    sandbox.script(brand_safety={"shares": CALM})
    owner = ad_sets(sandbox)[0]
    configure(shop, [owner])
    assert shop.load(*ONE_DAY).code == 0
    rows = expected(sandbox, owner, PLACEMENTS, labels(DAY, DAY))
    assert len(rows) > 3000
    assert ordered(loaded(shop)) == ordered(rows)
    assert {"above", "below", ""} == {row["content_position"] for row in rows}
    lists = [call for call in sandbox.calls() if call["op"] == "safety_report"]
    assert {call["limit"] for call in lists} == {"5000"}
    assert len(lists) == len(PLACEMENTS) * 24


def test_what_landed_is_not_asked_again(shop: Shop, sandbox: Sandbox) -> None:
    """A load asks for hours that are missing or new, for none that landed; a missing one lands when it comes."""
    late = {"match": {"datetime": f"{DAY}T07:00"}, "arrives": "2026-11-20T20:00:00Z"}
    sandbox.script(brand_safety={"shares": CALM, "hours": [late]})
    owner = ad_sets(sandbox)[0]
    configure(shop, [owner], ["facebook/feed"])
    assert shop.load(*ONE_DAY).code == 0
    hours = labels(DAY, DAY)
    states = shop.ask(f"SELECT state FROM meta.slices WHERE table_name = '{TABLE}' AND slice_start = '{DAY} 07:00'")
    assert states == [("skipped",)]
    assert ordered(loaded(shop)) == ordered(expected(sandbox, owner, ["facebook/feed"], hours))
    plan = shop.run("plan", "--json", "--now", NOW.isoformat(), *ONE_DAY).json
    due = {entry["scope"]: entry["slices"] for entry in plan["tasks"] if entry["table"] == TABLE}
    assert due == {f"{owner}/facebook/feed": 1}
    sandbox.forget_calls()
    later = NOW + timedelta(hours=8)
    sandbox.move_to(later)
    assert shop.load(*ONE_DAY, now=later).code == 0
    assert sum(call["op"] == "safety_report" for call in sandbox.calls()) == 1
    assert ordered(loaded(shop)) == ordered(expected(sandbox, owner, ["facebook/feed"], hours))


def test_a_retired_report_is_one_clear_message(shop: Shop, sandbox: Sandbox) -> None:
    """Where Meta knows no such report, each ad set costs one call and says what to do; the rest of the load goes on."""
    retired = {"match": {"op": "safety_report"}, "times": None, "do": {"fault": "100/33"}}
    sandbox.script(retired, brand_safety={"shares": CALM})
    owners = ad_sets(sandbox)[:2]
    configure(shop, owners, ["facebook/feed"])
    ended = shop.load(*ONE_DAY)
    assert ended.code == 1
    assert "Traceback" not in ended.err
    assert all("retired ad-set reports" in failure["error"] for failure in ended.json["failures"])
    assert sum(call["op"] == "safety_report" for call in sandbox.calls()) <= 4 * len(owners)
    assert shop.rows("ads_insights")


def test_an_account_that_may_not_be_read(shop: Shop, sandbox: Sandbox) -> None:
    """An ad set whose account is not ours fails alone, at the cost of some calls; its sibling lands."""
    sandbox.script(brand_safety={"shares": CALM}, refused_accounts=["222"])
    mine, other = ad_sets(sandbox)[0], ad_sets(sandbox, "222")[0]
    configure(shop, [other, mine], ["facebook/feed"])
    ended = shop.load(*ONE_DAY)
    assert ended.code == 1
    assert {failure["scope"] for failure in ended.json["failures"]} == {f"{other}/facebook/feed"}
    assert ordered(loaded(shop)) == ordered(expected(sandbox, mine, ["facebook/feed"], labels(DAY, DAY)))


def test_an_app_without_the_capability(shop: Shop, sandbox: Sandbox) -> None:
    """The family fails with what to ask Meta for and exit code 3, at the cost of one call; ads insights land."""
    sandbox.script(brand_safety={"no_capability": ["*"]})
    configure(shop, ad_sets(sandbox)[:2])
    ended = shop.load(*ONE_DAY)
    assert ended.code == 3
    assert ["brand_safety_feed_verification" in failure["error"] for failure in ended.json["failures"]] == [True]
    assert [call["op"] for call in sandbox.calls() if call["op"].startswith("safety")] == ["safety_ranges"]
    assert shop.rows("ads_insights")


def test_a_dead_cursor_begins_the_hour_again(shop: Shop, sandbox: Sandbox) -> None:
    """A page whose cursor Meta no longer knows is no reason to lose or to repeat a row."""
    small = {"match": {"op": "safety_report"}, "times": 1, "do": {"fault": "1/reduce"}}
    dead = {"match": {"op": "safety_report", "page": 1}, "times": 1, "do": {"fault": "100/2349049"}}
    sandbox.script(*[small] * 8, dead, brand_safety={"shares": CALM})
    owner = ad_sets(sandbox)[0]
    configure(shop, [owner], ["facebook/feed"])
    assert shop.load(*ONE_DAY).code == 0
    assert any(call["code"] == 100 for call in sandbox.calls() if call["op"] == "safety_report")
    assert ordered(loaded(shop)) == ordered(expected(sandbox, owner, ["facebook/feed"], labels(DAY, DAY)))


def test_the_quota_is_waited_for(shop: Shop, sandbox: Sandbox) -> None:
    """After 80011 nothing is sent on the quota before its end, and then the load is completed."""
    full = {"match": {"op": "safety_report", "nth": 5}, "times": 1, "do": {"fault": "80011"}}
    sandbox.script(full, brand_safety={"shares": CALM})
    owner = ad_sets(sandbox)[0]
    configure(shop, [owner], ["facebook/feed"])
    ended = shop.load(*ONE_DAY)
    assert ended.code == 0
    assert ended.json["throttled_responses"] == 1
    assert ended.json["seconds_waited"] > 0
    assert ordered(loaded(shop)) == ordered(expected(sandbox, owner, ["facebook/feed"], labels(DAY, DAY)))


def test_a_load_that_gives_up(shop: Shop, sandbox: Sandbox) -> None:
    """What has landed when the time is over stays, the rest is due, and the next load makes the table whole."""
    sandbox.script(brand_safety={"shares": CALM})
    owner = ad_sets(sandbox)[0]
    configure(shop, [owner])
    whole = shop.config.read_text(encoding="utf-8")
    shop.config.write_text(whole.replace("[pace]", "[pace]\ngive_up_after_minutes = 1"), encoding="utf-8")
    assert shop.load("--table", TABLE, *ONE_DAY).code == 1
    rows = expected(sandbox, owner, PLACEMENTS, labels(DAY, DAY))
    assert len(loaded(shop)) < len(rows)
    shop.config.write_text(whole, encoding="utf-8")
    assert shop.load(*ONE_DAY).code == 0
    assert ordered(loaded(shop)) == ordered(rows)


@pytest.mark.parametrize("nth", [1, 9])
def test_killed_while_reading(shop: Shop, sandbox: Sandbox, nth: int) -> None:
    """A load that is killed after some hours landed loses none and shows none twice."""
    sandbox.script(brand_safety={"shares": CALM})
    owner = ad_sets(sandbox)[0]
    configure(shop, [owner], ["instagram/feed"])
    assert shop.dying_load("slices.landed", nth, "--table", TABLE, *ONE_DAY) < 0
    assert shop.load(*ONE_DAY).code == 0
    assert ordered(loaded(shop)) == ordered(expected(sandbox, owner, ["instagram/feed"], labels(DAY, DAY)))
