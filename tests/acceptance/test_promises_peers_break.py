"""What the known tools complain of (`peers.md`, section 2), each as a promise of ours that a test shows.

`SHOWN` names, for each complaint that concerns extraction, the tests that show it; those that stood nowhere else stand
here. 15 and 22 are also shown by the fault matrix: the retry budget of a whole load is `give_up_after_minutes`.
"""

import ast
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from pipeline.orders import Choice
from sandbox.loop import Loop
from sandbox.options import ServerOptions
from schemas.reports import Report
from tests.acceptance.one_loop import Stage, in_one_loop, staged
from tests.acceptance.one_loop import token as token  # noqa: PLC0414 - a fixture
from tests.acceptance.tiny import REPORT, SINCE, UNTIL, settings, world

TESTS = Path(__file__).parents[1]
SHOWN: Mapping[int, Sequence[str]] = {
    1: ("test_usage_is_learned_from_good_and_bad_answers", "test_a_throttled_poll_in_a_batch_closes_its_quota"),
    2: ("test_a_blocked_account_waits_and_the_others_go_on", "test_polls_that_fail_hold_up_no_other_account"),
    3: ("test_each_library_has_one_door", "test_usage_is_learned_from_each_part"),
    4: ("test_a_stuck_run_is_overtaken_by_smaller_ones", "test_runs_that_hang_are_not_submitted_again_and_again"),
    5: ("test_every_value_of_every_report_equals_the_truth", "test_report_tables_hold_together"),
    6: ("test_every_value_of_every_report_equals_the_truth",),
    7: ("test_a_day_too_large_is_divided_by_its_objects",),
    8: ("test_an_ad_that_always_fails_is_a_hole_until_it_is_answered", "test_one_field_of_one_ad_is_a_hole_of_its_own"),
    9: ("test_a_report_that_cannot_be_answered_stops_no_other",),
    10: ("test_every_leaf_keeps_filters_and_key", "test_deleted_ads_are_there_also_when_a_day_is_divided"),
    11: ("test_a_breakdown_is_never_sent_as_a_field",),
    12: ("test_every_row_is_one_day_inside_its_slice",),
    13: ("test_what_ads_sum_to_is_what_the_account_says",),
    14: ("test_the_next_day_replaces_exactly_what_was_restated",),
    15: ("test_a_second_load_on_the_same_day_sends_nothing", "test_once_a_day_until_final"),
    16: ("test_steps", "test_rows_that_come_after_their_run_is_completed_are_waited_for"),
    17: ("test_every_recorded_body_is_understood", "test_a_fault_ends_in_the_truth_or_in_a_failure_that_says_so"),
    18: ("test_a_repeated_action_is_numbered",),
    19: ("test_a_cell_that_is_no_number_is_null_and_told", "test_bare_numbers_keep_every_digit"),
    20: ("test_too_much_data_halves_the_page_and_asks_the_same_cursor", "test_a_page_that_was_borne_is_remembered"),
    21: ("test_every_object_of_every_kind_equals_the_truth", "test_deleted_ads_are_there_also_when_a_day_is_divided"),
    22: ("test_a_dead_server_ends_in_giving_up", "test_a_service_that_stays_down_is_asked_a_bounded_number_of_times"),
    23: ("test_pages_end_when_next_is_absent", "test_a_cursor_that_comes_back_is_an_error"),
    24: ("test_each_library_has_one_door", "test_a_post_carries_a_form_and_the_proof"),
    25: ("test_no_address_holds_a_token", "test_nothing_that_was_printed_holds_a_secret"),
}


def names_of_tests() -> set[str]:
    """Every test function there is."""
    trees = (ast.parse(file.read_text(encoding="utf-8")) for file in TESTS.rglob("test_*.py"))
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef)
    return {node.name for tree in trees for node in ast.walk(tree) if isinstance(node, kinds)}


def test_every_promise_has_its_test() -> None:
    """The tests that are named above exist, and no complaint is left out."""
    assert sorted(SHOWN) == list(range(1, 26))
    assert {name for names in SHOWN.values() for name in names} - names_of_tests() == set()


# ---- what no other file shows ----


def truth(stage: Stage, *accounts: str) -> list[dict[str, Any]]:
    return [row for account in accounts for row in stage.truth(REPORT, account, SINCE, UNTIL)]


def moments(stage: Stage, account: str, *kinds: str) -> list[datetime]:
    calls = [call for call in stage.calls if call.account == account and call.op in kinds]
    return [datetime.fromisoformat(call.at) for call in calls]


def test_a_throttled_poll_in_a_batch_closes_its_quota(tmp_path: Path) -> None:
    """A refusal inside a batch silences its account for the time of the block; the other one is loaded meanwhile."""

    async def main(loop: Loop) -> None:
        async with staged(loop, tmp_path, world(["111", "222"]), settings(["111", "222"])) as stage:
            stage.state.scenario.load([{"match": {"op": "poll", "account": "111"}, "do": {"fault": "80000"}}])
            summary = await stage.load()
            assert (summary.exit_code, summary.throttled_responses) == (0, 1)
            [refused] = [datetime.fromisoformat(call.at) for call in stage.calls if call.code == 80000]
            later = [at for at in moments(stage, "111", "submit", "poll", "page") if at > refused]
            assert min(later) - refused >= timedelta(minutes=5)
            assert max(moments(stage, "222", "page")) < min(later)
            stage.assert_holds(REPORT, truth(stage, "111", "222"))

    in_one_loop(main)


@pytest.mark.parametrize("do", [{"fault": "2"}, {"null_part": True}, {"fault": "1"}], ids=str)
def test_polls_that_fail_hold_up_no_other_account(do: Mapping[str, Any], tmp_path: Path) -> None:
    """Runs of all accounts are looked at together: one whose polls are never answered delays nobody else."""

    async def main(loop: Loop) -> None:
        patience = {"report_runs": {"deadline_minutes": 10}}
        wanted = {**settings(["111", "222"]), **patience}
        async with staged(loop, tmp_path, world(["111", "222"]), wanted) as stage:
            stage.state.scenario.load([{"match": {"op": "poll", "account": "111"}, "do": do, "times": None}])
            begun = stage.now
            summary = await stage.load()
            assert {failure.scope for failure in summary.totals.failures} == {"111"}
            assert max(moments(stage, "222", "page")) - begun < timedelta(seconds=20)
            stage.assert_holds(REPORT, truth(stage, "222"))

    in_one_loop(main)


def test_runs_that_hang_are_not_submitted_again_and_again(tmp_path: Path) -> None:
    """Where no run ever ends, submissions and polls stay few, and the slices say why they failed."""

    async def main(loop: Loop) -> None:
        async with staged(loop, tmp_path, world(["111"]), settings(["111"])) as stage:
            stage.state.scenario.load([{"match": {"op": "submit"}, "do": {"run_stuck_at": 100}, "times": None}])
            summary = await stage.load()
            assert summary.exit_code == 1
            assert all("stuck" in failure.error for failure in summary.totals.failures)
            calls = Counter(call.op for call in stage.calls)
            hours = loop.elapsed / 3600
            assert calls["submit"] <= 2 * hours
            assert calls["poll"] <= 300 * hours

    in_one_loop(main)


def test_a_report_that_cannot_be_answered_stops_no_other(tmp_path: Path) -> None:
    """Of two reports of one account the refused one fails, the other lands."""
    wanted = settings(["111"])
    wanted["ads_insights"]["reports"].append({"name": "by_campaign", "level": "campaign"})
    by_campaign = replace(REPORT, name="by_campaign", level="campaign")

    async def main(loop: Loop) -> None:
        async with staged(loop, tmp_path, world(["111"]), wanted) as stage:
            stage.state.scenario.load([{"match": {"op": "submit"}, "do": {"fault": "2/1504041"}}])
            summary = await stage.load()
            assert summary.exit_code == 1
            [refused] = {failure.table for failure in summary.totals.failures}
            other, name = (by_campaign, "by_campaign") if refused == REPORT.name else (REPORT, REPORT.name)
            assert {state for _, state in stage.states(name)} == {"landed"}
            stage.assert_holds(other, stage.truth(other, "111", SINCE, UNTIL))

    in_one_loop(main)


@pytest.mark.parametrize("most_rows", [1_000_000, 3])
def test_deleted_ads_are_there_also_when_a_day_is_divided(most_rows: int, tmp_path: Path) -> None:
    """Archived and deleted ads have their rows on good days and on bad ones."""
    document = world(["111"])
    for ad, status in zip(document["ads"], ("ARCHIVED", "DELETED", "PAUSED", "ACTIVE", "DELETED"), strict=True):
        ad["effective_status"] = status

    async def main(loop: Loop) -> None:
        options = ServerOptions(async_row_limit=most_rows)
        async with staged(loop, tmp_path, document, settings(["111"]), options=options) as stage:
            assert (await stage.load()).exit_code == 0
            rows = truth(stage, "111")
            assert len(rows) == 10
            stage.assert_holds(REPORT, rows)

    in_one_loop(main)


def test_every_row_is_one_day_inside_its_slice(tmp_path: Path) -> None:
    """`until` is inclusive on the wire: no day is asked twice, none beyond the last, no value is the sum of two."""
    days = [date(2026, 11, 15) + timedelta(days=n) for n in range(6)]

    async def main(loop: Loop) -> None:
        async with staged(loop, tmp_path, world(["111"], days), settings(["111"])) as stage:
            assert (await stage.load(choice=Choice(until=UNTIL))).exit_code == 0
            rows = stage.rows("SELECT date_start, date_stop, impressions FROM ads_insights")
            found = {(row["date_start"], row["date_stop"], row["impressions"]) for row in rows}
            assert found == {(day, day, 100 + day.day) for day in (SINCE, UNTIL)}

    in_one_loop(main)


def test_what_ads_sum_to_is_what_the_account_says(tmp_path: Path) -> None:
    """Spend and actions per ad and day add up to the account's own report of the day; windows are asked by name."""
    wanted = settings(["111"])
    wanted["ads_insights"]["reports"].append({"name": "by_account", "level": "account"})
    leads = "CASE metric WHEN 'actions' THEN {0} END"
    sums = "SELECT date_start, sum({0}) AS total FROM {1} GROUP BY ALL ORDER BY ALL"

    async def main(loop: Loop) -> None:
        async with staged(loop, tmp_path, world(["111"]), wanted) as stage:
            assert (await stage.load()).exit_code == 0
            for column, table in (
                ("spend", ""),
                (leads.format("value"), "_actions"),
                (leads.format("value_7d_click"), "_actions"),
            ):
                by_ad = stage.rows(sums.format(column, f"ads_insights{table}"))
                assert by_ad == stage.rows(sums.format(column, f"by_account{table}"))
                assert all(row["total"] > Decimal(0) for row in by_ad)

    in_one_loop(main)


def test_rows_that_come_after_their_run_is_completed_are_waited_for(tmp_path: Path) -> None:
    """2601/1815107 three times after "Job Completed" costs some seconds, no second submission and no row."""

    async def main(loop: Loop) -> None:
        async with staged(loop, tmp_path, world(["111"]), settings(["111"])) as stage:
            not_yet = {"match": {"op": "page"}, "do": {"fault": "2601/1815107"}, "times": 3}
            stage.state.scenario.load([not_yet])
            assert (await stage.load()).exit_code == 0
            assert Counter(call.op for call in stage.calls)["submit"] == 1
            stage.assert_holds(REPORT, truth(stage, "111"))

    in_one_loop(main)


def test_a_page_that_was_borne_is_remembered(tmp_path: Path) -> None:
    """The next load begins with the page size that worked, and grows it while it works."""

    async def main(loop: Loop) -> None:
        async with staged(loop, tmp_path, world(["111"]), settings(["111"], mode="async")) as stage:
            stage.state.scenario.load([{"match": {"op": "page"}, "do": {"fault": "1/reduce"}, "times": 11}])
            assert (await stage.load()).exit_code == 0
            tried = [int(call.limit or 0) for call in stage.calls if call.op == "page"]
            assert tried[:3] == [5000, 2500, 1250]
            assert tried[11] == 2
            await stage.a_day_later()
            first = len(stage.calls)
            assert (await stage.load()).exit_code == 0
            again = [int(call.limit or 0) for call in stage.calls[first:] if call.op == "page"]
            assert 2 <= again[0] < 5000
            stage.assert_holds(REPORT, truth(stage, "111"))

    in_one_loop(main)


def test_a_service_that_stays_down_is_asked_a_bounded_number_of_times(tmp_path: Path) -> None:
    """Code 2 each time: some attempts over some minutes, then the slices fail and stay due."""

    async def main(loop: Loop) -> None:
        async with staged(loop, tmp_path, world(["111"]), settings(["111"])) as stage:
            stage.state.scenario.load([{"match": {"op": "submit"}, "do": {"fault": "2"}, "times": None}])
            assert (await stage.load()).exit_code == 1
            assert 3 <= Counter(call.op for call in stage.calls)["submit"] <= 8
            assert loop.elapsed < 15 * 60

    in_one_loop(main)


def test_the_report_of_these_tests_is_the_configured_one() -> None:
    """What is compared is what was asked."""
    assert Report("ads_insights", "ad", action_attribution_windows=("1d_click", "7d_click", "1d_view")) == REPORT
