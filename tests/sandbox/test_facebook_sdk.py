"""Meta's own SDK, which nobody here wrote, works against the sandbox."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from facebook_business.adobjects.ad import Ad
from facebook_business.adobjects.adaccount import AdAccount
from facebook_business.adobjects.adreportrun import AdReportRun
from facebook_business.adobjects.campaign import Campaign
from facebook_business.api import FacebookAdsApi
from facebook_business.exceptions import FacebookRequestError
from facebook_business.session import FacebookSession

from tests.sandbox.client import TOKEN, Client
from tests.sandbox.conftest import Start

WEEK = {"since": "2026-11-10", "until": "2026-11-16"}
FIELDS = ["ad_id", "impressions", "spend", "actions"]
PARAMS = {"level": "ad", "time_range": WEEK, "time_increment": 1, "limit": 10}
SECRET = "hush"


@pytest.fixture
async def sandbox(start: Start, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Client]:
    """A sandbox that requires proofs, with the SDK pointed at it."""
    async with start(app_secret=SECRET, require_proof=True) as client:
        monkeypatch.setattr(FacebookSession, "GRAPH", client.server.url)
        yield client


def account() -> AdAccount:
    """Return the SDK's account 111 with a session of its own."""
    session = FacebookSession("700", SECRET, TOKEN)
    session.requests.verify = False
    return AdAccount("act_111", api=FacebookAdsApi(session, api_version="v25.0"))


def plain(rows: Any) -> list[dict[str, Any]]:
    """Return the SDK's rows as dictionaries, by ad and day."""
    found = [row.export_all_data() for row in rows]
    return sorted(found, key=lambda row: (row["ad_id"], row["date_start"]))


async def truth(sandbox: Client) -> list[dict[str, Any]]:
    """Return what the rows must be."""
    rows = await sandbox.truth(level="ad", fields=FIELDS, time_range=WEEK, time_increment="1")
    return sorted(rows, key=lambda row: (row["ad_id"], row["date_start"]))


async def test_synchronous_insights(sandbox: Client) -> None:
    """The SDK pages synchronous insights to the last row."""
    rows = await asyncio.to_thread(lambda: plain(account().get_insights(fields=FIELDS, params=PARAMS)))
    assert rows == await truth(sandbox)
    assert len(rows) > 20


async def test_asynchronous_run(sandbox: Client) -> None:
    """The SDK submits a run, polls it to completion and pages its rows to the last one."""

    def submit() -> AdReportRun:
        found: AdReportRun = account().get_insights_async(fields=FIELDS, params=PARAMS)
        return found

    run = await asyncio.to_thread(submit)
    seen: list[str] = []
    while not seen or seen[-1] != "Job Completed":
        await asyncio.to_thread(run.api_get)
        seen.append(run["async_status"])
        sandbox.later(0.2)
    rows = await asyncio.to_thread(lambda: plain(run.get_insights(params={"limit": 10})))
    assert list(dict.fromkeys(seen)) == ["Job Not Started", "Job Started", "Job Running", "Job Completed"]
    assert rows == await truth(sandbox)


@pytest.mark.filterwarnings("ignore:ads does not allow field")  # the SDK knows no nested selection
async def test_listings(sandbox: Client) -> None:
    """The SDK lists campaigns and ads with their creatives over several pages."""

    def listed() -> tuple[list[Campaign], list[Ad]]:
        campaigns = account().get_campaigns(fields=["name", "objective"], params={"limit": 2})
        ads = account().get_ads(fields=["name", "creative{id,name}"], params={"limit": 2})
        return list(campaigns), list(ads)

    campaigns, ads = await asyncio.to_thread(listed)
    wanted = (await sandbox.get("/sandbox/truth/objects", account="111", kind="campaigns")).body["objects"]
    live = [found for found in wanted if found["effective_status"] not in {"ARCHIVED", "DELETED"}]
    assert [found["id"] for found in campaigns] == [found["id"] for found in live]
    assert [found["name"] for found in campaigns] == [found["name"] for found in live]
    assert all({"id", "name"} == set(ad["creative"].export_all_data()) for ad in ads)
    assert len(ads) > 4


async def test_batch(sandbox: Client) -> None:
    """The SDK's batch calls back for each part, the failed ones apart."""
    good: list[Any] = []
    bad: list[Any] = []

    def send() -> None:
        owner = account()
        batch = owner.get_api_assured().new_batch()
        owner.api_get(fields=["name"], batch=batch, success=good.append, failure=bad.append)
        Ad("120299999999999999", api=owner.get_api_assured()).api_get(
            fields=["name"], batch=batch, success=good.append, failure=bad.append
        )
        batch.execute()

    await asyncio.to_thread(send)
    assert [reply.json() for reply in good] == [{"name": "Account 111", "id": "act_111"}]
    assert [(reply.status(), reply.json()["error"]["error_subcode"]) for reply in bad] == [(400, 33)]
    assert (await sandbox.get("/sandbox/calls")).body["by_op"]["batch"] == 1


async def test_errors(sandbox: Client) -> None:
    """The SDK understands the error envelope."""
    await sandbox.control("scenario", [{"match": {"op": "sync"}, "do": {"fault": "100/1487534"}}])
    with pytest.raises(FacebookRequestError) as caught:
        await asyncio.to_thread(lambda: list(account().get_insights(fields=FIELDS, params=PARAMS)))
    assert (caught.value.api_error_code(), caught.value.api_error_subcode()) == (100, 1487534)
    assert caught.value.http_status() == 400
