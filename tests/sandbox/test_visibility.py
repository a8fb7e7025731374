from typing import Any

import pytest

from tests.sandbox.client import Client

MONTH = {"since": "2026-09-01", "until": "2026-11-21"}
ASKED: dict[str, Any] = {"level": "ad", "fields": "ad_id,impressions", "time_range": MONTH, "limit": "500"}
HIDDEN = {"ARCHIVED", "DELETED"}
DELIVERING = [{"field": "ad.impressions", "operator": "GREATER_THAN", "value": 0}]


async def statuses(client: Client, path: str, **asked: Any) -> set[str]:
    """Return the statuses of the ads in the rows of an edge."""
    ads = (await client.get("/sandbox/truth/objects", account="111", kind="ads")).body["objects"]
    known = {ad["id"]: ad["effective_status"] for ad in ads}
    return {known[row["ad_id"]] for row in await client.all_rows(path, **ASKED, **asked)}


async def test_account_without_filtering(client: Client) -> None:
    """The account's edge lists archived and deleted rows when nothing is filtered."""
    assert await statuses(client, "act_111/insights") >= HIDDEN


async def test_account_with_filtering(client: Client) -> None:
    """Any filtering that names no status leaves archived and deleted rows out."""
    assert not await statuses(client, "act_111/insights", filtering=DELIVERING) & HIDDEN


async def test_status_filter(client: Client) -> None:
    """A filter on effective_status gives exactly those statuses."""
    wanted = [{"field": "ad.effective_status", "operator": "IN", "value": ["ARCHIVED", "DELETED"]}]
    assert await statuses(client, "act_111/insights", filtering=wanted) == HIDDEN


async def test_lower_edge(client: Client) -> None:
    """A campaign's edge leaves archived and deleted children out, but its own row contains them."""
    ads = (await client.get("/sandbox/truth/objects", account="111", kind="ads")).body["objects"]
    live = {"ACTIVE", "ADSET_PAUSED", "PENDING_REVIEW"}
    campaign = next(
        ad["campaign_id"]
        for ad in ads
        if ad["effective_status"] == "ARCHIVED"
        and any(other["campaign_id"] == ad["campaign_id"] and other["effective_status"] in live for other in ads)
    )
    assert not await statuses(client, f"{campaign}/insights") & HIDDEN
    whole = await client.get(f"{campaign}/insights", fields="impressions", time_range=MONTH)
    parts = await client.all_rows(f"{campaign}/insights", **ASKED)
    assert int(whole.rows[0]["impressions"]) > sum(int(row["impressions"]) for row in parts)


async def test_deleted_ad_by_its_own_id(client: Client) -> None:
    """A deleted ad's own edge answers for ever."""
    wanted = [{"field": "ad.effective_status", "operator": "IN", "value": ["DELETED"]}]
    row = (await client.get("act_111/insights", **ASKED, filtering=wanted)).rows[0]
    own = await client.get(f"{row['ad_id']}/insights", fields="impressions", time_range=MONTH)
    assert own.rows[0]["impressions"] == row["impressions"]
    assert (await client.get(row["ad_id"], fields="effective_status")).body["effective_status"] == "DELETED"


@pytest.mark.parametrize("kind", ["campaigns", "adsets", "ads", "adcreatives"])
async def test_listings_hide_what_is_gone(client: Client, kind: str) -> None:
    """List edges show neither archived nor deleted objects, and page to every other one."""
    truth = (await client.get("/sandbox/truth/objects", account="111", kind=kind)).body["objects"]
    name = "status" if kind == "adcreatives" else "effective_status"
    wanted = [item["id"] for item in truth if item[name] not in HIDDEN]
    listed = await client.all_rows(f"act_111/{kind}", fields="id", limit="3")
    assert [item["id"] for item in listed] == wanted
    assert 3 < len(listed) < len(truth)


async def test_listing_by_status(client: Client) -> None:
    """The effective_status parameter and a filter on it bring what is gone."""
    by_parameter = await client.all_rows("act_111/ads", fields="effective_status", effective_status=["ARCHIVED"])
    assert {ad["effective_status"] for ad in by_parameter} == {"ARCHIVED"}
    wanted = [{"field": "ad.effective_status", "operator": "IN", "value": ["DELETED"]}]
    by_filter = await client.all_rows("act_111/ads", fields="effective_status", filtering=wanted)
    assert {ad["effective_status"] for ad in by_filter} == {"DELETED"}


async def test_listing_by_updated_time(client: Client) -> None:
    """A filter on updated_time keeps what changed after a Unix moment."""
    every = await client.all_rows("act_111/ads", fields="updated_time", limit="100")
    moments = sorted(ad["updated_time"] for ad in every)
    limit = 1_780_000_000
    wanted = [{"field": "ad.updated_time", "operator": "GREATER_THAN", "value": limit}]
    later = await client.all_rows("act_111/ads", fields="updated_time", filtering=wanted)
    assert 0 < len(later) < len(moments)


async def test_every_status_is_there(client: Client) -> None:
    """The small world has all twelve statuses of ads."""
    found: set[str] = set()
    for account in ("111", "222", "333"):
        ads = (await client.get("/sandbox/truth/objects", account=account, kind="ads")).body["objects"]
        found |= {ad["effective_status"] for ad in ads}
    assert found == {
        "ACTIVE", "PAUSED", "DELETED", "ARCHIVED", "IN_PROCESS", "WITH_ISSUES", "CAMPAIGN_PAUSED", "ADSET_PAUSED",
        "PENDING_REVIEW", "DISAPPROVED", "PREAPPROVED", "PENDING_BILLING_INFO",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("condition", "count"),
    [
        ({"field": "ad.id", "operator": "IN", "value": ["{first}"]}, 1),
        ({"field": "ad.id", "operator": "NOT_EQUAL", "value": "{first}"}, -1),
        ({"field": "ad.name", "operator": "STARTS_WITH", "value": "ad 1 "}, 1),
        ({"field": "ad.name", "operator": "CONTAIN", "value": "no such name"}, 0),
        ({"field": "impressions", "operator": "LESS_THAN", "value": 1}, 0),
        ({"field": "spend", "operator": "GREATER_THAN_OR_EQUAL", "value": "0.01"}, None),
    ],
)
async def test_filtering(client: Client, condition: dict[str, Any], count: int | None) -> None:
    """Operators select by ids, names and numbers; a negative count means all but so many."""
    first = (await client.truth(level="ad", fields="ad_id", time_range=MONTH))[0]["ad_id"]
    live = len(await client.all_rows("act_111/insights", **ASKED, filtering=DELIVERING))
    value = condition["value"]
    filled = [first] if isinstance(value, list) else first if value == "{first}" else value
    rows = await client.all_rows("act_111/insights", **ASKED, filtering=[condition | {"value": filled}])
    expected = live if count is None else live + count if count < 0 else count
    assert len(rows) == expected
