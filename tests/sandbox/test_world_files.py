import json
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from sandbox.real_csv import read_csv
from sandbox.world_file import read_world
from tests.sandbox.conftest import Start

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "sandbox" / "example-world.json"
REAL = ROOT.parent / "shared" / "real" / "campaigns-1143-ads.csv"
NOVEMBER = {"since": "2026-11-01", "until": "2026-11-05"}
AD = "120200000000000003"


async def test_numbers_as_given(start: Start) -> None:
    """Numbers of one fact come out digit by digit; a clock in London reads them."""
    async with start(read_world(EXAMPLE)) as client:
        rows = await client.truth(
            level="ad",
            fields="ad_id,impressions,clicks,spend,actions",
            breakdowns="age,gender",
            time_range=NOVEMBER,
            action_attribution_windows=["7d_click"],
        )
    assert sorted(rows, key=lambda row: (row["ad_id"], row["gender"])) == [
        {
            "ad_id": AD,
            "impressions": "1000",
            "clicks": "10",
            "spend": "1.429999948",
            "actions": [{"action_type": "lead", "value": "2", "7d_click": "2"}],
            "date_start": "2026-11-01",
            "date_stop": "2026-11-05",
            "age": "25-34",
            "gender": "female",
        },
        {
            "ad_id": AD,
            "impressions": "500",
            "spend": "0.5",
            "actions": [{"action_type": "lead", "value": "1", "7d_click": "1"}],
            "date_start": "2026-11-01",
            "date_stop": "2026-11-05",
            "age": "25-34",
            "gender": "male",
        },
        {
            "ad_id": "120200000000000004",
            "impressions": "77",
            "spend": "0.10",
            "date_start": "2026-11-01",
            "date_stop": "2026-11-05",
            "age": "unknown",
            "gender": "unknown",
        },
    ]


async def test_exact_sums(start: Start) -> None:
    """Joined facts are exact decimal sums, actions are joined by type, ratios follow."""
    async with start(read_world(EXAMPLE)) as client:
        rows = await client.truth(level="campaign", fields="impressions,spend,actions,cpm,ctr", time_range=NOVEMBER)
    assert rows == [
        {
            "impressions": "1577",
            "spend": "2.029999948",
            "actions": [{"action_type": "lead", "value": "3"}],
            "cpm": "1.287254",
            "ctr": "0.634115",
            "date_start": "2026-11-01",
            "date_stop": "2026-11-05",
        }
    ]


async def test_objects_of_a_file(start: Start) -> None:
    """Objects keep their fields, and places in the tree follow from their parents."""
    async with start(read_world(EXAMPLE)) as client:
        ad = await client.get(AD, fields="name,account_id,campaign_id,effective_status,creative{name}")
        owned = await client.get("900/owned_ad_accounts")
        listed = await client.get("act_111/ads")
    assert ad.body == {
        "id": AD,
        "name": "First",
        "account_id": "111",
        "campaign_id": "120200000000000001",
        "effective_status": "ACTIVE",
        "creative": {"name": "Picture", "id": "120200000000000005"},
    }
    assert [found["id"] for found in owned.rows] == ["act_111"]
    assert [found["id"] for found in listed.rows] == [AD]


async def test_mutations_of_a_file(start: Start, tmp_path: Path) -> None:
    """A world can bring its own mutations, which a scenario does not replace."""
    document: dict[str, Any] = json.loads(EXAMPLE.read_text())
    document["mutations"] = [{"ad_id": AD, "set": {"impressions": "n/a"}}]
    path = tmp_path / "world.json"
    path.write_text(json.dumps(document))
    async with start(read_world(path), scenario=[]) as client:
        rows = await client.truth(level="ad", fields="ad_id,impressions", time_range=NOVEMBER)
    assert {row["ad_id"]: row["impressions"] for row in rows} == {AD: "n/a", "120200000000000004": "77"}


@pytest.mark.skipif(not REAL.exists(), reason="the published advertiser's CSV is not beside the checkout")
async def test_real_totals(start: Start) -> None:
    """The published advertiser's 1,143 ads are served with every digit of their numbers."""
    august = {"since": "2023-08-01", "until": "2023-08-31"}
    async with start(read_csv(REAL), now=datetime(2023, 9, 15, tzinfo=UTC)) as client:
        rows = await client.all_rows(
            "act_916916/insights",
            level="ad",
            fields="ad_id,impressions,clicks,spend,actions",
            breakdowns="age,gender",
            time_range=august,
            time_increment="1",
            limit="500",
        )
    actions: dict[str, int] = {}
    for row in rows:
        for element in row.get("actions", []):
            actions[element["action_type"]] = actions.get(element["action_type"], 0) + int(element["value"])
    assert len(rows) == 1143
    assert sum(int(row["impressions"]) for row in rows) == 213_434_828
    assert sum(int(row.get("clicks", 0)) for row in rows) == 38_165
    assert sum(Decimal(row.get("spend", 0)) for row in rows) == Decimal("58705.229958205")
    assert actions == {"lead": 3264, "offsite_conversion.fb_pixel_purchase": 1079}
    first = next(row for row in rows if row["ad_id"] == "708746")
    assert (first["spend"], first["age"], first["gender"]) == ("1.429999948", "30-34", "male")
