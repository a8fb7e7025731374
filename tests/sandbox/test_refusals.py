from typing import Any

import pytest

from sandbox.credentials import proof
from tests.sandbox.client import TOKEN, Client
from tests.sandbox.conftest import Start

FIELDS_PAGE = "https://developers.facebook.com/docs/marketing-api/reference/ads-insights/"
PLEASE, VALUES = "please check", "for all valid values"
BREAKDOWNS_PAGE = "https://developers.facebook.com/docs/marketing-api/insights/breakdowns/"


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        (
            {"fields": "impresions"},
            f"(#100) impresions is not valid for fields param. please check {FIELDS_PAGE} for all valid values",
        ),
        (
            {"fields": "impressions,age"},
            f"(#100) age is not valid for fields param. please check {FIELDS_PAGE} for all valid values",
        ),
        (
            {"breakdowns": "PUBLISHER_PLATFORM"},
            f"(#100) PUBLISHER_PLATFORM is not valid for breakdowns param. {PLEASE} {BREAKDOWNS_PAGE} {VALUES}",
        ),
        (
            {"breakdowns": "platform_position"},
            "(#100) Current combination of data breakdown columns (action_type, platform_position) is invalid",
        ),
        (
            {"breakdowns": "age,country"},
            "(#100) Current combination of data breakdown columns (action_type, age, country) is invalid",
        ),
        (
            {"action_breakdowns": "action_device", "fields": "impressions"},
            "(#100) action_breakdowns can only be used when actions is in the fields param",
        ),
        (
            {"time_range": {"since": "2026-11-03", "until": "2026-11-01"}},
            "(#100) since must not be after until",
        ),
        (
            {"time_range": {"since": "2026-11-31", "until": "2026-12-01"}},
            "(#100) 2026-11-31 is not a valid date, YYYY-MM-DD is expected",
        ),
        (
            {"breakdowns": "mmm"},
            "(#100) breakdowns=mmm is only available as an asynchronous export",
        ),
        (
            {"time_increment": "91"},
            "(#100) time_increment must be an integer between 1 and 90, monthly or all_days",
        ),
        (
            {"filtering": [{"field": "ad.colour", "operator": "EQUAL", "value": "red"}]},
            "(#100) Filtering field 'ad.colour' with operation 'equal' is not supported",
        ),
        (
            {"breakdowns": "frequency_value", "fields": "impressions"},
            "(#100) impressions is not supported with the breakdowns (frequency_value)",
        ),
    ],
)
async def test_bad_values(client: Client, asked: dict[str, Any], message: str) -> None:
    """An illegal value is HTTP 400, code 100, with the documented message."""
    answer = await client.get("act_111/insights", **asked)
    assert answer.status == 400
    assert (answer.error["message"], answer.error["code"], answer.error["type"]) == (message, 100, "OAuthException")
    assert len(answer.error["fbtrace_id"]) == 11
    assert answer.error["fbtrace_id"] == answer.headers["x-fb-trace-id"]


async def test_unknown_parameter_names(client: Client) -> None:
    """An unknown parameter name is ignored."""
    answer = await client.get("act_111/insights", level="account", breakdown="age")
    assert len(answer.rows) == 1


async def test_37_months(client: Client) -> None:
    """A start beyond 37 months is 3018; the oldest legal day is not."""
    for since, status in (("2023-10-21", 400), ("2023-10-22", 200)):
        answer = await client.get("act_111/insights", time_range={"since": since, "until": "2023-11-01"})
        assert answer.status == status
        assert status == 200 or answer.error["code"] == 3018


async def test_level_above_the_object(client: Client) -> None:
    """A level higher than the object is 1/99 with HTTP 500."""
    campaign = (await client.truth(level="campaign"))[0]["campaign_id"]
    answer = await client.get(f"{campaign}/insights", level="account")
    assert (answer.status, answer.error["code"], answer.error["error_subcode"]) == (500, 1, 99)


@pytest.mark.parametrize(
    ("token", "code", "subcode"),
    [("", 2500, None), ("nonsense", 190, None), ("sandbox-token-expired", 190, 463)],
)
async def test_tokens(client: Client, token: str, code: int, subcode: int | None) -> None:
    """A missing, unknown or expired token is HTTP 400 with its code."""
    client.headers = {"Authorization": f"Bearer {token}"} if token else {}
    answer = await client.get("act_111")
    assert (answer.status, answer.error["code"], answer.error.get("error_subcode")) == (400, code, subcode)


async def test_token_as_parameter(client: Client) -> None:
    """A token in the address works, stands in `next`, and is told by the log."""
    client.headers = {}
    answer = await client.get("act_111/insights", level="ad", time_increment="1", access_token=TOKEN, limit="1")
    assert f"access_token={TOKEN}" in answer.body["paging"]["next"]
    calls = (await client.get("/sandbox/calls")).body["calls"]
    assert [call["token_in_url"] for call in calls] == [True]


async def test_proof(start: Start) -> None:
    """With an app secret a wrong proof is refused, a missing one only if required, a right one never."""
    async with start(app_secret="hush", require_proof=True) as client:
        missing = await client.get("act_111")
        assert missing.error["message"] == "API calls from the server require an appsecret_proof argument"
        wrong = await client.get("act_111", appsecret_proof="00")
        assert wrong.error["message"] == "Invalid appsecret_proof provided in the API argument"
        assert (wrong.status, wrong.error["code"], wrong.error["type"]) == (400, 100, "GraphMethodException")
        assert (await client.get("act_111", appsecret_proof=proof(TOKEN, "hush"))).status == 200


@pytest.mark.parametrize(("path", "code"), [("/act_111/insights", 2635), ("/v23.0/act_111/insights", 2635)])
async def test_versions(client: Client, path: str, code: int) -> None:
    """Unversioned insight calls and dead versions are 2635."""
    assert (await client.get(path)).error["code"] == code


async def test_version_header(client: Client) -> None:
    """The reply names the version that answered."""
    assert (await client.get("act_111")).headers["facebook-api-version"] == "v25.0"


async def test_unknown_object(client: Client) -> None:
    """An unknown object is 100/33 naming its id."""
    answer = await client.get("120299999999999999")
    assert (answer.error["code"], answer.error["error_subcode"]) == (100, 33)
    assert "Object with ID '120299999999999999' does not exist" in answer.error["message"]


async def test_refused_account(start: Start) -> None:
    """An account without permission is 403, code 200; others go on."""
    async with start(scenario={"refused_accounts": ["222"]}) as client:
        answer = await client.get("act_222/insights")
        assert (answer.status, answer.error["code"]) == (403, 200)
        assert (await client.get("act_111/insights")).status == 200


async def test_refused_field(start: Start) -> None:
    """A field that needs a right fails the whole call with 403, code 200."""
    async with start(scenario={"refused_fields": ["owner"]}) as client:
        answer = await client.get("act_111", fields="name,owner")
        assert (answer.status, answer.error["code"]) == (403, 200)
