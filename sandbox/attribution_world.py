"""Owns what Advanced Attribution measures here: lines of business, their objects, columns and daily figures (6.2, 6.6).

Every figure is a pure function of the seed, the line, the campaign, the day, the device and the publisher.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from sandbox.digest import draw

Object = dict[str, Any]

DEVICES = ("desktop", "mobile", "tablet")
FIRST_DAY = date(2026, 6, 1)
"""The day from which a line of business measures; `lifetime` begins here."""


@dataclass(frozen=True, slots=True)
class LineOfBusiness:
    """One line of business and what hangs below it."""

    id: str
    name: str
    campaigns: tuple[Object, ...]
    publishers: tuple[Object, ...]
    events: tuple[Object, ...]
    listed: dict[str, tuple[str, ...]] = field(default_factory=dict)
    """The ids of the publishers that a campaign lists."""

    @property
    def node(self) -> Object:
        """Return its read-only fields."""
        return {"id": self.id, "name": self.name}


@dataclass(frozen=True, slots=True)
class Cell:
    """What one campaign got on one day on one device of one publisher; money in millionths."""

    campaign: Object
    day: date
    device: str
    publisher: Object
    impressions: int
    clicks: int
    cost: int
    conversions: dict[str, int]
    revenue: dict[str, int]


def _campaign(number: int, name: str, kind: str) -> Object:
    return {"id": f"66000000000000{number:05}", "name": name, "alias": f"EXT-{number:05}", "type": kind}


def _named(prefix: str, number: int, name: str) -> Object:
    return {"id": f"{prefix}{number:05}", "name": name}


_PUBLISHERS = tuple(
    _named("66100000000000", number, name)
    for number, name in enumerate(("Facebook", "Instagram", 'Zeitung "Süd"', "Bing Search"), 1)
)
_EVENTS = tuple(
    _named("66200000000000", number, name) for number, name in enumerate(("Purchase", "Add to cart", "Sign-up"), 1)
)


def _line(line_id: str, name: str, campaigns: tuple[Object, ...], events: tuple[Object, ...]) -> LineOfBusiness:
    listed = {
        campaign["id"]: tuple(p["id"] for p in _PUBLISHERS[number % 2 : number % 2 + 3])
        for number, campaign in enumerate(campaigns)
    }
    return LineOfBusiness(line_id, name, campaigns, _PUBLISHERS, events, listed)


LINES = (
    _line(
        "800",
        "Outdoor Shops",
        (
            _campaign(1, "Autumn sale", "display"),
            _campaign(2, "Autumn sale", "search"),
            _campaign(3, "Brand - \u00e9t\u00e9, \u51ac", "display"),
            _campaign(4, "Tents; boots & more", "display"),
            _campaign(5, "Winter catalogue", "search"),
        ),
        _EVENTS,
    ),
    _line(
        "801",
        "Garden Centres",
        (_campaign(11, "Spring bulbs", "display"), _campaign(12, "Hedges", "search")),
        _EVENTS[:1],
    ),
)


def _column(usage: str, key: str, name: str, description: str, **more: Any) -> Object:
    standard = {"aggregation_usage": usage, "area": "serving", "category": "standard", "description": description}
    return {**standard, "incompatibilities": [], "key": key, "name": name, **more}


def _against(*keys: str) -> list[Object]:
    return [{"category": "standard", "key": key} for key in keys]


COLUMNS: tuple[Object, ...] = (
    _column(
        "dimension",
        "campaign_name",
        "Campaign Name",
        "The name of the campaign.",
        incompatibilities=_against("action_requests", "url_without_params"),
    ),
    _column("dimension", "campaign_id", "Campaign ID", "The id of the campaign."),
    _column("dimension", "device_type", "Ad Device Type", "The device on which the ad was shown."),
    _column("dimension", "publisher_name", "Publisher", "Who showed the ad."),
    _column("dimension", "date", "Date", "The day."),
    _column(
        "dimension",
        "url_without_params",
        "URL",
        "The address of the page.",
        incompatibilities=_against("campaign_name", "reach", "frequency"),
    ),
    _column("metric", "impressions", "Impressions", "How often ads were shown."),
    _column("metric", "clicks", "Clicks", "How often ads were clicked."),
    _column("metric", "reach", "Reach", "People reached.", incompatibilities=_against("url_without_params")),
    _column(
        "metric", "frequency", "Frequency", "Impressions a person.", incompatibilities=_against("url_without_params")
    ),
    _column(
        "metric", "action_requests", "Action Requests", "Actions.", incompatibilities=_against("campaign_name", "date")
    ),
    _column("metric", "net_media_cost", "Net Media Cost", "What media cost.", attribution_model="last_touch"),
    *(
        _column("metric", key, name, f"Attribution by {model}.", category="attribution", attribution_model=model)
        for key, name, model in (
            ("last_touch_1", "Last Touch", "last_touch"),
            ("positional_1", "Positional", "positional_based"),
            ("time_decay_1", "Time Decay", "time_exponential_decay"),
        )
    ),
    *(
        _column("metric", key, name, f"{name} of an attribution model.", area="conversion")
        for key, name in (
            ("conversions", "Conversions"),
            ("mta_revenue", "MTA Revenue"),
            ("conversions_per_1000", "Conversions per 1000"),
            ("cost_per_conversion", "Cost per Conversion"),
        )
    ),
)


def line_with(campaign_id: str) -> LineOfBusiness | None:
    """Return the line of business that a campaign belongs to."""
    return next((line for line in LINES if any(c["id"] == campaign_id for c in line.campaigns)), None)


def cells(seed: int, line: LineOfBusiness, campaign: Object, day: date) -> Iterator[Cell]:
    """Return a campaign's figures of one day; some of its places had nothing."""
    listed = line.listed[campaign["id"]]
    for publisher in (p for p in line.publishers if p["id"] in listed):
        for device in DEVICES:
            words = (seed, line.id, campaign["id"], day.isoformat(), publisher["id"], device)
            if draw("shown", *words) % 5:
                yield _cell(words, campaign, day, device, publisher, line.events)


def _cell(
    words: tuple[object, ...], campaign: Object, day: date, device: str, publisher: Object, events: tuple[Object, ...]
) -> Cell:
    impressions = 50 + draw("impressions", *words) % 90_000
    conversions = {event["id"]: draw("conversions", event["id"], *words) % 40 for event in events}
    revenue = {
        event["id"]: count * (1_000_000 + draw("price", event["id"], *words) % 90_000_001)
        for (event, count) in zip(events, conversions.values(), strict=True)
    }
    clicks = impressions * (draw("clicks", *words) % 60) // 1000
    cost = impressions * (200 + draw("cost", *words) % 9_000)
    return Cell(campaign, day, device, publisher, impressions, clicks, cost, conversions, revenue)
