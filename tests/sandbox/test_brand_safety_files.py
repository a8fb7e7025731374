import gzip
import json
import re
import zlib
from typing import Any
from urllib.parse import urlsplit

import aiohttp
import pytest

from tests.sandbox.brand_safety_client import FEED, HOUR, calm, fetched, files_host, lines_of, listing, true_rows
from tests.sandbox.client import TOKEN, Client
from tests.sandbox.conftest import Start

WHERE = {**FEED, "business": "900", "datetime": HOUR}
SIDES = ("id", "root_id", "owner_id", "root_owner_id", "language", "position", "distance", "privacy")
COLUMNS = [
    *("time_key", "ad_account_id", "campaign_id", "ad_set_id", "ad_id", "impression_id"),
    *(f"above_content_{name}" for name in SIDES),
    *(f"below_content_{name}" for name in SIDES),
]


async def downloads(client: Client) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = (await client.get("/sandbox/brand_safety/downloads")).body["downloads"]
    return found


async def test_files_equal_the_truth(start: Start) -> None:
    """The files of an hour hold the truth, line by line, under the names that the API gives them."""
    async with start() as client:
        entries = (await listing(client)).rows
        names = [f"brand_suitability_facebook_feed_{HOUR}_biz_900_{i + 1}_of_{len(entries)}.jsonl.gz" for i in range(9)]
        assert [entry["name"] for entry in entries] == names[: len(entries)]
        assert [entry["index"] for entry in entries] == list(range(1, len(entries) + 1))
        served = [json.loads(line) for entry in entries for line in await lines_of(client, entry["download_url"])]
        truth = await true_rows(client)
        places = [(row.pop("part"), row.pop("line")) for row in truth]
        assert served == truth
        assert places == sorted(places)
        assert list(served[0]) == COLUMNS
        assert len({row["impression_id"] for row in served}) == len(served) > 50


async def test_impressions_name_ads_of_the_business(start: Start) -> None:
    """Every impression belongs to an ad of the world, in an account that the business owns or works for."""
    async with start(scenario=calm(lines=3000)) as client:
        world = client.server.state.world
        rows = await true_rows(client)
        for row in rows:
            ad = world.nodes[row["ad_id"]]
            assert (ad.account_id, ad.campaign_id, ad.adset_id) == (
                row["ad_account_id"],
                row["campaign_id"],
                row["ad_set_id"],
            )
        assert {row["ad_account_id"] for row in rows} == {"111", "222", "333"}
        assert {row["ad_account_id"] for row in await true_rows(client, business="901")} == {"333"}


async def test_private_content_has_no_ids(start: Start) -> None:
    """A side without ids is private and has no language; others are public, and some have no language either."""
    async with start(scenario=calm(lines=3000)) as client:
        rows = await true_rows(client)
    for side in ("above", "below"):
        private = [row for row in rows if row[f"{side}_content_privacy"] == "private"]
        assert all(row[f"{side}_content_{name}"] is None for row in private for name in SIDES[:5])
        public = [row for row in rows if row[f"{side}_content_privacy"] == "public"]
        assert all(row[f"{side}_content_{name}"] for row in public for name in SIDES[:4])
        assert 0 < len(private) < len(public)
        assert 0 < sum(row[f"{side}_content_language"] is None for row in public) < len(public) / 2
        shared = [row for row in public if row[f"{side}_content_id"] != row[f"{side}_content_root_id"]]
        assert 0 < len(shared) < len(public) / 2


async def test_sums(start: Start) -> None:
    """The sums of an hour are those of its rows."""
    async with start(scenario=calm(lines=4100, parts=1)) as client:
        rows = await true_rows(client)
        sums = (await client.get("/sandbox/truth/brand_safety/sums", **WHERE)).body
    assert (sums["lines"], sums["rows"]) == (4100, 4100)
    assert sums["impression_id_sum"] == str(sum(int(row["impression_id"]) for row in rows))
    assert sum(sums["by"]["ad_id"].values()) == 4100
    assert sums["by"]["above_content_language"]["en"] == sum(row["above_content_language"] == "en" for row in rows)


async def test_listings_live_on_their_own_host(start: Start) -> None:
    """Listings are answered by the files' host only, which knows nothing else; the token must come in the header."""
    async with start(scenario=calm()) as client:
        path = "adjacent_content_delivery_reports/900/file_download"
        assert urlsplit(files_host(client.server)).port != urlsplit(client.server.url).port
        assert (await client.get(path, **FEED, datetime=HOUR)).error["code"] == 2500
        assert (await client.get(f"{files_host(client.server)}/v25.0/act_111")).error["code"] == 2500
        assert len((await client.get(f"{files_host(client.server)}/v25.0/{path}", **FEED, datetime=HOUR)).rows) == 2
        assert (await listing(client, access_token=TOKEN)).error["code"] == 190
        client.headers = {}
        assert (await listing(client)).error["code"] == 2500


@pytest.mark.parametrize(
    ("hour", "code", "subcode"),
    [
        ("2026-11-06T23:00", 100, 2349048),
        ("2026-11-24T00:00", 100, 2349048),
        ("2026-02-31T00:00", 100, None),
        ("2026-11-20T05:30", 100, None),
        ("", 100, None),
    ],
)
async def test_hours_that_cannot_be_asked(start: Start, hour: str, code: int, subcode: int | None) -> None:
    """An hour outside the window is out of range, a text that is no whole hour is a plain 100."""
    async with start() as client:
        answer = await listing(client, hour=hour)
        assert (answer.status, answer.error["code"], answer.error.get("error_subcode")) == (400, code, subcode)


async def test_capability(start: Start) -> None:
    """A business without the capability is refused with 200 and 403, the other one is served."""
    async with start(scenario=calm(no_capability=["901"])) as client:
        refused = await listing(client, business="901")
        assert (refused.status, refused.error["code"]) == (403, 200)
        assert (await listing(client)).status == 200
        await client.control("scenario", calm(no_capability=["*"]))
        ranges = await client.get("adjacent_content_delivery_report_date_ranges", **FEED)
        assert (ranges.status, ranges.error["code"]) == (403, 200)
        assert (await listing(client)).status == 403
        await client.control("scenario", calm())
        unknown = await listing(client, business="999")
        assert (unknown.error["code"], unknown.error["error_subcode"]) == (100, 33)


async def test_addresses_expire(start: Start) -> None:
    """A signed address opens until it expires, then it answers 403; so does one that somebody changed."""
    async with start(scenario=calm(), file_url_seconds=60) as client:
        url = (await listing(client)).rows[0]["download_url"]
        assert (await fetched(client, url))[0] == 200
        assert (await fetched(client, re.sub("expires=", "expires=9", url)))[0] == 403
        assert (await fetched(client, url.replace("_1_of_2", "_2_of_2")))[0] == 403
        client.later(60)
        assert (await fetched(client, url))[0] == 403
        fresh = (await listing(client)).rows[0]["download_url"]
        assert (await fetched(client, fresh))[0] == 200
        assert [download["status"] for download in await downloads(client)] == [200, 403, 403, 403, 200]


async def test_a_token_sent_to_an_address_is_noted(start: Start) -> None:
    """Each download is noted with whether our token came along, in a header or in the address."""
    async with start(scenario=calm()) as client:
        url = (await listing(client)).rows[0]["download_url"]
        await fetched(client, url)
        await fetched(client, url, Authorization=f"Bearer {TOKEN}")
        await fetched(client, f"{url}&access_token={TOKEN}")
        assert [download["authorization"] for download in await downloads(client)] == [False, True, True]
        await client.control("brand_safety/reset_downloads", {})
        assert await downloads(client) == []


async def first_file(client: Client) -> tuple[int, bytes]:
    return await fetched(client, (await listing(client)).rows[0]["download_url"])


async def test_broken_files(start: Start) -> None:
    """A file can end too early, fail its checksum, be refused, be a page, or break off; the next time it is whole."""
    deeds = [{"truncate": 1500}, {"wrong_crc": True}, {"status": 403}, {"html": True}, {"cut": 1500}]
    files = [{"match": {"index": 1}, "times": 1, "do": do} for do in deeds]
    async with start(scenario=calm(files=files)) as client:
        truncated = (await first_file(client))[1]
        assert len(truncated) == 1500
        with pytest.raises(EOFError):
            gzip.decompress(truncated)
        wrong = (await first_file(client))[1]
        with pytest.raises(gzip.BadGzipFile, match="CRC"):
            gzip.decompress(wrong)
        assert zlib.decompressobj(-15).decompress(wrong[10:]).count(b"\n") == 50
        assert (await first_file(client))[0] == 403
        assert (await first_file(client))[1].startswith(b"<html>")
        with pytest.raises(aiohttp.ClientPayloadError):
            await first_file(client)
        assert gzip.decompress((await first_file(client))[1]).count(b"\n") == 50
        await client.control("scenario", calm(files=[{"do": {"rate": 10**9}}]))
        assert gzip.decompress((await first_file(client))[1]).count(b"\n") == 50


async def test_broken_lines(start: Start) -> None:
    """Lines can be torn, hold values that do not fit, unknown members or bare numbers; the truth has only rows."""
    lines = [
        {"match": {"index": 1, "line": 3}, "do": {"raw": '{"time_key":"2026'}},
        {"match": {"index": 1, "line": 4}, "do": {"spoil": {"above_content_distance": "near"}}},
        {"match": {"index": 1, "line": 5}, "do": {"set": {"brand_new": "x"}}},
        {"match": {"index": 2, "every": 25}, "do": {"numeric_ids": True}},
    ]
    async with start(scenario=calm(lines_of=lines)) as client:
        first, second = [await lines_of(client, entry["download_url"]) for entry in (await listing(client)).rows]
        truth = {(row.pop("part"), row.pop("line")): row for row in await true_rows(client)}
        broken = (await client.get("/sandbox/truth/brand_safety/broken", **WHERE)).body["lines"]
    assert first[2] == '{"time_key":"2026'
    assert json.loads(first[3])["above_content_distance"] == "near"
    assert [(line["part"], line["line"], line["text"]) for line in broken] == [(1, 3, first[2]), (1, 4, first[3])]
    assert (1, 3) not in truth
    assert (1, 4) not in truth
    assert truth[1, 5] == json.loads(first[4])
    assert truth[1, 5]["brand_new"] == "x"
    for number in (25, 50):
        served = json.loads(second[number - 1])
        assert isinstance(served["impression_id"], int)
        assert {key: str(value) for key, value in served.items() if isinstance(value, int)}.items() <= {
            **truth[2, number],
            "above_content_distance": "1",
            "below_content_distance": "1",
        }.items()
    assert len(truth) == 98


async def test_odd_listings(start: Start) -> None:
    """A listing can show some parts only, none, a part under another name, or one part under two names."""
    listings = [
        {"times": 1, "do": {"only": [2]}},
        {"times": 1, "do": {"empty": True}},
        {"times": 1, "do": {"rename": {"1": "odd.gz"}}},
        {"times": 1, "do": {"again": {"2": "twice_2_of_2.jsonl.gz"}}},
    ]
    async with start(scenario=calm(listings=listings)) as client:
        found = [[(entry["index"], entry["name"]) for entry in (await listing(client)).rows] for _ in range(5)]
        one, two = found[4]
        assert found[:4] == [[two], [], [(1, "odd.gz"), two], [one, two, (2, "twice_2_of_2.jsonl.gz")]]
        await client.control("scenario", calm(listings=listings[2:]))
        odd = (await listing(client)).rows[0]["download_url"]
        again = (await listing(client)).rows
        assert await lines_of(client, odd) == await lines_of(client, again[0]["download_url"])
        assert await lines_of(client, again[1]["download_url"]) == await lines_of(client, again[2]["download_url"])


async def test_large_files_need_no_disk(start: Start) -> None:
    """A part has exactly the lines that a scenario asks for, and its octets follow from the seed alone."""
    hours = [{"match": {"datetime": HOUR, "business": "900"}, "parts": 3, "lines": 20_001}]
    async with start(scenario=calm(hours=hours)) as client:
        entries = (await listing(client)).rows
        assert len(entries) == 3
        first, again = [(await fetched(client, entries[2]["download_url"]))[1] for _ in range(2)]
    assert first == again
    lines = gzip.decompress(first).splitlines()
    assert len(lines) == 20_001
    assert len({json.loads(line)["impression_id"] for line in lines}) == 20_001


async def test_unknown_words(start: Start) -> None:
    """A scenario that says something unknown about brand safety is refused with its name."""
    async with start() as client:
        for document in ({"line": 3}, {"files": [{"do": {"burn": 1}}]}, {"hours": [{"match": {"day": 1}}]}):
            answer = await client.control("scenario", {"brand_safety": document})
            assert answer.status == 400
            assert "does not know" in answer.body["error"]


async def test_the_quota_is_counted(start: Start) -> None:
    """So many brand-safety calls an hour pass; the next ones get 80011 until the hour is over, others do not."""
    async with start(scenario=calm(), safety_scale=5 / 4800) as client:
        statuses = [(await listing(client)).status for _ in range(6)]
        assert statuses == [200] * 5 + [400]
        answer = await client.get("adjacent_content_delivery_report_date_ranges", **FEED)
        assert (answer.status, answer.error["code"]) == (400, 80011)
        assert (await client.get("act_111")).status == 200
        client.later(3660)
        assert (await listing(client)).status == 200
