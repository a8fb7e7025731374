from datetime import UTC, datetime
from typing import Any

import pytest

from tests.sandbox.brand_safety_client import CALM, FEED, calm, listing, true_hours
from tests.sandbox.client import Client
from tests.sandbox.conftest import Start

RANGES = "adjacent_content_delivery_report_date_ranges"


async def ranges(client: Client, **more: Any) -> dict[str, Any]:
    rows = (await client.get(RANGES, **{**FEED, **more})).rows
    assert len(rows) == 1
    return rows[0]


async def test_a_day_arrives_after_its_end(start: Start) -> None:
    """A day of Los Angeles appears as a whole between eight and ten hours after its end, and not before."""
    async with start(now=datetime(2026, 11, 23, 15, 59, tzinfo=UTC), scenario=calm()) as client:
        assert (await ranges(client))["latest_datetime"] == "2026-11-21T23:00"
        client.later(2 * 3600 + 60)
        assert await ranges(client) == {
            "earliest_datetime": "2026-11-08T00:00",
            "latest_datetime": "2026-11-22T23:00",
            "missing_datetimes": [],
        }


async def test_the_window_moves(start: Start) -> None:
    """The window begins fifteen days before the present day of Los Angeles."""
    async with start(now=datetime(2026, 11, 23, 7, 59, tzinfo=UTC), scenario=calm()) as client:
        assert (await ranges(client))["earliest_datetime"] == "2026-11-07T00:00"
        client.later(60)
        assert (await ranges(client))["earliest_datetime"] == "2026-11-08T00:00"


async def test_missing_hours_come_late_or_never(start: Start) -> None:
    """Every missing hour is one that is late or lost by the truth; late ones come in time."""
    scenario = {"brand_safety": {"shares": {**CALM, "late": 0.2, "lost": 0.05}}}
    async with start(scenario=scenario) as client:
        missing = (await ranges(client, is_download="true"))["missing_datetimes"]
        hours = await true_hours(client, business="900")
        assert missing == [label for label, hour in hours.items() if hour["state"] in {"late", "lost"}]
        assert {hour["state"] for hour in hours.values()} == {"whole", "late", "lost"}
        client.later(4 * 86_400)
        still = set((await ranges(client, is_download="true"))["missing_datetimes"])
        assert {label for label in missing if hours[label]["state"] == "late"} & still == set()
        assert {label for label in missing if hours[label]["state"] == "lost"} >= still & set(missing)


async def test_both_kinds_of_ranges(start: Start) -> None:
    """Files and ad-set reports have missing hours of their own."""
    async with start() as client:
        files = await ranges(client, is_download="true")
        assert files["missing_datetimes"] != (await ranges(client, is_download="false"))["missing_datetimes"]
        assert await ranges(client) == await ranges(client, is_download="false")


async def test_fields_of_ranges(start: Start) -> None:
    """Only what `fields` asks for is told, and an unknown field is refused."""
    async with start(scenario=calm(dates={"latest_datetime": "2024-02-31T23:00"})) as client:
        assert await ranges(client, fields="latest_datetime") == {"latest_datetime": "2024-02-31T23:00"}
        assert (await client.get(RANGES, **FEED, fields="middle")).error["code"] == 100


@pytest.mark.parametrize(
    ("asked", "subcode"),
    [
        ({"platform": "myspace"}, 2349046),
        ({"platform": ""}, 2349046),
        ({"position": "stories"}, 2349047),
        ({"platform": "threads", "position": "reels"}, 2349019),
    ],
)
async def test_impossible_placements(start: Start, asked: dict[str, str], subcode: int) -> None:
    """Each impossible placement has its subcode, for ranges and for listings."""
    async with start() as client:
        for answer in (await client.get(RANGES, **{**FEED, **asked}), await listing(client, **asked)):
            assert (answer.status, answer.error["code"], answer.error["error_subcode"]) == (400, 100, subcode)


async def test_told_hours(start: Start) -> None:
    """A scenario lets an hour be lost, late, partial for a while, or vanish again."""
    hours = [
        {"match": {"datetime": "2026-11-20T01:00"}, "lost": True},
        {"match": {"datetime": "2026-11-20T02:00"}, "arrives": "2026-11-24T00:00:00Z"},
        {"match": {"datetime": "2026-11-20T03:00"}, "complete": "2026-11-24T00:00:00Z", "parts": 5},
        {"match": {"datetime": "2026-11-20T04:00"}, "vanishes": "2026-11-24T00:00:00Z"},
    ]
    async with start(scenario=calm(hours=hours)) as client:
        assert (await ranges(client))["missing_datetimes"] == ["2026-11-20T01:00", "2026-11-20T02:00"]
        counts = [len((await listing(client, hour=f"2026-11-20T0{number}:00")).rows) for number in (1, 2, 3, 4)]
        assert counts == [0, 0, 2, 2]
        client.later(86_400)
        assert (await ranges(client))["missing_datetimes"] == ["2026-11-20T01:00", "2026-11-20T04:00"]
        counts = [len((await listing(client, hour=f"2026-11-20T0{number}:00")).rows) for number in (1, 2, 3, 4)]
        assert counts == [0, 2, 5, 0]
        states = await true_hours(client, business="900")
        found = [states[f"2026-11-20T0{number}:00"]["state"] for number in (1, 2, 3, 4)]
        assert found == ["lost", "whole", "whole", "vanished"]


async def test_a_skipped_hour_is_no_hour(start: Start) -> None:
    """The hour that a change of clocks leaves out does not exist."""
    async with start(now=datetime(2026, 3, 12, 4, 0, tzinfo=UTC), scenario=calm()) as client:
        hours = await true_hours(client)
        assert sum(label.startswith("2026-03-08") for label in hours) == 23
        assert (await listing(client, hour="2026-03-08T02:00")).error["error_subcode"] == 2349048
