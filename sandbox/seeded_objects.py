"""Owns the fields of seeded ad objects: names, money, moments, statuses and the optional ones (graph-api.md 7)."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sandbox.clock import graph_time
from sandbox.digest import draw, pick
from sandbox.world import Data, Node

_ODD_NAMES = (
    "Spring sale",
    'Été – "quoted"',
    "Back\\slash, comma",
    "Two\nlines",
    "مرحبا بكم",
    "Rocket 🚀 launch",
    "O'Brien & Sons",
    "価格 50%",
    "tab\there",
)
_BID_STRATEGIES = ("LOWEST_COST_WITHOUT_CAP", "LOWEST_COST_WITH_BID_CAP", "COST_CAP")
_GOALS = {
    "OUTCOME_SALES": "OFFSITE_CONVERSIONS",
    "OUTCOME_LEADS": "LEAD_GENERATION",
    "OUTCOME_TRAFFIC": "LINK_CLICKS",
    "OUTCOME_APP_PROMOTION": "APP_INSTALLS",
    "OUTCOME_ENGAGEMENT": "POST_ENGAGEMENT",
    "OUTCOME_AWARENESS": "REACH",
}
OBJECTIVES = tuple(_GOALS)
_EPOCH = datetime(2025, 7, 1, 9, 30, tzinfo=UTC)
_ISSUE = {
    "level": "AD",
    "error_code": 1815869,
    "error_summary": "Delivery is limited",
    "error_message": "A policy applies.",
    "error_type": "SOFT_ERROR",
}


@dataclass(frozen=True, slots=True)
class Place:
    """Where a new object stands: the seed, its account's node, its number among its kind, and its parents' ids."""

    seed: int
    account: Node
    index: int
    campaign_id: str = ""
    adset_id: str = ""

    @property
    def zone(self) -> str:
        """Return the account's zone."""
        return str(self.account.data["timezone_name"])

    @property
    def account_id(self) -> str:
        """Return the account's digits."""
        return self.account.account_id

    def lot(self, *words: object) -> int:
        """Return a number that follows from the object's place and the words."""
        return draw(self.seed, self.account_id, self.index, *words)

    def born(self) -> datetime:
        """Return the moment of creation, between July 2025 and September 2026."""
        return _EPOCH + timedelta(days=self.lot("born") % 430, seconds=self.lot("second") % 86_400)

    def times(self) -> Data:
        """Return created_time and updated_time in the account's zone."""
        updated = self.born() + timedelta(hours=self.lot("updated") % 900)
        return {
            "created_time": graph_time(self.born(), self.zone),
            "updated_time": graph_time(updated, self.zone),
        }


def _name(place: Place, kind: str) -> str:
    return f"{kind} {place.index + 1} {_ODD_NAMES[(place.index + len(kind)) % len(_ODD_NAMES)]}"


def _status(own: str, effective: str) -> Data:
    return {"status": own, "configured_status": own, "effective_status": effective}


def _maybe(place: Place, name: str, value: Any, share: int = 2) -> Data:
    return {name: value} if place.lot(name) % share == 0 else {}


def _issues(effective: str) -> Data:
    return {"issues_info": [_ISSUE]} if effective == "WITH_ISSUES" else {}


def account(account_id: str, name: str, zone: str, currency: str, business: tuple[str, str]) -> Node:
    """Build an ad account."""
    offset = datetime(2026, 11, 1, tzinfo=UTC).astimezone(ZoneInfo(zone)).utcoffset() or timedelta()
    data: Data = {
        "id": f"act_{account_id}",
        "account_id": account_id,
        "name": name,
        "account_status": 1,
        "disable_reason": 0,
        "currency": currency,
        "timezone_name": zone,
        "timezone_offset_hours_utc": offset.total_seconds() / 3600,
        "timezone_id": 1 + draw(zone) % 140,
        "created_time": graph_time(_EPOCH, zone),
        "business": {"id": business[0], "name": business[1]},
        "amount_spent": str(draw(account_id) % 10_000_000),
        "spend_cap": "0",
        "balance": str(draw(account_id, "balance") % 100_000),
        "is_prepay_account": False,
        "min_daily_budget": 100,
        "brand_safety_content_filter_levels": ["FACEBOOK_STANDARD", "AN_STANDARD"],
        "age": 508.2,
        "owner": business[0],
        "tos_accepted": {"web_custom_audience_tos": 1},
    }
    return Node("account", data["id"], data, account_id=account_id)


def campaign(place: Place, object_id: str, status: str) -> Node:
    """Build a campaign; half of them keep the budget themselves."""
    objective = OBJECTIVES[place.index % len(OBJECTIVES)]
    own = status if status in {"PAUSED", "ARCHIVED", "DELETED"} else "ACTIVE"
    budget = str(5_000 + place.lot("budget") % 90_000)
    data: Data = {
        "id": object_id,
        "account_id": place.account_id,
        "name": _name(place, "Campaign"),
        "objective": objective,
        "buying_type": "AUCTION",
        **_status(own, status),
        **place.times(),
        "special_ad_categories": [],
        "special_ad_category": "NONE",
        "smart_promotion_type": "GUIDED_CREATION",
        "budget_remaining": "0",
        "is_skadnetwork_attribution": objective == "OUTCOME_APP_PROMOTION",
        "pacing_type": ["standard"],
        "start_time": graph_time(place.born(), place.zone),
        "source_campaign_id": "0",
        **_maybe(place, "spend_cap", "900719925474099300", 5),
        **_issues(status),
    }
    if place.index % 2 == 0:
        data |= {"daily_budget": budget, "lifetime_budget": "0", "bid_strategy": pick(_BID_STRATEGIES, object_id)}
    if place.lot("stop") % 4 == 0:
        data["stop_time"] = graph_time(place.born() + timedelta(days=400), place.zone)
    return Node("campaign", object_id, data, account_id=place.account_id)


def adset(place: Place, object_id: str, parent: Node, own: str) -> Node:
    """Build an ad set under `parent`."""
    effective = _inherited(own, parent.status)
    goal = _GOALS[parent.data["objective"]]
    data: Data = {
        "id": object_id,
        "account_id": place.account_id,
        "campaign_id": parent.id,
        "campaign": {"id": parent.id},
        "name": _name(place, "Ad set"),
        **_status(_configured(own), effective),
        **place.times(),
        "optimization_goal": goal,
        "billing_event": "IMPRESSIONS",
        "daily_budget": "0",
        "lifetime_budget": str(10_000 + place.lot("budget") % 900_000),
        "budget_remaining": "1200",
        "start_time": graph_time(place.born(), place.zone),
        "attribution_spec": _attribution_spec(place),
        "destination_type": "WEBSITE",
        "pacing_type": ["standard"],
        "is_dynamic_creative": place.index % 5 == 0,
        "learning_stage_info": {"status": "SUCCESS", "conversions": place.lot("learned") % 60},
        "targeting": {"age_min": 18, "age_max": 65, "geo_locations": {"countries": ["US", "GB"]}},
        "promoted_object": {"pixel_id": "120200000000000900", "custom_event_type": "PURCHASE"},
        **_maybe(place, "bid_amount", 100 + place.lot("bid") % 2_000),
        **_maybe(place, "bid_strategy", pick(_BID_STRATEGIES, object_id)),
        **_maybe(place, "end_time", graph_time(place.born() + timedelta(days=500), place.zone), 3),
        **_maybe(place, "dsa_beneficiary", "Example GmbH", 3),
        **_maybe(place, "dsa_payor", "Example GmbH", 3),
        **_maybe(place, "bid_constraints", {"roas_average_floor": 15_000}, 6),
        **_issues(effective),
    }
    return Node("adset", object_id, data, place.account_id, parent.id)


def _attribution_spec(place: Place) -> list[Data]:
    click = {"event_type": "CLICK_THROUGH", "window_days": 7 if place.lot("attribution") % 3 else 1}
    return [click, {"event_type": "VIEW_THROUGH", "window_days": 1}]


def attribution_setting(adset_node: Node) -> str:
    """Return the ad set's attribution as insights rows name it."""
    days = adset_node.data["attribution_spec"][0]["window_days"]
    return f"{days}d_click_1d_view"


def ad(place: Place, object_id: str, parent: Node, own: str, creative_id: str) -> Node:
    """Build an ad under the ad set `parent`."""
    effective = _inherited(own, parent.status, "ADSET_PAUSED")
    data: Data = {
        "id": object_id,
        "account_id": place.account_id,
        "campaign_id": parent.campaign_id,
        "adset_id": parent.id,
        "campaign": {"id": parent.campaign_id},
        "adset": {"id": parent.id},
        "name": _name(place, "Ad"),
        **_status(_configured(own), effective),
        **place.times(),
        "creative": {"id": creative_id},
        "tracking_specs": [{"action.type": ["offsite_conversion"], "fb_pixel": ["120200000000000900"]}],
        "source_ad_id": "0",
        "preview_shareable_link": f"https://fb.me/{place.lot('preview') % 10**9}",
        **_maybe(place, "bid_amount", 50 + place.lot("bid") % 500, 3),
        **_maybe(place, "conversion_domain", "example.com"),
        **_issues(effective),
    }
    if effective == "DISAPPROVED":
        data["ad_review_feedback"] = {"global": {"Unacceptable business practice": "The ad was not approved."}}
    return Node("ad", object_id, data, place.account_id, parent.campaign_id, parent.id)


def creative(place: Place, object_id: str) -> Node:
    """Build a creative."""
    story = f"120200000000000777_{10**14 + place.lot('story') % 10**14}"
    status = ("ACTIVE", "ACTIVE", "ACTIVE", "IN_PROCESS", "WITH_ISSUES", "DELETED")[place.index % 6]
    data: Data = {
        "id": object_id,
        "account_id": place.account_id,
        "name": _name(place, "Creative"),
        "status": status,
        "object_type": ("SHARE", "VIDEO", "PHOTO")[place.index % 3],
        "object_story_id": story,
        "effective_object_story_id": story,
        "title": _name(place, "Title"),
        "body": _name(place, "Body"),
        "call_to_action_type": "SHOP_NOW",
        "image_hash": f"{place.lot('image'):032x}",
        "image_url": f"https://cdn.example.com/{object_id}.jpg?sig=1",
        "thumbnail_url": f"https://cdn.example.com/{object_id}.png",
        "object_story_spec": {"page_id": "120200000000000777", "link_data": {"link": "https://example.com/?a=1&b=2"}},
        **_maybe(place, "link_url", "https://example.com/"),
        **_maybe(place, "url_tags", "utm_source=meta"),
        **_maybe(place, "video_id", str(10**15 + place.lot("video") % 10**15), 3),
        **_maybe(place, "effective_instagram_media_id", str(10**16 + place.lot("media") % 10**15), 3),
        **_maybe(place, "instagram_permalink_url", "https://www.instagram.com/p/abc/", 3),
        **_maybe(place, "asset_feed_spec", {"titles": [{"text": "One"}, {"text": "Two"}]}, 5),
        **_maybe(place, "product_set_id", "120200000000000555", 5),
    }
    return Node("creative", object_id, data, place.account_id)


def _configured(own: str) -> str:
    return own if own in {"PAUSED", "ARCHIVED", "DELETED"} else "ACTIVE"


def _inherited(own: str, parent: str, paused: str = "CAMPAIGN_PAUSED") -> str:
    """Return the effective status: what is gone above is gone below, a pause above shows (graph-api.md 7.2)."""
    if parent in {"ARCHIVED", "DELETED"} and own != "DELETED":
        return parent
    if own in {"ARCHIVED", "DELETED", "PAUSED"}:
        return own
    if parent == "PAUSED":
        return paused
    return "CAMPAIGN_PAUSED" if parent == "CAMPAIGN_PAUSED" else own
