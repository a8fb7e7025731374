from tests.sandbox.client import Client
from tests.sandbox.conftest import Start


async def test_only_id_without_fields(client: Client) -> None:
    """Without fields a node is its id, and an account also its digits."""
    campaign = (await client.get("act_111/campaigns")).rows[0]
    assert set(campaign) == {"id"}
    assert (await client.get("act_111")).body == {"account_id": "111", "id": "act_111"}


async def test_nested_selection(client: Client) -> None:
    """Braces select inside what an object points at."""
    ad = (await client.get("act_111/ads", fields="name,creative{id,name},adset{name,campaign{objective}}")).rows[0]
    assert set(ad) == {"id", "name", "creative", "adset"}
    assert set(ad["creative"]) == {"id", "name"}
    assert set(ad["adset"]["campaign"]) == {"id", "objective"}


async def test_unknown_field(client: Client) -> None:
    """An unknown field fails the call and names the node's type."""
    answer = await client.get("act_111/campaigns", fields="id,colour")
    assert answer.status == 400
    assert answer.error["message"] == "(#100) Tried accessing nonexisting field (colour) on node type (AdCampaignGroup)"


async def test_unbalanced_braces(client: Client) -> None:
    """Fields that cannot be parsed are code 2500."""
    assert (await client.get("act_111/ads", fields="id,creative{id")).error["code"] == 2500


async def test_businesses(client: Client) -> None:
    """The two businesses own the accounts, and one is a client's."""
    owned = (await client.get("900/owned_ad_accounts", fields="account_id")).rows
    clients = (await client.get("900/client_ad_accounts", fields="account_id,business{id,name}")).rows
    assert [account["account_id"] for account in owned] == ["111", "222"]
    assert clients == [
        {"account_id": "333", "business": {"id": "901", "name": 'Contoso "Media" 📣'}, "id": "act_333"},
    ]
    assert [found["account_id"] for found in (await client.get("me/adaccounts")).rows] == ["111", "222", "333"]
    assert [found["id"] for found in (await client.get("me/businesses")).rows] == ["900", "901"]


async def test_summary(client: Client) -> None:
    """summary=total_count counts the whole list."""
    answer = await client.get("act_111/ads", summary="total_count", limit="1")
    assert answer.body["summary"] == {"total_count": len(await client.all_rows("act_111/ads"))}


async def test_money_and_moments(client: Client) -> None:
    """Money is minor units as text, a bid is a number, moments carry the account's offset."""
    adsets = (await client.get("/sandbox/truth/objects", account="222", kind="adsets")).body["objects"]
    assert all(adset["lifetime_budget"].isdigit() for adset in adsets)
    assert all(isinstance(adset["bid_amount"], int) for adset in adsets if "bid_amount" in adset)
    assert any("bid_amount" not in adset for adset in adsets)
    assert {adset["created_time"][-5:] for adset in adsets} == {"+0530"}


async def test_ids_exceed_floats(client: Client) -> None:
    """Ids have 18 digits, above 2^53."""
    ads = (await client.get("/sandbox/truth/objects", account="111", kind="ads")).body["objects"]
    assert {len(ad["id"]) for ad in ads} == {18}
    assert min(int(ad["id"]) for ad in ads) > 2**53


async def test_heavy_pages(client: Client) -> None:
    """Creatives and targeting come at most 200 a page, anything else 500."""
    for path, fields, limit, status in (
        ("act_111/campaigns", "id", "500", 200),
        ("act_111/campaigns", "id", "501", 500),
        ("act_111/adsets", "id,targeting", "201", 500),
        ("act_111/adcreatives", "id", "201", 500),
    ):
        assert (await client.get(path, fields=fields, limit=limit)).status == status


async def test_bad_cursor(client: Client) -> None:
    """A cursor that is none is code 2642."""
    assert (await client.get("act_111/ads", after="???")).error["code"] == 2642
    assert (await client.get("act_111/insights", after="???")).error["code"] == 2642


async def test_old_protocol(start: Start) -> None:
    """ETags and `?ids=` work until v25 and are gone in v26."""
    async with start(profile=25) as client:
        tag = (await client.get("act_111")).headers["ETag"]
        client.headers["If-None-Match"] = tag
        assert (await client.get("act_111")).status == 304
        both = await client.get("/v25.0/", ids="act_111,act_222", fields="name")
        assert both.body["act_222"] == {"name": "Account 222", "id": "act_222"}
    async with start(profile=26) as client:
        assert "ETag" not in (await client.get("/v26.0/act_111")).headers
        assert (await client.get("/v26.0/", ids="act_111,act_222")).status == 400


async def test_unknown_edge(client: Client) -> None:
    """An edge that a node does not have is code 100."""
    assert (await client.get("act_111/insight")).error["code"] == 100


async def test_nested_insights(client: Client) -> None:
    """A node's fields can hold insights with arguments, equal to those of its own edge."""
    asked = "insights.level(ad).time_range({'since':'2026-11-10','until':'2026-11-16'}).limit(2){ad_id,impressions}"
    nested = (await client.get("act_111", fields=f"name,{asked}")).body["insights"]
    own = await client.all_rows(
        "act_111/insights",
        level="ad",
        time_range={"since": "2026-11-10", "until": "2026-11-16"},
        fields="ad_id,impressions",
    )
    assert nested["data"] == own[:2]
    assert (await client.get(nested["paging"]["next"])).rows == own[2:4]


async def test_nested_edges(client: Client) -> None:
    """A node's fields can hold an edge with a limit, whose `next` is a listing."""
    ads = (await client.get("act_111", fields="ads.limit(2){id,name}")).body["ads"]
    every = await client.all_rows("act_111/ads", fields="id,name")
    assert ads["data"] == every[:2]
    assert (await client.get(ads["paging"]["next"])).rows == every[2:4]


async def test_permissions(client: Client) -> None:
    """The token's permissions can be read."""
    granted = {entry["permission"] for entry in (await client.get("me/permissions")).rows}
    assert granted == {"ads_read", "ads_management", "business_management", "read_insights"}


async def test_objects_can_be_edited(client: Client) -> None:
    """A control call changes an object for listings, nodes and insights alike."""
    ad = (await client.get("act_111/ads", fields="name")).rows[0]["id"]
    change = {"name": "Renamed", "updated_time": "2026-11-22T19:00:00-0800"}
    await client.control("objects", {"id": ad, "set": change})
    assert (await client.get("act_111/ads", fields="name,updated_time")).rows[0] == {"id": ad, **change}
    recent = [{"field": "ad.updated_time", "operator": "GREATER_THAN", "value": 1_795_000_000}]
    assert [found["id"] for found in (await client.get("act_111/ads", filtering=recent)).rows] == [ad]
    only = [{"field": "ad.id", "operator": "IN", "value": [ad]}]
    rows = await client.truth(level="ad", fields="ad_name", date_preset="last_30d", filtering=only)
    assert [row["ad_name"] for row in rows] == ["Renamed"]


async def test_objects_can_vanish(client: Client) -> None:
    """A removed creative is 100/33 by its id and missing from the listing."""
    creative = (await client.get("act_111/adcreatives")).rows[0]["id"]
    await client.control("objects", {"id": creative, "remove": True})
    assert (await client.get(creative)).error["error_subcode"] == 33
    assert creative not in {found["id"] for found in (await client.get("act_111/adcreatives", limit="100")).rows}
