"""Owns the breakdowns of ads insights: what each is, which may stand together, which fields they refuse.

Combinations and rules are data with their sources; nothing here knows what a report is.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from itertools import chain, combinations
from types import MappingProxyType

from schemas.insights_fields import FIELDS, SOURCES, InsightField, Shape

OPT_IN_SINCE = date(2026, 8, 6)
"""From this day on some breakdowns return no rows until the account's admin has opted in. [O26]"""
DMA_GONE_SINCE = date(2026, 6, 22)
"""From this day on `dma` is no longer supported; `comscore_market` takes its place. [O26]"""

MONTHS_KEPT = 37
"""Totals reach this far back; an older start is refused. [BAV, O25]"""
MONTHS_KEPT_UNIQUE = 13
"""Unique counts with any breakdown reach this far back; beyond, the fields are missing. [BAV, O25]"""


@dataclass(frozen=True, slots=True)
class Breakdown:
    """One way to split rows.

    `asset_keys` names the members of an asset object that identify it, the first one present wins; empty for plain
    text. `months_kept` is how far back Meta answers. `replaced_by` takes its place from `gone_since` on.
    """

    name: str
    meaning: str
    source: str = "AAI"
    asset_keys: tuple[str, ...] = ()
    opt_in_since: date | None = None
    months_kept: int = MONTHS_KEPT
    gone_since: date | None = None
    replaced_by: str | None = None

    @property
    def page(self) -> str:
        """The address of the page that says so."""
        return SOURCES[self.source]


ASSET_KEYS = ("id", "hash", "video_id")


def _asset(name: str, meaning: str) -> Breakdown:
    return Breakdown(name, f"{meaning}, by its id", asset_keys=ASSET_KEYS)


_BREAKDOWNS = (
    Breakdown("ad_extension_domain", "Domain of the ad's extension"),
    Breakdown("ad_extension_url", "Address of the ad's extension"),
    Breakdown("ad_format_asset", "Format in which the assets were shown"),
    Breakdown("age", "Age bracket"),
    Breakdown("app_id", "App that SKAdNetwork reports on"),
    _asset("body_asset", "Body text of the ad"),
    Breakdown("breakdown_ad_objective", "Objective of the ad"),
    Breakdown("breakdown_reporting_ad_id", "Ad that the row is reported under"),
    _asset("call_to_action_asset", "Button of the ad"),
    Breakdown("coarse_conversion_value", "SKAdNetwork 4 coarse value: low, medium, high"),
    Breakdown("comscore_market", "Comscore market, a region of the United States"),
    Breakdown("conversion_destination", "Where the conversion happened"),
    Breakdown("country", "Country, ISO 3166 alpha-2"),
    _asset("creative_automation_asset_id", "Asset that was made automatically"),
    Breakdown("creative_relaxation_asset_type", "Kind of asset after the creative was relaxed"),
    Breakdown("crm_advertiser_l12_territory_ids", "Sales territories of the advertiser"),
    Breakdown("crm_advertiser_subvertical_id", "Sub-vertical of the advertiser"),
    Breakdown("crm_advertiser_vertical_id", "Vertical of the advertiser"),
    Breakdown("crm_ult_advertiser_id", "Ultimate advertiser"),
    _asset("description_asset", "Description of the ad"),
    Breakdown("device_platform", "Desktop, mobile app or mobile web"),
    Breakdown(
        "dma",
        "Designated market area of the United States",
        "O26",
        gone_since=DMA_GONE_SINCE,
        replaced_by="comscore_market",
    ),
    Breakdown("existing_post_id", "Post that already existed", "SDK"),
    Breakdown("fidelity_type", "SKAdNetwork fidelity: 1 StoreKit-rendered, 0 view-through"),
    Breakdown("flexible_format_asset_type", "Kind of asset in a flexible format"),
    Breakdown("frequency_value", "How often a person saw the ad", "O26", opt_in_since=OPT_IN_SINCE, months_kept=6),
    Breakdown("gen_ai_asset_type", "Kind of generated asset"),
    Breakdown("gender", "Gender"),
    Breakdown(
        "hourly_stats_aggregated_by_advertiser_time_zone",
        "Hour of the day in the ad account's time zone",
        "BRK",
        months_kept=13,
    ),
    Breakdown(
        "hourly_stats_aggregated_by_audience_time_zone",
        "Hour of the day in the viewer's time zone",
        "O26",
        opt_in_since=OPT_IN_SINCE,
        months_kept=13,
    ),
    Breakdown("hsid", "SKAdNetwork 4 source id, up to four digits"),
    _asset("image_asset", "Image of the ad"),
    Breakdown("impression_device", "Device on which the ad was shown", "O26", opt_in_since=OPT_IN_SINCE),
    Breakdown("impression_view_time_advertiser_hour_v2", "Hour of the impression in the advertiser's zone"),
    Breakdown("instagram_ads_follow_type", "Kind of follow on Instagram", "SDK"),
    Breakdown("instagram_ads_instagram_media_product_type", "Kind of Instagram media", "SDK"),
    Breakdown("instagram_ads_time_since_creation_bucket", "Age of the Instagram media", "SDK"),
    Breakdown("internal_campaign_id", "Campaign within Meta", "SDK"),
    Breakdown("is_auto_advance", "Whether the story advanced by itself"),
    Breakdown("is_conversion_id_modeled", "Whether the conversion id is modelled: 0 or 1"),
    Breakdown("is_rendered_as_delayed_skip_ad", "Whether shown as an ad that could be skipped late"),
    Breakdown("landing_destination", "Where a click led"),
    _asset("link_url_asset", "Address that the ad links to"),
    Breakdown("marketing_messages_btn_name", "Button of the marketing message"),
    Breakdown("mdsa_landing_destination", "Where a click led, several destinations"),
    Breakdown("media_asset_url", "Address of the media"),
    Breakdown("media_creator", "Who made the media"),
    Breakdown("media_destination_url", "Where the media leads"),
    Breakdown("media_format", "Format of the media"),
    Breakdown("media_origin_url", "Where the media comes from"),
    Breakdown("media_text_content", "Text of the media"),
    Breakdown("media_type", "Kind of media"),
    Breakdown("mmm", "Marketing-mix modelling: a file, not rows"),
    Breakdown("overlap_segment", "Segment of overlapping audiences", "SDK"),
    Breakdown("pa_creator_ig_handle", "Instagram handle of the partnership's creator", "SDK"),
    Breakdown("place_page_id", "Page of the place"),
    Breakdown("platform_position", "Position on the platform, such as feed"),
    Breakdown("postback_sequence_index", "SKAdNetwork 4 postback: 0, 1 or 2"),
    Breakdown("product_brand_breakdown", "Brand of the product"),
    Breakdown("product_category_breakdown", "Category of the product"),
    *(Breakdown(f"product_custom_label_{n}_breakdown", f"Custom label {n} of the product") for n in range(5)),
    Breakdown("product_group_content_id_breakdown", "Content id of the product group"),
    Breakdown("product_group_id", "Product group"),
    Breakdown("product_id", "Product: its id, a comma and its name"),
    Breakdown("product_set_id_breakdown", "Product set"),
    Breakdown("product_vendor_id_breakdown", "Vendor of the product"),
    Breakdown("publisher_platform", "Platform: facebook, instagram, audience_network, messenger, threads"),
    Breakdown("redownload", "Whether the app had been installed before: 0 or 1"),
    Breakdown("reels_trending_topic", "Trending topic of the reel"),
    Breakdown("region", "Region or state, in English"),
    Breakdown("rta_ugc_topic", "Topic of content by users"),
    Breakdown("rule_set_id", "Rule set"),
    Breakdown("rule_set_name", "Name of the rule set"),
    Breakdown("signal_source_bucket", "Where the signal came from"),
    Breakdown("skan_campaign_id", "Campaign id within SKAdNetwork"),
    Breakdown("skan_conversion_id", "Conversion id within SKAdNetwork"),
    Breakdown("skan_version", "Version of SKAdNetwork"),
    Breakdown("sot_attribution_model_type", "Source of truth: attribution model"),
    Breakdown("sot_attribution_window", "Source of truth: attribution window"),
    Breakdown("sot_channel", "Source of truth: channel"),
    Breakdown("sot_event_type", "Source of truth: event"),
    Breakdown("sot_source", "Source of truth: source"),
    Breakdown("standard_event_content_type", "Content type of the standard event"),
    _asset("title_asset", "Title of the ad"),
    Breakdown("user_persona_id", "Persona"),
    Breakdown("user_persona_name", "Name of the persona"),
    Breakdown("user_segment_key", "New or existing customer of Advantage+ shopping", "ARI"),
    _asset("video_asset", "Video of the ad"),
    Breakdown("zip", "Postal code", "SDK"),
)

BREAKDOWNS: Mapping[str, Breakdown] = MappingProxyType({breakdown.name: breakdown for breakdown in _BREAKDOWNS})
"""Every name that `breakdowns` accepts."""

_ACTION_BREAKDOWNS = (
    Breakdown("action_type", "Kind of action", "AAS"),
    Breakdown("action_target_id", "What the action led to", "AAS"),
    Breakdown("action_destination", "Name of what the action led to", "AAS"),
    Breakdown("action_device", "Device on which the action happened", "AAS"),
    Breakdown("action_canvas_component_name", "Component of the Instant Experience", "AAS"),
    Breakdown("action_carousel_card_id", "Carousel card", "AAS"),
    Breakdown("action_carousel_card_name", "Name of the carousel card", "AAS"),
    Breakdown("action_reaction", "Reaction, such as love or angry", "AAS"),
    Breakdown("action_video_sound", "Whether the video was played with sound", "AAS"),
    Breakdown("action_video_type", "How the video came to play", "AAS"),
    Breakdown("conversion_destination", "Where the conversion happened"),
    Breakdown("is_business_ai_assisted", "Whether the business's assistant helped"),
    Breakdown("matched_persona_id", "Persona that matched"),
    Breakdown("matched_persona_name", "Name of the persona that matched"),
    Breakdown("signal_source_bucket", "Where the signal came from"),
    Breakdown("standard_event_content_type", "Content type of the standard event"),
    Breakdown("action_converted_product_id", "Product that was bought, Collaborative Ads only"),
)

ACTION_BREAKDOWNS: Mapping[str, Breakdown] = MappingProxyType({b.name: b for b in _ACTION_BREAKDOWNS})
"""Every name that `action_breakdowns` accepts."""

# ---- which may stand together ----

IMPLICIT = frozenset({"action_type"})
"""What the API splits actions by when it is not told."""
STAR = frozenset({"action_type", "action_target_id", "action_destination"})
"""What the combinations marked with a star take in addition."""
NEVER_ALONE = frozenset({"platform_position", "impression_device", "mmm"})


@dataclass(frozen=True, slots=True)
class Combination:
    """Breakdowns and action breakdowns that the API takes together, and the action breakdowns that may join them."""

    breakdowns: tuple[str, ...]
    action_breakdowns: tuple[str, ...] = ()
    may_join: frozenset[str] = IMPLICIT
    source: str = "AAI"

    def takes(self, action_breakdowns: frozenset[str]) -> bool:
        """Whether exactly these action breakdowns may stand with the breakdowns; none at all is no split."""
        if not action_breakdowns:
            return not self.action_breakdowns
        own = frozenset(self.action_breakdowns)
        return own <= action_breakdowns <= own | self.may_join


_PLACEMENTS = (
    ("publisher_platform",),
    ("publisher_platform", "impression_device"),
    ("publisher_platform", "platform_position"),
    ("publisher_platform", "platform_position", "impression_device"),
)
_PEOPLE = (("age",), ("gender",), ("age", "gender"))
_HOURLY = ("hourly_stats_aggregated_by_advertiser_time_zone", "hourly_stats_aggregated_by_audience_time_zone")
_CARDS = ("action_carousel_card_id", "action_carousel_card_name")
ASSETS = tuple(name for name in BREAKDOWNS if name.endswith("_asset"))

_STARRED = (
    (),
    *_PEOPLE,
    ("country",),
    ("region",),
    *_PLACEMENTS,
    ("product_id",),
    *((name,) for name in _HOURLY),
)
_IN_PRODUCTION = (
    ("device_platform",),
    ("publisher_platform", "device_platform"),
    ("dma",),
    ("comscore_market",),
    ("publisher_platform", "platform_position", "device_platform"),
)
_OTHER_ACTIONS = tuple(
    name for name in ACTION_BREAKDOWNS if name not in {*STAR, *_CARDS, "action_device", "action_reaction"}
)
_WITH_CARDS = ((), ("impression_device",), ("country",), *_PEOPLE)
_LISTED = (
    *(Combination(set_, may_join=STAR) for set_ in _STARRED),
    *(Combination(set_, ("action_device",), may_join=STAR) for set_ in ((), ("impression_device",), *_PLACEMENTS)),
    Combination((), ("action_reaction",)),
    Combination(("app_id", "skan_conversion_id")),
    *(Combination(set_, (card,), frozenset()) for card in _CARDS for set_ in _WITH_CARDS),
    Combination((), _CARDS, frozenset(), "o:airbyte"),
    *(Combination((asset, *people)) for asset in ASSETS for people in _PEOPLE),
    *(Combination(set_, may_join=STAR, source="o:airbyte") for set_ in _IN_PRODUCTION),
    Combination(("frequency_value",), source="o:airbyte"),
    *(Combination((), (name,), source=ACTION_BREAKDOWNS[name].source) for name in _OTHER_ACTIONS),
)
_ALONE = tuple(
    Combination((name,), source=breakdown.source)
    for name, breakdown in BREAKDOWNS.items()
    if name not in NEVER_ALONE and all(listed.breakdowns != (name,) for listed in _LISTED)
)

COMBINATIONS = (*_LISTED, *_ALONE)
"""What may stand together: the documented table, what runs daily in production, every other breakdown by itself."""


def legal_together(breakdowns: Iterable[str], action_breakdowns: Iterable[str]) -> bool:
    """Whether the API takes these breakdowns with these action breakdowns."""
    rows, actions = frozenset(breakdowns), frozenset(action_breakdowns)
    return any(frozenset(known.breakdowns) == rows and known.takes(actions) for known in COMBINATIONS)


def nearest_breakdowns(breakdowns: Iterable[str], action_breakdowns: Iterable[str]) -> tuple[str, ...] | None:
    """The legal set of breakdowns that differs least and keeps most, if any goes with these action breakdowns."""
    rows, actions = frozenset(breakdowns), frozenset(action_breakdowns)
    sets = [known.breakdowns for known in COMBINATIONS if known.takes(actions)]
    return min(sets, key=lambda known: (len(rows ^ frozenset(known)), -len(known)), default=None)


def nearest_action_breakdowns(breakdowns: Iterable[str], action_breakdowns: Iterable[str]) -> tuple[str, ...] | None:
    """The legal set of action breakdowns that differs least, if these breakdowns are legal at all."""
    rows, actions = frozenset(breakdowns), frozenset(action_breakdowns)
    sets = chain.from_iterable(_choices(known) for known in COMBINATIONS if frozenset(known.breakdowns) == rows)
    fitting = (known for known in sets if known or not actions)
    return min(fitting, key=lambda known: (len(actions ^ frozenset(known)), -len(known)), default=None)


def _choices(known: Combination) -> Iterable[tuple[str, ...]]:
    own = known.action_breakdowns
    joining = [name for name in ACTION_BREAKDOWNS if name in known.may_join and name not in own]
    for size in range(len(joining) + 1):
        for extra in combinations(joining, size):
            yield (*extra, *own)


# ---- which fields they refuse ----


@dataclass(frozen=True, slots=True)
class FieldRule:
    """Fields that cannot be asked with any of some breakdowns; identity fields always can.

    Exactly one of `only` (nothing else is given), `names`, or `prefix` and `unique` says which.
    """

    number: int
    breakdowns: frozenset[str]
    reason: str
    source: str = "AAI"
    only: frozenset[str] = frozenset()
    names: frozenset[str] = frozenset()
    prefix: str = ""
    unique: bool = False

    def refuses(self, field: InsightField) -> bool:
        """Whether the field cannot be asked with these breakdowns."""
        if field.shape is Shape.IDENTITY:
            return False
        if self.only:
            return field.name not in self.only
        return (
            field.name in self.names
            or bool(self.prefix and field.name.startswith(self.prefix))
            or (self.unique and field.unique)
        )


def _only(number: int, breakdowns: Iterable[str], fields: Iterable[str]) -> FieldRule:
    names = tuple(fields)
    return FieldRule(number, frozenset(breakdowns), f"gives only {', '.join(names)}", only=frozenset(names))


_SKAN_4 = ("fidelity_type", "coarse_conversion_value", "hsid", "postback_sequence_index", "redownload", "skan_version")
ASSET_FIELDS = ("impressions", "clicks", "spend", "reach", "actions", "action_values")

FIELD_RULES = (
    FieldRule(
        4, frozenset(_HOURLY), "has no video fields, and unique counts come back 0", prefix="video_", unique=True
    ),
    FieldRule(
        6,
        frozenset({"region"}),
        "refuses some video fields",
        names=frozenset(
            {
                "video_avg_time_watched_actions",
                *(f"video_p{percent}_watched_actions" for percent in (25, 50, 75, 95, 100)),
            }
        ),
    ),
    FieldRule(
        7,
        frozenset({"dma"}),
        "refuses ad recall and ThruPlay",
        names=frozenset({"estimated_ad_recall_rate", "video_thruplay_watched_actions"}),
    ),
    _only(8, ("frequency_value",), ("reach",)),
    _only(9, ASSETS, ASSET_FIELDS),
    _only(11, ("app_id", "skan_conversion_id"), ("total_postbacks",)),
    _only(11, ("skan_campaign_id", "is_conversion_id_modeled"), ("total_postbacks_detailed",)),
    _only(11, _SKAN_4, ("total_postbacks_detailed_v4",)),
)


def refusing(field: str, breakdowns: Iterable[str]) -> tuple[str, FieldRule] | None:
    """The breakdown and the rule that refuse the field, if any does."""
    for name in breakdowns:
        for rule in FIELD_RULES:
            if name in rule.breakdowns and rule.refuses(FIELDS[field]):
                return name, rule
    return None


def fields_given_with(breakdowns: Iterable[str]) -> tuple[str, ...]:
    """The only metrics that the breakdowns give, empty when they do not limit them so."""
    names = frozenset(breakdowns)
    limits = [rule.only for rule in FIELD_RULES if rule.only and rule.breakdowns & names]
    return tuple(name for name in FIELDS if limits and all(name in limit for limit in limits))


NOT_AT_ACCOUNT_LEVEL = frozenset({"image_asset", "video_asset", "place_page_id", "action_converted_product_id"})
"""Rules 9 and 10, and the page of Collaborative Ads."""
UNFILTERABLE = frozenset({"app_id", "skan_conversion_id"})
"""Rule 11: `filtering` on these is unsupported."""
WITHOUT_OFF_META = frozenset({"region", "dma", *_HOURLY})
"""Rule 13, type 1: no off-Meta actions at all."""
OFF_META_UNSPLIT = frozenset(
    {"action_device", "action_destination", "action_target_id", "product_id", *_CARDS, "action_canvas_component_name"}
)
"""Rule 13, type 2: off-Meta actions of the web come without the breakdown's value, those of apps not at all."""

FEWER_UNIQUE_ACTIONS = frozenset({"unique_actions", "cost_per_unique_action_type"})
"""Rule 17."""
NEVER_WITHHELD = ("1d_click", "7d_click", "1d_view", "incrementality")
"""Rule 14: with these windows asked by name conversions appear that `default` withholds."""

# ---- the rules in words ----


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule about breakdowns, and the key of the page that says so."""

    number: int
    says: str
    source: str


RULES = (
    Rule(1, "platform_position goes with publisher_platform", "o:fbrads132"),
    Rule(2, "impression_device goes with publisher_platform, action_device or a carousel card", "AAI"),
    Rule(3, "hourly breakdowns combine with nothing but action_type, action_target_id, action_destination", "AAI"),
    Rule(4, "hourly breakdowns give no video fields; unique counts come back as 0", "AAI"),
    Rule(5, "five long deprecated fields are refused with any breakdown", "AAI"),
    Rule(6, "region refuses average watch time and the quartiles of videos", "AAI"),
    Rule(7, "dma refuses ad recall rate and ThruPlay; its unique counts are sampled", "AAI"),
    Rule(8, "frequency_value gives only reach", "AAI"),
    Rule(9, "asset breakdowns give six metrics; image and video not at account level", "AAI"),
    Rule(10, "place_page_id is not given at account level", "AAI"),
    Rule(11, "SKAdNetwork breakdowns go with their own postback field only", "ARI"),
    Rule(12, "action breakdowns need actions among the fields", "AAI"),
    Rule(13, "some breakdowns hide actions that happened outside Meta", "AAI"),
    Rule(14, "mixed attribution settings hide conversions unless windows are asked by name", "AAS"),
    Rule(15, "mmm goes with nothing else", "AAI"),
    Rule(16, "breakdown columns are refused in fields, and one wrong name fails the whole call", "o:node15"),
    Rule(17, "over a hundred unique action types are gone since 2024-10-30", "AAI"),
    Rule(18, "dma is gone since 2026-06-22, comscore_market takes its place", "O26"),
    Rule(19, "some breakdowns need an opt-in since 2026-08-06; no rows means unknown, not zero", "O26"),
)
