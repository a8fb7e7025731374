import json
from typing import Any

from tests.sandbox.client import Answer, Client
from tests.sandbox.conftest import Start


def usage(answer: Answer, account: str = "111") -> dict[str, Any]:
    """Return the account's use case of a reply's header."""
    found: dict[str, Any] = json.loads(answer.headers["x-business-use-case-usage"])[account][0]
    return found


async def ask(client: Client, account: str = "111") -> Answer:
    """Ask for one insights row."""
    return await client.get(f"act_{account}/insights", level="account")


async def test_usage_grows(start: Start) -> None:
    """Each insights call raises the account's usage, in Meta's exact shape."""
    async with start(tier="development_access", quota_scale=0.05) as client:
        first = usage(await ask(client))
        later = [usage(await ask(client)) for _ in range(4)][-1]
    assert set(first) == {
        "type",
        "call_count",
        "total_cputime",
        "total_time",
        "estimated_time_to_regain_access",
        "ads_api_access_tier",
    }
    assert (first["type"], first["ads_api_access_tier"]) == ("ads_insights", "development_access")
    assert later["total_time"] > first["total_time"]
    assert later["call_count"] > 0


async def test_blocked_account_recovers(start: Start) -> None:
    """A full account is 80000 while others go on, says how many minutes to wait, and is free after them."""
    async with start(tier="development_access", quota_scale=0.01, score_scale=100) as client:
        answer = await ask(client)
        while answer.status == 200:
            answer = await ask(client)
        assert (answer.status, answer.error["code"], answer.error["error_subcode"]) == (400, 80000, 2446079)
        minutes = usage(answer)["estimated_time_to_regain_access"]
        assert 1 <= minutes <= 60
        assert (await ask(client, "222")).status == 200
        client.later(minutes * 60)
        assert (await ask(client)).status == 200


async def test_calls_while_blocked_count(start: Start) -> None:
    """A refused call still counts."""
    async with start(tier="development_access", quota_scale=0.01, score_scale=100) as client:
        answer = await ask(client)
        while answer.status == 200:
            answer = await ask(client)
        assert usage(await ask(client))["call_count"] > usage(answer)["call_count"]


async def test_management_is_another_quota(start: Start) -> None:
    """Reads of objects fill ads_management, refuse with 80004, and leave insights alone."""
    async with start(tier="development_access", quota_scale=0.01, score_scale=100) as client:
        answer = await client.get("act_111")
        while answer.status == 200:
            answer = await client.get("act_111")
        assert (answer.status, answer.error["code"]) == (400, 80004)
        assert usage(answer)["type"] == "ads_management"
        assert (await ask(client)).status == 200


async def test_account_score(start: Start) -> None:
    """The account's score blocks with code 17 for 300 seconds, which each call starts anew."""
    async with start(tier="development_access", score_scale=0.1) as client:
        answer = await client.get("act_111")
        while answer.status == 200:
            answer = await client.get("act_111")
        assert (answer.status, answer.error["code"], answer.error["error_subcode"]) == (400, 17, 2446079)
        assert json.loads(answer.headers["x-ad-account-usage"])["reset_time_duration"] == 300
        client.later(299)
        assert (await client.get("act_111")).error["code"] == 17
        client.later(301)
        assert (await client.get("act_111")).status == 200


async def test_platform_limit(start: Start) -> None:
    """Beyond the app's load per second insights calls fail with 403, 4/1504022; a few pass."""
    async with start(platform_rate=2.0) as client:
        codes = [(await ask(client)).status for _ in range(12)]
        assert codes[:2] == [200, 200]
        assert {200, 403} == set(codes[2:])
        client.later(1)
        assert (await ask(client)).status == 200


async def test_overload(start: Start) -> None:
    """In a global overload half of the insights calls fail although the percentages are low."""
    async with start(scenario={"overload": True}) as client:
        answers = [await ask(client) for _ in range(10)]
        assert [answer.status for answer in answers].count(403) == 5
        refused = next(answer for answer in answers if answer.status == 403)
        assert (refused.error["code"], refused.error["error_subcode"]) == (4, 1504022)
        assert json.loads(refused.headers["x-fb-ads-insights-throttle"])["acc_id_util_pct"] < 10


async def test_generous_by_default(client: Client) -> None:
    """By default nothing is throttled and quotas stay under 5 percent after 150 calls."""
    answers = [await client.get("act_111") for _ in range(150)]
    assert {answer.status for answer in answers} == {200}
    report = (await client.get("/sandbox/quotas")).body
    assert max(case["total_time"] for case in report["use_cases"]) < 5
