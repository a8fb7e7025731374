"""What the tests of brand safety ask of a sandbox beside Graph's calls: listings, files and the truth."""

import gzip
import json
from typing import Any

from sandbox.main import Running
from tests.sandbox.client import Answer, Client

FEED = {"platform": "facebook", "position": "feed"}
HOUR = "2026-11-20T05:00"
CALM = {"late": 0, "lost": 0, "partial": 0, "empty": 0}


def calm(**more: Any) -> dict[str, Any]:
    """A scenario in which every hour comes whole, apart from what is told."""
    return {"brand_safety": {"shares": CALM, "parts": 2, "lines": 50, **more}}


async def listing(client: Client, business: str = "900", hour: str = HOUR, **more: Any) -> Answer:
    """Ask the files' host for an hour's files."""
    url = f"{files_host(client.server)}/adjacent_content_delivery_reports/{business}/file_download"
    return await client.get(url, **{**FEED, "datetime": hour, **more})


def files_host(server: Running) -> str:
    return server.files


async def fetched(client: Client, url: str, **headers: str) -> tuple[int, bytes]:
    """Fetch a signed address as it must be: without our token."""
    async with client.session.get(url, headers=headers) as response:
        return response.status, await response.read()


async def lines_of(client: Client, url: str) -> list[str]:
    """Fetch a file and return its lines."""
    status, body = await fetched(client, url)
    assert status == 200
    return gzip.decompress(body).decode().splitlines()


async def true_rows(client: Client, business: str = "900", hour: str = HOUR, **more: str) -> list[dict[str, Any]]:
    """Ask for an hour's rows as they should be."""
    where = {**FEED, "business": business, "datetime": hour, **more}
    async with client.session.get(f"{client.server.url}/sandbox/truth/brand_safety", params=where) as response:
        return [json.loads(line) for line in (await response.text()).splitlines()]


async def true_hours(client: Client, **more: str) -> dict[str, dict[str, Any]]:
    """Ask for the fate of every hour in the window."""
    answer = await client.get("/sandbox/truth/brand_safety/hours", **FEED, **more)
    return {hour["datetime"]: hour for hour in answer.body["hours"]}
