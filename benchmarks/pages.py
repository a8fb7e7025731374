"""Owns the pages that are measured: result pages of one account-day as Graph sends them, the same in every process."""

import json
from collections.abc import Iterator
from datetime import date
from functools import lru_cache
from random import Random
from typing import Any

from schemas.reports import Report

ACCOUNT = "1002003004005006"
DAY = date(2026, 11, 20)
ROWS = 500
REPORT = Report(
    name="ads_insights",
    level="ad",
    fields=(
        *("account_currency", "account_name", "campaign_name", "adset_name", "ad_name"),
        *("attribution_setting", "objective", "optimization_goal", "buying_type"),
        *("quality_ranking", "engagement_rate_ranking", "conversion_rate_ranking"),
        *("impressions", "reach", "frequency", "clicks", "unique_clicks", "inline_link_clicks"),
        *("spend", "cpc", "cpm", "cpp", "ctr"),
        *("actions", "action_values", "cost_per_action_type"),
    ),
)
ENTRIES = {"actions": 16, "action_values": 8, "cost_per_action_type": 16}
"""Elements of each list of a row: 40, each a row of the actions table."""
KINDS = (
    "link_click",
    "post_engagement",
    "page_engagement",
    "landing_page_view",
    "video_view",
    "omni_purchase",
    "omni_add_to_cart",
    "offsite_conversion.fb_pixel_purchase",
    "offsite_conversion.fb_pixel_add_to_cart",
    "offsite_conversion.fb_pixel_initiate_checkout",
    "offsite_conversion.fb_pixel_view_content",
    "offsite_conversion.fb_pixel_add_payment_info",
    "onsite_web_app_view_content",
    "onsite_conversion.messaging_conversation_started_7d",
    "onsite_conversion.post_save",
    "web_in_store_purchase",
)
_RANKS = ("ABOVE_AVERAGE", "AVERAGE", "BELOW_AVERAGE_10", "BELOW_AVERAGE_35")
_DIFFERENT = 20
_MARK = "000000"
"""Stands in every id of a page for the page's number; no other text of a page holds so many zeros."""


def pages(rows: int) -> Iterator[bytes]:
    """Pages of `ROWS` rows, made one by one as they are taken; every row has an ad of its own."""
    for number in range(rows // ROWS):
        yield _form(number % _DIFFERENT).replace(_MARK.encode(), f"{number + 1:06}".encode())


@lru_cache(maxsize=_DIFFERENT)
def _form(number: int) -> bytes:
    random = Random(number)
    rows = [_row(random, place) for place in range(ROWS)]
    return json.dumps(rows, separators=(",", ":"), ensure_ascii=False).encode()


def _row(random: Random, place: int) -> dict[str, Any]:
    impressions = random.randint(1_000, 99_999)
    clicks = random.randint(10, 999)
    spend = random.randint(1_000, 99_999) / 100
    return {
        "account_id": ACCOUNT,
        "campaign_id": f"2385{_MARK}11{place // 50:03}",
        "adset_id": f"2385{_MARK}12{place // 10:03}",
        "ad_id": f"2385{_MARK}13{place:03}",
        "date_start": DAY.isoformat(),
        "date_stop": DAY.isoformat(),
        "account_currency": "EUR",
        "account_name": "Example Outfitters Europe",
        "campaign_name": f"Prospecting | Summer sale {place // 50} | EU",
        "adset_name": f"Lookalike 1 % purchasers {place // 10} – 25-54",
        "ad_name": f"Carousel {place} “Pack light” v{random.randint(1, 9)}",
        "attribution_setting": "7d_click_1d_view",
        "objective": "OUTCOME_SALES",
        "optimization_goal": "OFFSITE_CONVERSIONS",
        "buying_type": "AUCTION",
        "quality_ranking": random.choice(_RANKS),
        "engagement_rate_ranking": random.choice(_RANKS),
        "conversion_rate_ranking": random.choice(_RANKS),
        "impressions": str(impressions),
        "reach": str(impressions * 3 // 4),
        "frequency": f"{random.uniform(1, 2):.6f}",
        "clicks": str(clicks),
        "unique_clicks": str(clicks - 1),
        "inline_link_clicks": str(clicks // 2),
        "spend": f"{spend:.2f}",
        "cpc": f"{spend / clicks:.6f}",
        "cpm": f"{spend * 1_000 / impressions:.6f}",
        "cpp": f"{spend * 1_333 / impressions:.6f}",
        "ctr": f"{clicks * 100 / impressions:.6f}",
        "actions": _elements(random, "actions", lambda: str(random.randint(1, 9_999))),
        "action_values": _elements(random, "action_values", lambda: f"{random.randint(100, 99_999) / 100:g}"),
        "cost_per_action_type": _elements(random, "cost_per_action_type", lambda: f"{random.uniform(0.01, 50):.6f}"),
    }


def _elements(random: Random, metric: str, value: Any) -> list[dict[str, str]]:
    kinds = random.sample(KINDS, ENTRIES[metric])
    return [{"action_type": kind, "value": value()} for kind in kinds]
