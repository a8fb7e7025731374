"""Owns the reading of a published advertiser's CSV into a world: one row an ad, its day, its numbers untouched.

Columns: Date (dd-mm-yyyy), ad_id, xyz_campaign_id (campaign), fb_campaign_id (ad set), age, gender (M, F), interest,
Impressions, Clicks, Spent, Total_Conversion (lead), Approved_Conversion (purchase). What is zero is absent.
"""

import csv
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from sandbox.world import World
from sandbox.world_file import build_world

ACCOUNT = "916916"
_GENDERS = {"M": "male", "F": "female"}
_METRICS = {"impressions": "Impressions", "clicks": "Clicks", "spend": "Spent"}
_ACTIONS = {"Total_Conversion": "lead", "Approved_Conversion": "offsite_conversion.fb_pixel_purchase"}

Row = Mapping[str, str]


def read_csv(path: Path) -> World:
    """Read the file into a world with one account, 916916, in UTC and USD."""
    with path.open(newline="", encoding="utf-8") as file:
        return build_world(document(csv.DictReader(file)))


def document(rows: Iterable[Row]) -> dict[str, Any]:
    """Turn rows into the document that a world file holds."""
    known = list(rows)
    campaigns = dict.fromkeys(row["xyz_campaign_id"] for row in known)
    adsets = {row["fb_campaign_id"]: row["xyz_campaign_id"] for row in known}
    return {
        "accounts": [{"id": ACCOUNT, "name": "Published advertiser", "timezone_name": "UTC", "currency": "USD"}],
        "campaigns": [{"id": found, "account_id": ACCOUNT, "name": f"Campaign {found}"} for found in campaigns],
        "adsets": [
            {"id": found, "campaign_id": campaign, "name": f"Ad set {found}"} for found, campaign in adsets.items()
        ],
        "ads": [
            {"id": row["ad_id"], "adset_id": row["fb_campaign_id"], "name": f"Ad of interest {row['interest']}"}
            for row in known
        ],
        "facts": [_fact(row) for row in known],
    }


def _fact(row: Row) -> dict[str, Any]:
    day, month, year = row["Date"].split("-")
    fact: dict[str, Any] = {
        "ad_id": row["ad_id"],
        "date": f"{year}-{month}-{day}",
        "age": row["age"],
        "gender": _GENDERS[row["gender"]],
    }
    fact |= {name: row[column] for name, column in _METRICS.items() if float(row[column])}
    actions = [
        {"action_type": action, "value": row[column], "7d_click": row[column]}
        for column, action in _ACTIONS.items()
        if float(row[column])
    ]
    return fact | ({"actions": actions} if actions else {})
