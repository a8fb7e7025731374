from datetime import date, timedelta
from typing import Any

from tests.sandbox.client import Client, unordered

ASKED: dict[str, Any] = {
    "level": "ad",
    "fields": "ad_id,impressions,spend,actions,action_values",
    "time_increment": "1",
}


async def day_as_of(client: Client, day: date, as_of: str) -> list[str]:
    """Return a day's rows as known at a moment."""
    span = {"since": str(day), "until": str(day)}
    return unordered(await client.truth(**ASKED, time_range=span, as_of=as_of))


async def test_same_local_day(client: Client) -> None:
    """Two moments of one account-local day see identical rows, across midnight in UTC."""
    span = {"since": "2026-11-01", "until": "2026-11-20"}
    early = await client.truth(**ASKED, time_range=span, as_of="2026-11-21T09:00:00Z")
    late = await client.truth(**ASKED, time_range=span, as_of="2026-11-22T07:00:00Z")
    assert early == late


async def test_a_night_changes_some_days_but_not_most(client: Client) -> None:
    """From one day to the next something in the lookback changes, and most of its days do not."""
    changed: list[bool] = []
    for back in range(2, 29):
        day = date(2026, 11, 22) - timedelta(days=back)
        before = await day_as_of(client, day, "2026-11-21T20:00:00Z")
        changed.append(before != await day_as_of(client, day, "2026-11-22T20:00:00Z"))
    assert any(changed)
    assert sum(changed) < len(changed) / 3


async def test_final_after_28_days(client: Client) -> None:
    """A day older than 28 days never changes again."""
    day = date(2026, 10, 1)
    assert await day_as_of(client, day, "2026-10-30T20:00:00Z") == await day_as_of(client, day, "2026-11-22T20:00:00Z")


async def test_conversions_only_grow(client: Client) -> None:
    """A restated day has at least the purchases that it had, and at least one day of the month gains some."""
    month = {"since": "2026-10-01", "until": "2026-10-31"}

    def purchases(rows: list[dict[str, Any]]) -> dict[str, int]:
        return {
            row["date_start"]: int(element["value"])
            for row in rows
            for element in row.get("actions", [])
            if element["action_type"] == "omni_purchase"
        }

    asked: dict[str, Any] = {"level": "account", "fields": "actions", "time_range": month, "time_increment": "1"}
    early = purchases(await client.truth(**asked, as_of="2026-11-01T20:00:00Z"))
    late = purchases(await client.truth(**asked, as_of="2026-11-29T20:00:00Z"))
    assert all(late[day] >= count for day, count in early.items())
    assert sum(late.values()) > sum(early.values())


async def test_today_is_partial(client: Client) -> None:
    """The running day has less than it will have, and the future has nothing."""
    asked: dict[str, Any] = {
        "level": "account",
        "fields": "impressions",
        "time_range": {"since": "2026-11-20", "until": "2026-11-20"},
    }
    running = await client.truth(**asked, as_of="2026-11-20T20:00:00Z")
    over = await client.truth(**asked, as_of="2026-11-21T20:00:00Z")
    assert int(running[0]["impressions"]) < int(over[0]["impressions"]) / 2
    assert await client.truth(**asked, as_of="2026-11-19T20:00:00Z") == []
