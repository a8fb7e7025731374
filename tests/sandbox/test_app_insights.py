"""The sandbox answers app insights as the reference and captured replies say, faults included."""

import re
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from sandbox.app_insights_names import METRICS
from tests.sandbox.client import Answer, Client
from tests.sandbox.conftest import Start

MONTH = {"since": "2026-10-01", "until": "2026-11-01"}
APP_TOKEN = "sandbox-token-app-700"
USER_TOKEN = "sandbox-token-user-1"


async def ask(client: Client, metric: str = "api_calls", app: str = "700", **parameters: Any) -> Answer:
    return await client.get(f"{app}/app_insights/{metric}", **parameters)


async def truth(client: Client, **parameters: Any) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = (await client.get("/sandbox/truth/app_insights", **parameters)).body["rows"]
    return found


async def refused(client: Client, metric: str = "api_calls", **parameters: Any) -> tuple[int, int, str]:
    answer = await ask(client, metric, **parameters)
    return answer.status, answer.error["code"], answer.error["message"]


async def test_a_metric_answers_a_text_for_each_day(client: Client) -> None:
    """Days begin at 08:00 UTC in summer and in winter; values are numeric texts; there is no paging."""
    for month in (MONTH, {"since": "2026-07-01", "until": "2026-08-01"}):
        answer = await ask(client, period="daily", **month)
        assert answer.status == 200
        assert set(answer.body) == {"data"}
        assert {row["time"][10:] for row in answer.rows} == {"T08:00:00+0000"}
        assert all(re.fullmatch(r"\d+", row["value"]) for row in answer.rows)
        assert answer.rows == await truth(client, app="700", metric="api_calls", period="daily", **month)


@pytest.mark.parametrize("metric", METRICS)
async def test_every_metric_answers_in_each_of_its_periods(metric: str, client: Client) -> None:
    """All that the reference lists is answered; `count`, which no enum knows, and `weekly`, which no line has, not."""
    event = {"event_name": "fb_mobile_purchase"} if metric == "app_event" else {}
    for period in METRICS[metric]:
        answer = await ask(client, metric, period=period, **event, **MONTH)
        assert answer.status == (400 if period == "count" else 200), period
        assert period == "count" or answer.rows
    assert (await refused(client, metric, period="weekly", **event))[1] == 100


async def test_some_days_are_missing(client: Client) -> None:
    """A day without a row is not a zero: it is not there."""
    span = {"since": "2026-01-01", "until": "2026-04-01"}
    rows = (await ask(client, period="daily", **span)).rows
    assert 0 < 90 - len(rows) < 15
    assert len({row["time"] for row in rows}) == len(rows)


async def test_breakdowns_add_up_to_the_day(client: Client) -> None:
    """In both spellings; a row may lack a key, and a country with few events is redacted."""
    whole = (await ask(client, period="daily", **MONTH)).rows
    by_json = (await ask(client, period="daily", breakdowns=["country"], **MONTH)).rows
    by_index = (await ask(client, period="daily", **{"breakdowns[0]": "country"}, **MONTH)).rows
    assert by_json == by_index
    for row in whole:
        cells = [part for part in by_json if part["time"] == row["time"]]
        assert sum(int(part["value"]) for part in cells) == int(row["value"])
    shown = [part["breakdowns"].get("country") for part in by_json]
    assert {None, "REDACTED", "IN"} <= set(shown)
    hidden = [part["time"] for part in by_json if part["breakdowns"].get("country") == "REDACTED"]
    assert len(set(hidden)) < len(hidden), "several countries of one day may be redacted"


async def test_hours_add_up_to_the_day(client: Client) -> None:
    """On a day that lacks no hour."""
    days = {row["time"]: int(row["value"]) for row in (await ask(client, "story_clicks", period="daily", **MONTH)).rows}
    hours = (await ask(client, "story_clicks", period="hourly", **MONTH)).rows
    whole = 0
    for start, value in days.items():
        begin = datetime.fromisoformat(start)
        of_day = [r for r in hours if begin <= datetime.fromisoformat(r["time"]) < begin + timedelta(days=1)]
        if len(of_day) == 24:
            assert sum(int(row["value"]) for row in of_day) == value
            whole += 1
    assert 0 < whole < len(days)


async def test_a_range_is_one_sum(client: Client) -> None:
    """And needs both of its ends."""
    days = (await ask(client, period="daily", **MONTH)).rows
    [row] = (await ask(client, period="range", **MONTH)).rows
    assert int(row["value"]) == sum(int(day["value"]) for day in days)
    assert row["time"] == "2026-10-01T08:00:00+0000"
    assert await refused(client, period="range", since="2026-10-01") == (400, 3001, "(#3001) Invalid query")


async def test_intervals_are_aggregated_up_to_each_point(client: Client) -> None:
    """Seven days ending with the point's own: more than the day, and not additive any more."""
    days = (await ask(client, period="daily", **MONTH)).rows
    weeks = (await ask(client, period="daily", intervals_to_aggregate=7, **MONTH)).rows
    assert [row["time"] for row in days] == [row["time"] for row in weeks]
    assert all(int(week["value"]) > int(day["value"]) for day, week in zip(days, weeks, strict=True))


async def test_an_event_has_its_aggregations(client: Client) -> None:
    """Counts and users are whole, sums are money; TOPK gives the three biggest combinations of a day."""
    for aggregation in ("COUNT", "USERS", "UNKNOWN_USERS", "DAU", "WAU", "MAU"):
        rows = (await ask(client, "app_event", event_name="x", aggregateBy=aggregation, **MONTH)).rows
        assert all(row["value"].isdecimal() for row in rows)
    for aggregation in ("SUM", "USD_SUM", "SCORE", "MEDIAN_VALUE"):
        rows = (await ask(client, "app_event", event_name="x", aggregateBy=aggregation, **MONTH)).rows
        assert all("." in row["value"] and Decimal(row["value"]) >= 0 for row in rows)
    top = (await ask(client, aggregateBy="TOPK", breakdowns=["locale", "country"], **MONTH)).rows
    assert {len([row for row in top if row["time"] == other["time"]]) for other in top} == {3}


async def test_a_young_day_is_restated_and_then_no_more(client: Client) -> None:
    """Between the first and the fifth night values move; after it never."""
    asked = {"app": "700", "metric": "api_calls", "period": "daily", **MONTH}
    nights = [await truth(client, **asked, as_of=f"2026-11-{day:02}T20:00:00Z") for day in range(1, 12)]
    last = [{row["time"]: row["value"] for row in rows} for rows in nights]
    young = "2026-10-31T08:00:00+0000"
    assert len({night.get(young) for night in last}) > 1
    assert nights[5] == nights[10]


async def test_a_day_may_come_a_night_late(client: Client) -> None:
    """What is missing on its first night and there on the next."""
    span = {"since": "2026-10-01", "until": "2026-11-01", "period": "daily", "metric": "api_calls"}
    late = 0
    for app in ("700", "701"):
        old = {row["time"] for row in await truth(client, app=app, **span)}
        for day in range(1, 31):
            first = await truth(client, app=app, **span, as_of=f"2026-10-{day + 1:02}T20:00:00Z")
            time = f"2026-10-{day:02}T08:00:00+0000"
            late += time in old and time not in {row["time"] for row in first}
    assert late


async def test_pages_are_cut_by_limit(client: Client) -> None:
    """With a limit there are cursors, and the pages together are the answer."""
    whole = (await ask(client, period="daily", **MONTH)).rows
    answer = await ask(client, period="daily", limit=12, **MONTH)
    found = answer.rows
    while "next" in answer.body.get("paging", {}):
        answer = await client.get(answer.body["paging"]["next"])
        found += answer.rows
    assert whole == found
    assert (await refused(client, limit=0))[1] == 100
    assert (await refused(client, limit=5, after="%%"))[1] == 2642


async def test_a_summary_is_given_when_asked(client: Client) -> None:
    """Whole, or the members named."""
    answer = await ask(client, "api_calls_by_method", period="daily", summary="true", **MONTH)
    assert answer.body["summary"] == {
        "name": "api_calls_by_method",
        "period": "daily",
        "since": "2026-10-01T00:00:00-08:00",
        "until": "2026-11-01T00:00:00-08:00",
        "messages": ["Values of this metric are sampled"],
    }
    assert (await ask(client, summary="name,messages")).body["summary"] == {"name": "api_calls", "messages": []}


async def test_unix_seconds_and_days_mean_the_same(client: Client) -> None:
    """A day is read in GMT-8."""
    since, until = datetime(2026, 10, 1, 8, tzinfo=UTC), datetime(2026, 11, 1, 8, tzinfo=UTC)
    seconds = await ask(client, since=int(since.timestamp()), until=int(until.timestamp()))
    assert seconds.rows == (await ask(client, **MONTH)).rows
    last = await ask(client, since=int(since.timestamp()), until=int(until.timestamp()) - 1)
    assert seconds.rows == last.rows


@pytest.mark.parametrize(
    ("metric", "parameters", "code"),
    [
        ("no_such_metric", {}, 100),
        ("app_event", {}, 100),
        ("api_calls", {"period": "hourly"}, 100),
        ("api_calls", {"period": "monthly"}, 100),
        ("api_calls", {"period": "count"}, 100),
        ("api_calls", {"aggregateBy": "SUM"}, 100),
        ("api_calls", {"aggregateBy": "TOTAL"}, 100),
        ("api_calls", {"aggregateBy": "TOPK"}, 3001),
        ("api_calls", {"breakdowns": ["age"]}, 100),
        ("api_calls", {"breakdowns": ["planet"]}, 100),
        ("api_calls", {"breakdowns": ["app_event_parameter1"]}, 100),
        ("api_calls", {"breakdowns": ["acquisition_source_l1"]}, 100),
        ("api_calls", {"intervals_to_aggregate": 3}, 100),
        ("api_calls", {"ecosystem": "TOY"}, 100),
        ("api_calls", {"since": "yesterday-ish"}, 100),
        ("api_calls", {"since": "2026-11-01", "until": "2026-10-01"}, 100),
    ],
)
async def test_what_is_not_legal_is_refused(metric: str, parameters: dict[str, Any], code: int, client: Client) -> None:
    """Each with the code of the reference's validation rules, as HTTP 400."""
    assert (await refused(client, metric, **parameters))[:2] == (400, code)


async def test_a_range_has_its_limit(client: Client) -> None:
    """93 days are answered, 94 are not."""
    assert (await ask(client, since="2026-06-01", until="2026-09-02")).status == 200
    assert await refused(client, since="2026-06-01", until="2026-09-03") == (
        400,
        100,
        "(#100) There cannot be more than 93 days (8035200 s) between since and until",
    )


async def test_a_token_reads_what_it_may(start: Start) -> None:
    """An app's own token reads that app alone, a user's without admin rights no payments."""
    async with start() as client:
        client.headers["Authorization"] = f"Bearer {APP_TOKEN}"
        assert (await ask(client)).status == 200
        assert (await ask(client, app="701")).error["code"] == 3000
        client.headers["Authorization"] = f"Bearer {USER_TOKEN}"
        assert (await ask(client)).status == 200
        assert (await ask(client, "payments_daily_spend")).error["code"] == 3003


async def test_an_app_that_is_not_there_is_no_object(client: Client) -> None:
    """As any other id."""
    answer = await ask(client, app="799")
    assert (answer.status, answer.error["code"], answer.error["error_subcode"]) == (400, 100, 33)


async def test_a_retired_endpoint_is_scripted(start: Start) -> None:
    """Both forms in which Meta takes an edge away."""
    for fault, subcode in (("100/33", 33), ("app insights gone", None)):
        rule = {"match": {"path": "/app_insights/"}, "times": None, "do": {"fault": fault}}
        async with start(scenario=[rule]) as client:
            answer = await ask(client)
            assert (answer.error["code"], answer.error.get("error_subcode")) == (100, subcode)
            assert (await client.get("act_111", fields="id")).status == 200
