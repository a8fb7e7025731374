"""Owns the five tables of ad objects: accounts, campaigns, ad sets, ads, creatives, and how each is listed.

Money here is BIGINT in the smallest unit of the account's currency, as sent: budgets, bids, balances, spend caps.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from schemas.columns import ORIGIN, Column, Kind, Table

_DOCS = "https://developers.facebook.com/docs/marketing-api/reference"
ACCOUNT_PAGE = f"{_DOCS}/ad-account"
CAMPAIGN_PAGE = f"{_DOCS}/ad-campaign-group"
ADSET_PAGE = f"{_DOCS}/ad-campaign"
AD_PAGE = f"{_DOCS}/adgroup"
CREATIVE_PAGE = f"{_DOCS}/ad-creative"

MINOR_UNIT = "smallest unit of the account's currency"
PARTITION = ("account_id",)

BIG_PAGE = 200
"""Objects of few fields; the API answers 25 when it is not told."""
SMALL_PAGE = 50
"""Creatives and targeting are large: "reduce the amount of data" comes early."""


@dataclass(frozen=True, slots=True)
class ObjectTable:
    """One table of objects and how the API lists them.

    `edge` hangs below an ad account and is empty for accounts themselves; `filter_level` is what filters call the
    object (`ad.updated_time`), empty where the API documents no filter. `needs_rights` are top-level fields that a
    caller without further rights must drop, because one of them refused fails the whole call.
    """

    table: Table
    edge: str
    filter_level: str
    page_size: int
    live_statuses: tuple[str, ...] = ()
    gone_statuses: tuple[str, ...] = ()
    needs_rights: frozenset[str] = frozenset()

    @property
    def top_level_fields(self) -> tuple[str, ...]:
        """The fields that stand in a reply, each once, in the table's order."""
        asked = (column.where[0] for column in self.table.columns if column.name not in _NOT_ASKED)
        return tuple(dict.fromkeys(asked))

    @property
    def fields_parameter(self) -> str:
        """The text of `fields=`, with nested selections."""
        return self.fields_without()

    def fields_without(self, dropped: Collection[str] = ()) -> str:
        """The text of `fields=` without some top-level fields that the API refused; `id` always stays."""
        kept = (name for name in self.top_level_fields if name == "id" or name not in dropped)
        return ",".join(self._selection(name) for name in kept)

    def _selection(self, name: str) -> str:
        """A top-level field with the members that columns take from it: `business{id,name}`."""
        members = [c.where[1] for c in self.table.columns if c.where[0] == name and len(c.where) > 1]
        return f"{name}{{{','.join(members)}}}" if members else name


_EXTRA = Column("extra", Kind.JSON, "What the object carried and no column declares")
_NOT_ASKED = frozenset({"extra", *(column.name for column in ORIGIN)})


def _columns(page: str, *columns: tuple[str, Kind, str] | tuple[str, Kind, str, str]) -> tuple[Column, ...]:
    return tuple(Column(name, kind, meaning, "".join(unit), page) for name, kind, meaning, *unit in columns)


def _minor(name: str, meaning: str) -> tuple[str, Kind, str, str]:
    return (name, Kind.COUNT, meaning, MINOR_UNIT)


def _table(name: str, meaning: str, columns: tuple[Column, ...]) -> Table:
    return Table(name, meaning, (*columns, _EXTRA, *ORIGIN), ("id",), PARTITION)


_TEXT, _COUNT, _FLAG, _INSTANT, _JSON = Kind.TEXT, Kind.COUNT, Kind.FLAG, Kind.INSTANT, Kind.JSON
_ACCOUNT_ID = ("account_id", _TEXT, "Ad account, digits without act_")
_STATUSES = (
    ("status", _TEXT, "Status as set by its owner"),
    ("configured_status", _TEXT, "Status as set by its owner"),
    ("effective_status", _TEXT, "Status that follows from parents, review and billing"),
)
_TIMES = (
    ("created_time", _INSTANT, "When it was created"),
    ("updated_time", _INSTANT, "When it was changed last"),
)

_ACCOUNT_COLUMNS = (
    *_columns(
        ACCOUNT_PAGE,
        ("id", _TEXT, "Ad account with act_, as the API names it in calls"),
        _ACCOUNT_ID,
        ("name", _TEXT, "Name of the ad account"),
        ("account_status", _COUNT, "1 active, 2 disabled, 3 unsettled, 7 risk review, 9 grace period, 101 closed"),
        ("disable_reason", _COUNT, "0 none, 1 ads integrity policy, 3 risk payment; others as the API numbers them"),
        ("currency", _TEXT, "Currency, ISO 4217"),
        ("timezone_name", _TEXT, "Time zone whose midnights divide the account's days"),
        ("timezone_offset_hours_utc", Kind.RATIO, "Present offset of that zone from UTC", "hours"),
        ("created_time", _INSTANT, "When the account was created"),
    ),
    Column("business_id", _TEXT, "Business that owns the account", source=ACCOUNT_PAGE, path=("business", "id")),
    Column("business_name", _TEXT, "Name of that business", source=ACCOUNT_PAGE, path=("business", "name")),
    *_columns(
        ACCOUNT_PAGE,
        _minor("amount_spent", "Spent so far, counting towards spend_cap"),
        _minor("spend_cap", "Most that the account may spend; 0 means no cap"),
        _minor("balance", "Bill that is due"),
        ("is_prepay_account", _FLAG, "Whether the account pays in advance"),
        _minor("min_daily_budget", "Smallest daily budget that the account may set"),
        ("brand_safety_content_filter_levels", _JSON, "Inventory filters of the account"),
    ),
)

_CAMPAIGN_COLUMNS = _columns(
    CAMPAIGN_PAGE,
    ("id", _TEXT, "Campaign"),
    _ACCOUNT_ID,
    ("name", _TEXT, "Name of the campaign"),
    ("objective", _TEXT, "Objective, such as OUTCOME_SALES"),
    ("buying_type", _TEXT, "How it is paid for, such as AUCTION"),
    ("bid_strategy", _TEXT, "Bid strategy, such as LOWEST_COST_WITHOUT_CAP"),
    _minor("daily_budget", "Budget per day, if the campaign holds it"),
    _minor("lifetime_budget", "Budget over its life, if the campaign holds it"),
    _minor("budget_remaining", "Budget that is left"),
    _minor("spend_cap", "Most that the campaign may spend"),
    *_STATUSES,
    ("start_time", _INSTANT, "When it starts"),
    ("stop_time", _INSTANT, "When it stops"),
    *_TIMES,
    ("special_ad_categories", _JSON, "Special categories, such as HOUSING"),
    ("smart_promotion_type", _TEXT, "Kind of automation"),
    ("is_skadnetwork_attribution", _FLAG, "Whether SKAdNetwork attributes its conversions"),
    ("source_campaign_id", _TEXT, "Campaign that it was copied from"),
    ("issues_info", _JSON, "Issues that hinder delivery"),
)

_ADSET_COLUMNS = _columns(
    ADSET_PAGE,
    ("id", _TEXT, "Ad set"),
    _ACCOUNT_ID,
    ("campaign_id", _TEXT, "Campaign that holds it"),
    ("name", _TEXT, "Name of the ad set"),
    *_STATUSES,
    ("optimization_goal", _TEXT, "What delivery optimises for, such as OFFSITE_CONVERSIONS"),
    ("billing_event", _TEXT, "What is billed, such as IMPRESSIONS"),
    ("bid_strategy", _TEXT, "Bid strategy, such as COST_CAP"),
    _minor("bid_amount", "Bid cap or target cost"),
    ("bid_constraints", _JSON, "Bounds of the bid, such as the least return on ad spend"),
    _minor("daily_budget", "Budget per day, if the ad set holds it"),
    _minor("lifetime_budget", "Budget over its life, if the ad set holds it"),
    _minor("budget_remaining", "Budget that is left"),
    ("start_time", _INSTANT, "When it starts"),
    ("end_time", _INSTANT, "When it ends"),
    *_TIMES,
    ("attribution_spec", _JSON, "Attribution windows that delivery optimises for"),
    ("destination_type", _TEXT, "Where its ads lead, such as WEBSITE"),
    ("promoted_object", _JSON, "What is promoted: pixel, page, app, product set"),
    ("pacing_type", _JSON, "How the budget is paced"),
    ("learning_stage_info", _JSON, "Where it stands in its learning phase"),
    ("issues_info", _JSON, "Issues that hinder delivery"),
    ("targeting", _JSON, "Whom it targets"),
    ("is_dynamic_creative", _FLAG, "Whether its ads mix assets"),
    ("dsa_beneficiary", _TEXT, "Who benefits from the ads, for the EU"),
    ("dsa_payor", _TEXT, "Who pays for the ads, for the EU"),
)

_AD_COLUMNS = (
    *_columns(
        AD_PAGE,
        ("id", _TEXT, "Ad"),
        _ACCOUNT_ID,
        ("campaign_id", _TEXT, "Campaign that holds it"),
        ("adset_id", _TEXT, "Ad set that holds it"),
        ("name", _TEXT, "Name of the ad"),
        *_STATUSES,
        *_TIMES,
    ),
    Column("creative_id", _TEXT, "Creative that it shows", source=AD_PAGE, path=("creative", "id")),
    *_columns(
        AD_PAGE,
        _minor("bid_amount", "Bid of the ad, where it has its own"),
        ("conversion_domain", _TEXT, "Domain on which conversions happen"),
        ("tracking_specs", _JSON, "What is tracked"),
        ("ad_review_feedback", _JSON, "Why review refused it"),
        ("issues_info", _JSON, "Issues that hinder delivery"),
        ("preview_shareable_link", _TEXT, "Link that previews the ad"),
        ("source_ad_id", _TEXT, "Ad that it was copied from"),
    ),
)

_CREATIVE_COLUMNS = _columns(
    CREATIVE_PAGE,
    ("id", _TEXT, "Creative"),
    _ACCOUNT_ID,
    ("name", _TEXT, "Name of the creative"),
    ("status", _TEXT, "ACTIVE, IN_PROCESS, WITH_ISSUES or DELETED"),
    ("object_type", _TEXT, "Kind of creative, such as SHARE or VIDEO"),
    ("object_story_id", _TEXT, "Page post that it shows"),
    ("effective_object_story_id", _TEXT, "Page post that delivers, even if made for the ad"),
    ("effective_instagram_media_id", _TEXT, "Instagram media that delivers"),
    ("instagram_permalink_url", _TEXT, "Address of the Instagram post"),
    ("title", _TEXT, "Title"),
    ("body", _TEXT, "Body text"),
    ("call_to_action_type", _TEXT, "Button, such as SHOP_NOW"),
    ("link_url", _TEXT, "Address that it links to"),
    ("url_tags", _TEXT, "Tags added to its links"),
    ("image_hash", _TEXT, "Image, by the hash that stays"),
    ("image_url", _TEXT, "Address of the image; signed, expires"),
    ("thumbnail_url", _TEXT, "Address of the thumbnail; signed, expires"),
    ("video_id", _TEXT, "Video"),
    ("object_story_spec", _JSON, "How the page post is made"),
    ("asset_feed_spec", _JSON, "Assets that are mixed"),
    ("product_set_id", _TEXT, "Product set that it shows"),
)

GONE = ("ARCHIVED", "DELETED")
_LIVE = ("ACTIVE", "PAUSED", "IN_PROCESS", "WITH_ISSUES")
_LIVE_ADSET = (*_LIVE, "CAMPAIGN_PAUSED")
_LIVE_AD = (*_LIVE_ADSET, "ADSET_PAUSED", "PENDING_REVIEW", "DISAPPROVED", "PREAPPROVED", "PENDING_BILLING_INFO")

AD_ACCOUNTS = ObjectTable(
    _table("ad_accounts", "Ad accounts, as last seen", _ACCOUNT_COLUMNS),
    edge="",
    filter_level="",
    page_size=BIG_PAGE,
    needs_rights=frozenset({"business", "is_prepay_account"}),
)
CAMPAIGNS = ObjectTable(
    _table("campaigns", "Campaigns, as last seen", _CAMPAIGN_COLUMNS), "campaigns", "campaign", BIG_PAGE, _LIVE, GONE
)
ADSETS = ObjectTable(
    _table("adsets", "Ad sets, as last seen", _ADSET_COLUMNS), "adsets", "adset", SMALL_PAGE, _LIVE_ADSET, GONE
)
ADS = ObjectTable(
    _table("ads", "Ads, as last seen", _AD_COLUMNS),
    "ads",
    "ad",
    BIG_PAGE,
    _LIVE_AD,
    GONE,
)
ADCREATIVES = ObjectTable(
    _table("adcreatives", "Creatives, as last seen", _CREATIVE_COLUMNS), "adcreatives", "", SMALL_PAGE
)

OBJECT_TABLES: Mapping[str, ObjectTable] = MappingProxyType(
    {known.table.name: known for known in (AD_ACCOUNTS, CAMPAIGNS, ADSETS, ADS, ADCREATIVES)}
)
"""The five tables by name, parents first."""
