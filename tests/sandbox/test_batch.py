import json

from tests.sandbox.client import Client
from tests.sandbox.conftest import Start


def get(url: str) -> dict[str, str]:
    """Return a GET operation."""
    return {"method": "GET", "relative_url": url}


async def test_parts_fail_alone(client: Client) -> None:
    """A batch answers in order; a part that fails does not disturb its siblings, and bodies are strings."""
    answer = await client.batch(
        [
            get("v25.0/act_111?fields=name"),
            get("act_999/insights"),
            {"method": "POST", "relative_url": "v25.0/act_222/insights", "body": "level=campaign&fields=impressions"},
        ]
    )
    assert answer.status == 200
    assert [part["code"] for part in answer.body] == [200, 400, 200]
    bodies = [json.loads(part["body"]) for part in answer.body]
    assert bodies[0] == {"name": "Account 111", "id": "act_111"}
    assert (bodies[1]["error"]["code"], bodies[1]["error"]["error_subcode"]) == (100, 33)
    assert bodies[2]["report_run_id"].isdigit()


async def test_parts_carry_their_own_headers(client: Client) -> None:
    """Each part has a list of headers with its usage; include_headers=false takes them away."""
    part = (await client.batch([get("act_111/insights?level=account")])).body[0]
    headers = {header["name"].lower(): header["value"] for header in part["headers"]}
    assert headers["content-type"] == "text/javascript; charset=UTF-8"
    assert set(json.loads(headers["x-fb-ads-insights-throttle"])) == {
        "app_id_util_pct",
        "acc_id_util_pct",
        "ads_api_access_tier",
    }
    assert "headers" not in (await client.batch([get("act_111")], include_headers="false")).body[0]


async def test_more_than_fifty(client: Client) -> None:
    """Fifty operations pass; one more is a GraphBatchException without a code."""
    assert len((await client.batch([get("act_111")] * 50)).body) == 50
    answer = await client.batch([get("act_111")] * 51)
    assert (answer.status, answer.body) == (
        400,
        {
            "error": {
                "message": "Too many requests in batch message. Maximum batch size is 50",
                "type": "GraphBatchException",
            }
        },
    )


async def test_unfinished_parts(start: Start) -> None:
    """A part that was not finished in time is null, once."""
    rule = {"match": {"op": "object", "account": "222"}, "do": {"null_part": True}}
    async with start(scenario=[rule]) as client:
        operations = [get("act_111"), get("act_222")]
        assert [part is None for part in (await client.batch(operations)).body] == [False, True]
        assert [part is None for part in (await client.batch(operations)).body] == [False, False]


async def test_whole_batch_refused(start: Start) -> None:
    """A throttle of the whole batch is one error object instead of an array."""
    async with start(scenario=[{"match": {"op": "batch"}, "do": {"fault": "4"}}]) as client:
        answer = await client.batch([get("act_111")])
        assert (answer.status, answer.error["code"]) == (403, 4)
        assert answer.error["fbtrace_id"] == answer.headers["x-fb-trace-id"]


async def test_log_counts_each_part(client: Client) -> None:
    """The log has the batch and each of its parts, and counts them by kind."""
    await client.batch([get("act_111"), get("act_222"), get("act_111/campaigns?limit=2")])
    report = (await client.get("/sandbox/calls")).body
    assert report["by_op"] == {"object": 2, "list": 1, "batch": 1}
    assert [call["part_of_batch"] for call in report["calls"]] == [True, True, True, False]
    await client.control("reset_calls", {})
    assert (await client.get("/sandbox/calls")).body["total"] == 0


async def test_polls_in_a_batch(client: Client) -> None:
    """Many runs are polled in one batch; one that does not exist fails alone."""
    run = await client.submitted(level="account")
    parts = (await client.batch([get(f"v25.0/{run}"), get("v25.0/6044000000000")])).body
    assert json.loads(parts[0]["body"])["async_status"] == "Job Not Started"
    assert parts[1]["code"] == 400
