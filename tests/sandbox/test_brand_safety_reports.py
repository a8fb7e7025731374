from collections.abc import AsyncIterator
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from tests.sandbox.brand_safety_client import FEED, HOUR, calm
from tests.sandbox.client import Client
from tests.sandbox.conftest import Start

EDGE = "adjacent_content_delivery_report"
FACEBOOK_NAMES = {"content_id", "content_owner_id", "content_root_id", "content_root_owner_id"}
INSTAGRAM_NAMES = {"content_id", "content_owner_id", "ig_content_id", "ig_content_owner_id"}
COMMON = {"content_language", "content_position", "content_distance", "content_privacy"}


def adset(client: Client, account: str = "111") -> str:
    """The account's ad set with most ads."""
    return client.server.state.world.children(account, "adset")[0].id


@pytest.fixture
async def calm_client(start: Start) -> AsyncIterator[Client]:
    """A client of a sandbox in which no hour is missing."""
    async with start(scenario=calm()) as client:
        yield client


async def truth(client: Client, hour: str = HOUR, **more: str) -> list[dict[str, Any]]:
    where = {**FEED, "ad_set": adset(client), "datetime": hour, **more}
    rows: list[dict[str, Any]] = (await client.get("/sandbox/truth/brand_safety/ad_set", **where)).body["rows"]
    return rows


async def busiest(client: Client) -> str:
    """The label of an hour with more than one smallest page."""
    labels = [f"2026-11-20T{number:02}:00" for number in range(24)]
    return next(iter([label for label in labels if len(await truth(client, label)) > 60]))


@pytest.mark.parametrize("platform", ["facebook", "instagram"])
@pytest.mark.parametrize("position", ["feed", "reels"])
async def test_pages_hold_the_truth(calm_client: Client, platform: str, position: str) -> None:
    """All pages together are the truth; each row is one impression of an ad of the set, with up to two contents."""
    client, place = calm_client, {"platform": platform, "position": position}
    hour = next(
        iter([f"2026-11-20T{n:02}:00" for n in range(24) if await truth(client, f"2026-11-20T{n:02}:00", **place)])
    )
    rows = await client.all_rows(f"{adset(client)}/{EDGE}", **place, datetime=hour, limit="25")
    assert rows == await truth(client, hour, **place)
    assert len({row["impression_id"] for row in rows}) == len(rows) > 0
    ads = {ad.id for ad in client.server.state.world.children(adset(client), "ad")}
    names = FACEBOOK_NAMES if platform == "facebook" else INSTAGRAM_NAMES
    for row in rows:
        assert row["ad_id"] in ads
        assert [item["content_position"] for item in row["content"]] in [["above", "below"], ["above"], ["below"], []]
        assert all(item.keys() >= COMMON and item.keys() <= COMMON | names for item in row["content"])


async def test_limits_are_clamped(calm_client: Client) -> None:
    """A limit below 25 or above 5000 is taken for the nearest end; without one a page has 25 rows."""
    client = calm_client
    hour = await busiest(client)
    total = len(await truth(client, hour))
    asked: list[dict[str, Any]] = [{"limit": "1"}, {}, {"limit": "30"}, {"limit": "9000"}]
    pages = [len((await client.get(f"{adset(client)}/{EDGE}", **FEED, datetime=hour, **more)).rows) for more in asked]
    assert pages == [25, 25, 30, total]


async def test_summary(calm_client: Client) -> None:
    """The summary tells what was asked of it: the number of all rows and the range."""
    client = calm_client
    hour = await busiest(client)
    names = "total_count,earliest_datetime,latest_datetime"
    answer = await client.get(f"{adset(client)}/{EDGE}", **FEED, datetime=hour, summary=names)
    assert answer.body["summary"] == {
        "total_count": len(await truth(client, hour)),
        "earliest_datetime": "2026-11-07T00:00",
        "latest_datetime": "2026-11-21T23:00",
    }
    assert "summary" not in (await client.get(f"{adset(client)}/{EDGE}", **FEED, datetime=hour)).body


async def test_the_latest_hour_is_the_default(calm_client: Client) -> None:
    """Without a datetime the latest hour is reported."""
    client = calm_client
    rows = await client.all_rows(f"{adset(client)}/{EDGE}", **FEED)
    assert rows == await truth(client, "2026-11-21T23:00")


@pytest.mark.parametrize("account", ["111", "222", "333"])
async def test_time_zones(calm_client: Client, account: str) -> None:
    """An hour in the advertiser's zone is the hour that begins at that moment; otherwise it is one of Los Angeles."""
    client, owner = calm_client, adset(calm_client, account)
    zone = ZoneInfo(client.server.state.world.zone(account))
    for number in range(24):
        pacific = datetime(2026, 11, 20, number, tzinfo=ZoneInfo("America/Los_Angeles"))
        own = pacific.astimezone(zone)
        shown = await client.all_rows(
            f"{owner}/{EDGE}", **FEED, datetime=f"{own:%Y-%m-%dT%H:00}", advertiser_time_zone="true"
        )
        same = shown == await truth(client, f"{pacific:%Y-%m-%dT%H:00}", ad_set=owner)
        assert same == (own.minute == 0 or not shown)


async def test_refusals(calm_client: Client) -> None:
    """A bad cursor, an hour outside the window, and what is no ad set each have their error."""
    client = calm_client
    path = f"{adset(client)}/{EDGE}"
    cursor = await client.get(path, **FEED, datetime=HOUR, after="bad")
    assert (cursor.status, cursor.error["code"], cursor.error["error_subcode"]) == (400, 100, 2349049)
    outside = await client.get(path, **FEED, datetime="2026-11-01T00:00")
    assert (outside.error["code"], outside.error["error_subcode"]) == (100, 2349048)
    campaign = client.server.state.world.children("111", "campaign")[0].id
    assert (await client.get(f"{campaign}/{EDGE}", **FEED)).error["error_subcode"] == 33
    assert (await client.get(f"12/{EDGE}", **FEED)).error["error_subcode"] == 33


async def test_permission(start: Start) -> None:
    """An account that may not be read is refused with 200, and a retired endpoint can be ordered."""
    retired = {"match": {"op": "safety_report"}, "times": None, "do": {"fault": "100/33"}}
    async with start(scenario={**calm(), "refused_accounts": ["222"], "rules": [retired]}) as client:
        refused = await client.get(f"{adset(client, '222')}/{EDGE}", **FEED)
        assert (refused.status, refused.error["code"]) == (403, 200)
        gone = await client.get(f"{adset(client)}/{EDGE}", **FEED)
        assert (gone.error["code"], gone.error["error_subcode"]) == (100, 33)


async def test_missing_hours_are_empty(start: Start) -> None:
    """An hour that has not come has no rows."""
    hours = [{"match": {"datetime": HOUR}, "lost": True}]
    async with start(scenario=calm(hours=hours)) as client:
        assert (await client.get(f"{adset(client)}/{EDGE}", **FEED, datetime=HOUR)).body == {"data": []}
