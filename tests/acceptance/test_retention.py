"""What Meta no longer keeps is not asked, and said; what it keeps only in part is landed with the hole named."""

from datetime import date

from tests.acceptance.conftest import Sandbox, Shop

HOURLY = """
[[ads_insights.reports]]
name = "by_hour"
level = "campaign"
fields = ["impressions", "spend"]
breakdowns = ["hourly_stats_aggregated_by_advertiser_time_zone"]
"""
PEOPLE = """
[[ads_insights.reports]]
name = "by_people"
level = "campaign"
fields = ["impressions", "reach", "spend"]
breakdowns = ["age", "gender"]
"""
PLAIN = """
[[ads_insights.reports]]
name = "plain"
level = "account"
fields = ["impressions", "spend"]
"""


def test_days_before_37_months_are_skipped_and_say_why(shop: Shop, sandbox: Sandbox) -> None:
    """The first of them is never asked; the load is complete all the same, and a second one is quiet."""
    shop.configure(accounts=["111"], since=date(2023, 10, 15), reports=PLAIN, objects="")
    ended = shop.load("--until", "2023-10-24")
    assert (ended.code, ended.json["slices"]["skipped"], ended.json["failures"]) == (0, 5, [])
    assert sandbox.get("runs")["runs"][0]["date_start"] == "2023-10-20"
    skipped = "SELECT max(slice_start)::DATE, any_value(reason) FROM meta.slices WHERE state = 'skipped'"
    assert shop.ask(skipped) == [(date(2023, 10, 19), "older than the 37 months that Meta keeps of this report")]
    sandbox.forget_calls()
    again = shop.load("--until", "2023-10-24")
    assert (again.code, again.json["slices"]["skipped"], sandbox.calls()) == (0, 0, [])


def test_a_plan_says_what_it_leaves_out(shop: Shop) -> None:
    """Hourly reports are kept for thirteen months."""
    shop.configure(accounts=["111"], since=date(2025, 10, 1), reports=HOURLY, objects="")
    found = shop.run("plan", "--json", "--now", "2026-11-20T14:00:00Z").json
    assert [(left["until"], left["slices"]) for left in found["left_out"]] == [("2025-10-19", 19)]
    assert min(task["since"] for task in found["tasks"]) == "2025-10-20"
    words = shop.run("plan", "--now", "2026-11-20T14:00:00Z").out
    assert "not asked: older than the 13 months that Meta keeps of this report" in words


def test_a_period_that_begins_too_early_is_asked_from_where_meta_has_it(shop: Shop, sandbox: Sandbox) -> None:
    """A month of which Meta has some days lands with these, and its reason names the others."""
    monthly = PLAIN.replace('name = "plain"', 'name = "monthly"\ntime_increment = "monthly"')
    shop.configure(accounts=["111"], since=date(2023, 9, 1), reports=monthly, objects="")
    assert shop.load("--until", "2023-11-30").code == 0
    assert min(run["date_start"] for run in sandbox.get("runs")["runs"]) == "2023-10-20"
    found = shop.ask("SELECT slice_start::DATE, state, reason FROM meta.slices ORDER BY 1")
    assert [row[:2] for row in found][:2] == [(date(2023, 9, 1), "skipped"), (date(2023, 10, 1), "partial")]
    assert found[1][2] == "days before 2023-10-20 are older than the 37 months that Meta keeps of this report"


def test_unique_counts_of_old_days_are_a_named_hole_and_never_taken_from_younger_days(
    shop: Shop, sandbox: Sandbox
) -> None:
    """Days older than thirteen months are asked apart: in one question they would take `reach` from all."""
    shop.configure(accounts=["111"], since=date(2025, 10, 10), reports=PEOPLE, objects="")
    assert shop.load("--until", "2025-10-29").code == 0
    spans = {(run["date_start"], run["date_stop"]) for run in sandbox.get("runs")["runs"]}
    assert spans == {("2025-10-10", "2025-10-19"), ("2025-10-20", "2025-10-29")}
    reach = "SELECT count(reach), count(*) > 0 FROM by_people WHERE date_start {} '2025-10-20'"
    assert shop.ask(reach.format("<")) == [(0, True)]
    assert shop.ask("SELECT count(*) FROM by_people WHERE date_start >= '2025-10-20' AND reach IS NULL") == [(0,)]
    states = "SELECT state, any_value(reason), count(*) FROM meta.slices WHERE slice_start < '2025-10-20' GROUP BY 1"
    reason = "reach: with a breakdown Meta keeps these for 13 months only"
    assert shop.ask(states) == [("partial", reason, 10)]
