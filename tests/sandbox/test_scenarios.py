import json
from typing import Any

import aiohttp
import pytest

from sandbox.faults import CATALOGUE
from tests.sandbox.client import Client
from tests.sandbox.conftest import Start

WEEK = {"since": "2026-11-10", "until": "2026-11-16"}
DAILY: dict[str, Any] = {
    "level": "ad",
    "fields": "ad_id,impressions,actions",
    "time_range": WEEK,
    "time_increment": "1",
}


@pytest.mark.parametrize("name", sorted(CATALOGUE))
async def test_every_fault_can_be_ordered(start: Start, name: str, small_world: Any) -> None:
    """A fault of the catalogue is served once with its status and envelope, and then the call works."""
    assert small_world
    async with start(scenario=[{"match": {"op": "object"}, "do": {"fault": name}}]) as client:
        answer = await client.get("act_111")
        wanted = CATALOGUE[name]
        assert answer.status == wanted.status
        assert {key: value for key, value in answer.error.items() if key != "fbtrace_id"} == wanted.error
        assert ("fbtrace_id" in answer.error) != wanted.bare
        assert (await client.get("act_111")).status == 200


async def test_rules_are_counted(client: Client) -> None:
    """A rule fires from its nth match on, so often as it may, and only for its account and path."""
    rule = {"match": {"op": "any", "account": "111", "path": "/campaigns$", "nth": 2}, "times": 2, "do": {"fault": "2"}}
    await client.control("scenario", [rule])
    await client.get("act_111")
    await client.get("act_222/campaigns")
    assert [(await client.get("act_111/campaigns")).status for _ in range(4)] == [200, 503, 503, 200]
    rules = (await client.get("/sandbox/scenario")).body["rules"]
    assert (rules[0]["left"], rules[0]["seen"]) == (0, 3)


async def test_unknown_rule(client: Client) -> None:
    """A scenario that says something unknown is refused with its name."""
    answer = await client.control("scenario", [{"match": {"operation": "sync"}, "do": {}}])
    assert (answer.status, answer.body["error"]) == (400, "a rule does not know 'operation'")


async def test_scripted_reply(client: Client) -> None:
    """A reply can be any text with any status, such as the edge's HTML page."""
    reply = {"status": 502, "headers": {"Content-Type": "text/html"}, "body": "<html>Bad gateway</html>"}
    await client.control("scenario", [{"do": {"reply": reply}}])
    answer = await client.get("act_111")
    assert (answer.status, answer.text, answer.headers["Content-Type"]) == (
        502,
        "<html>Bad gateway</html>",
        "text/html",
    )


async def test_cut_connection(client: Client) -> None:
    """A cut answer promises its whole length and breaks off."""
    await client.control("scenario", [{"match": {"op": "sync"}, "do": {"cut": 20}}])
    with pytest.raises(aiohttp.ClientPayloadError):
        await client.get("act_111/insights", **DAILY)
    assert (await client.get("act_111/insights", **DAILY)).status == 200


async def test_lying_content_type(client: Client) -> None:
    """JSON can come under the name of HTML."""
    await client.control("scenario", [{"do": {"lie_content_type": True}}])
    answer = await client.get("act_111")
    assert answer.headers["Content-Type"] == "text/html; charset=UTF-8"
    assert answer.body["id"] == "act_111"


@pytest.mark.parametrize("page", [0, 1])
async def test_empty_page_with_next(client: Client, page: int) -> None:
    """An empty page that carries `next` hides no row from who keeps following."""
    run = await client.submitted(**DAILY)
    await client.completed(run)
    everything = await client.all_rows(f"{run}/insights", limit="10")
    await client.control("scenario", [{"match": {"op": "page", "page": page}, "do": {"empty_page": True}}])
    assert await client.all_rows(f"{run}/insights", limit="10") == everything
    pages = [call for call in (await client.get("/sandbox/calls")).body["calls"] if call["op"] == "page"]
    assert len(pages) == 2 * -(-len(everything) // 10) + 1


async def test_empty_listing_page(client: Client) -> None:
    """The same holds for listings."""
    everything = await client.all_rows("act_111/ads", limit="2")
    await client.control("scenario", [{"match": {"op": "list", "page": 1}, "do": {"empty_page": True}}])
    assert await client.all_rows("act_111/ads", limit="2") == everything


async def test_repeated_cursor(client: Client) -> None:
    """A page can be made to point at itself."""
    await client.control("scenario", [{"match": {"op": "sync", "page": 1}, "do": {"repeat_cursor": True}}])
    first = await client.get("act_111/insights", **DAILY, limit="5")
    second = await client.get(first.body["paging"]["next"])
    assert second.body["paging"]["next"] == first.body["paging"]["next"]


@pytest.mark.parametrize("status", ["Job Failed", "Job Skipped"])
async def test_final_at_a_poll(client: Client, status: str) -> None:
    """A poll can find the run failed or skipped, and it stays so."""
    run = await client.submitted(**DAILY)
    await client.control("scenario", [{"match": {"op": "poll"}, "do": {"run_status": status}}])
    assert (await client.get(run)).body["async_status"] == status
    client.later(100)
    assert (await client.get(run)).body["async_status"] == status


async def mutated(client: Client, **change: Any) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """Mutate one row with actions and return the rows served in its place, and the row as it was."""
    row = next(found for found in await client.truth(**DAILY) if "actions" in found)
    where = {"account": "111", "ad_id": row["ad_id"], "date": row["date_start"]}
    await client.control("scenario", [{"mutate": {**where, **change}}])
    served = await client.all_rows("act_111/insights", **DAILY, limit="500")
    assert sorted(map(str, served)) == sorted(map(str, await client.truth(**DAILY)))
    place = (row["ad_id"], row["date_start"])
    return [found for found in served if (found["ad_id"], found["date_start"]) == place], row


async def test_mutated_values(client: Client) -> None:
    """Fields become other texts, bare numbers or vanish, and unknown ones appear, in rows and in truth alike."""
    change = {"impressions": 7, "actions": None, "brand_new_metric": "5", "brand_new_list": [{"a": 1}], "clicks": "1"}
    rows, row = await mutated(client, set=change)
    assert rows == [
        {
            "ad_id": row["ad_id"],
            "impressions": 7,
            "brand_new_metric": "5",
            "brand_new_list": [{"a": 1}],
            "date_start": row["date_start"],
            "date_stop": row["date_stop"],
        }
    ]


async def test_mutated_actions(client: Client) -> None:
    """An action element can be repeated and can hold an unknown key."""
    element = {"action_type": "link_click", "value": "1", "brand_new_key": "x"}
    rows, row = await mutated(client, append_action=element)
    assert rows[0]["actions"] == [*row["actions"], element]


async def test_duplicate_row(client: Client) -> None:
    """A row can come twice."""
    rows, row = await mutated(client, duplicate=True)
    assert rows == [row, row]


async def test_invalid_utf8(client: Client) -> None:
    """A value can hold an octet that is not UTF-8."""
    await client.control("scenario", {"world": {"mutations": [{"account": "111", "set": {"odd": "x\udcff"}}]}})
    url = f"{client.server.url}/v25.0/act_111/insights"
    async with client.session.get(url, params={"level": "account"}, headers=client.headers) as response:
        body = await response.read()
    assert b'"odd": "x\xff"' in body
    assert json.loads(body.replace(b"\xff", b""))["data"]
