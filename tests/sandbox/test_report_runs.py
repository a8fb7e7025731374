from itertools import pairwise
from typing import Any

from tests.sandbox.client import Client, unordered
from tests.sandbox.conftest import Start

WEEK = {"since": "2026-11-10", "until": "2026-11-16"}
ASKED: dict[str, Any] = {
    "level": "ad",
    "fields": ["ad_id", "impressions", "spend", "actions"],
    "time_range": WEEK,
    "time_increment": "1",
}
LEGAL = ["Job Not Started", "Job Started", "Job Running", "Job Completed"]


async def test_life(client: Client) -> None:
    """A run goes through every status in order, its percent never falls, and 100 shows before completion."""
    seen = await client.completed(await client.submitted(**ASKED))
    assert list(dict.fromkeys(status for status, _ in seen)) == LEGAL
    assert all(before <= after for (_, before), (_, after) in pairwise(seen))
    assert ("Job Running", 100) in seen
    assert seen[-1] == ("Job Completed", 100)


async def test_rows_before_completion(client: Client) -> None:
    """Rows of an unfinished run are 2601/1815107 and marked transient."""
    run = await client.submitted(**ASKED)
    answer = await client.get(f"{run}/insights")
    assert answer.status == 400
    assert (answer.error["code"], answer.error["error_subcode"], answer.error["is_transient"]) == (2601, 1815107, True)


async def test_pages_to_the_last_row(client: Client) -> None:
    """Paging a run by 7 rows gives exactly the truth, and only the last page lacks `next`."""
    run = await client.submitted(**ASKED)
    await client.completed(run)
    rows = await client.all_rows(f"{run}/insights", limit="7")
    truth = await client.truth(**ASKED)
    assert len(rows) > 14
    assert unordered(rows) == unordered(truth)


async def test_order_differs_between_runs(client: Client) -> None:
    """Two runs of one question have the same rows in another order."""
    first, second = await client.submitted(**ASKED), await client.submitted(**ASKED)
    await client.completed(first)
    await client.completed(second)
    one, two = await client.all_rows(f"{first}/insights"), await client.all_rows(f"{second}/insights")
    assert one != two
    assert unordered(one) == unordered(two)


async def test_first_cursors(client: Client) -> None:
    """The cursors of rows 0 and 1 are those that Meta's samples show."""
    run = await client.submitted(**ASKED)
    await client.completed(run)
    cursors = (await client.get(f"{run}/insights", limit="2")).body["paging"]["cursors"]
    assert cursors == {"before": "MAZDZD", "after": "MQZDZD"}


async def test_snapshot(client: Client) -> None:
    """Rows are those of the day of submission, also when they are read days later."""
    run = await client.submitted(**ASKED)
    before = await client.truth(**ASKED)
    client.later(9 * 86_400)
    await client.completed(run)
    assert unordered(await client.all_rows(f"{run}/insights", limit="500")) == unordered(before)


async def test_default_fields_of_a_running_job(client: Client) -> None:
    """A poll without fields shows id, account without prefix, submission, status and percent."""
    run = await client.submitted(**ASKED)
    shown = (await client.get(run)).body
    assert shown == {
        "id": run,
        "account_id": "111",
        "time_ref": 1795406400,
        "async_status": "Job Not Started",
        "async_percent_completion": 0,
    }


async def test_failed_run_tells_why_since_v25(start: Start) -> None:
    """A failed run carries error fields under v25 and only its status under v24."""
    do = {"run_status": "Job Failed", "percent": 35, "error_code": -3, "error_subcode": 1504045}
    scenario = [{"match": {"op": "submit"}, "do": do}]
    async with start(scenario=scenario) as client:
        run = await client.submitted(**ASKED)
        await client.completed(run)
        shown = (await client.get(run)).body
        assert (shown["async_status"], shown["async_percent_completion"]) == ("Job Failed", 35)
        assert (shown["error_code"], shown["error_subcode"]) == (-3, 1504045)
    async with start(scenario=scenario, profile=24) as client:
        run = await client.submitted(**ASKED)
        await client.completed(run)
        assert "error_code" not in (await client.get(run)).body


async def test_stuck_run(start: Start) -> None:
    """A run stuck at 100 stays running for ever and its rows are never readable."""
    async with start(scenario=[{"match": {"op": "submit"}, "do": {"run_stuck_at": 100}}]) as client:
        run = await client.submitted(**ASKED)
        client.later(7200)
        while (await client.get(run)).body["async_percent_completion"] < 100:
            client.later(1)
        assert (await client.get(run)).body["async_status"] == "Job Running"
        assert (await client.get(f"{run}/insights")).error["code"] == 2601


async def test_too_many_rows(start: Start) -> None:
    """Too many rows are 100/1487534 at once when synchronous, and fail the run with -3/1504045."""
    async with start(sync_row_limit=10, async_row_limit=10) as client:
        answer = await client.get("act_111/insights", **ASKED)
        assert (answer.error["code"], answer.error["error_subcode"]) == (100, 1487534)
        run = await client.submitted(**ASKED)
        assert (await client.completed(run))[-1] == ("Job Failed", 60)
        assert (await client.get(run)).body["error_subcode"] == 1504045


async def test_run_expires(client: Client) -> None:
    """A run is forgotten after 30 days."""
    run = await client.submitted(**ASKED)
    client.later(31 * 86_400)
    answer = await client.get(run)
    assert (answer.error["code"], answer.error["error_subcode"]) == (100, 33)


async def test_subset_of_fields(client: Client) -> None:
    """A run's rows can be read with fewer fields than were asked, and not with others."""
    run = await client.submitted(**ASKED)
    await client.completed(run)
    answer = await client.get(f"{run}/insights", fields="ad_id")
    assert set(answer.rows[0]) == {"ad_id", "date_start", "date_stop"}
    assert (await client.get(f"{run}/insights", fields="clicks")).error["code"] == 100
