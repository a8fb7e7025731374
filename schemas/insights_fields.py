"""Owns what each field of ads insights is, as data; refuses to know which of them may stand together.

The universe is 301 names: `FIELDS` may stand in `fields`, `ROW_COLUMNS` come only with their breakdown or unasked.
The constructors below say the kind, the unit and whether the API computes the number by division.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from types import MappingProxyType

from schemas.columns import Kind

SOURCES: Mapping[str, str] = MappingProxyType(
    {
        "AAI": "https://developers.facebook.com/docs/marketing-api/reference/ad-account/insights",
        "AAS": "https://developers.facebook.com/docs/marketing-api/reference/ads-action-stats",
        "ACI": "https://developers.facebook.com/documentation/ads-commerce/marketing-api/reference/ad-campaign/insights",
        "ARI": "https://developers.facebook.com/docs/marketing-api/reference/ad-report-run/insights",
        "BAV": "https://developers.facebook.com/blog/post/2025/10/16",
        "BRK": "https://developers.facebook.com/documentation/ads-commerce/marketing-api/insights/breakdowns",
        "INS": "https://developers.facebook.com/documentation/ads-commerce/marketing-api/insights",
        "O25": "https://developers.facebook.com/documentation/ads-commerce/marketing-api/out-of-cycle-changes/occ-2025",
        "O26": "https://developers.facebook.com/documentation/ads-commerce/marketing-api/out-of-cycle-changes/occ-2026",
        "SDK": "https://github.com/facebook/facebook-python-business-sdk",
        "o:airbyte": "https://github.com/airbytehq/airbyte",
        "o:fbrads132": "https://github.com/daroczig/fbRads/issues/132",
        "o:issues": "https://github.com/facebook/facebook-python-business-sdk/issues",
        "o:mcp": "https://github.com/pipeboard-co/meta-ads-mcp/releases/tag/1.0.117",
        "o:node15": "https://github.com/facebook/facebook-nodejs-business-sdk/issues/15",
        "ours": "",
    }
)
"""The pages behind the source keys; `ours` is a choice of this project where no page speaks."""


class Shape(Enum):
    """How a field's value stands in a row, and therefore in which table it lands."""

    IDENTITY = "a label of the object: a column of the facts"
    SCALAR = "one number or short text: a column of the facts"
    ACTIONS = "a list by action type: rows of the actions table"
    HISTOGRAM = "a list whose values are lists of numbers: rows of the actions table"
    RESULTS = "a list by result indicator: rows of the results table"
    STRUCTURED = "anything else: a JSON column of the facts"


@dataclass(frozen=True, slots=True)
class InsightField:
    """One field of ads insights.

    `quotient`: computed by division, so more than six decimals are expected. `unique`: counts people or other things
    once, so parts cannot be added up. `source` is a key of `SOURCES`.
    """

    name: str
    shape: Shape
    kind: Kind
    meaning: str
    unit: str = ""
    source: str = "AAI"
    quotient: bool = False
    unique: bool = False

    @property
    def page(self) -> str:
        """The address of the page that says so."""
        return SOURCES[self.source]


CURRENCY = "account currency"
PERCENT = "percent"


def _label(name: str, meaning: str, source: str = "AAI", kind: Kind = Kind.TEXT) -> InsightField:
    return InsightField(name, Shape.IDENTITY, kind, meaning, "", source)


def _count(name: str, meaning: str, unit: str, source: str = "AAI") -> InsightField:
    return InsightField(name, Shape.SCALAR, Kind.COUNT, meaning, unit, source)


def _people(name: str, meaning: str, source: str = "AAI", unit: str = "people") -> InsightField:
    return InsightField(name, Shape.SCALAR, Kind.COUNT, meaning, unit, source, unique=True)


def _money(name: str, meaning: str, source: str = "AAI") -> InsightField:
    return InsightField(name, Shape.SCALAR, Kind.MONEY, meaning, CURRENCY, source)


def _cost(name: str, meaning: str, source: str = "AAI", *, unique: bool = False) -> InsightField:
    return InsightField(name, Shape.SCALAR, Kind.MONEY, meaning, CURRENCY, source, quotient=True, unique=unique)


def _ratio(name: str, meaning: str, unit: str = "ratio", source: str = "AAI", *, unique: bool = False) -> InsightField:
    return InsightField(name, Shape.SCALAR, Kind.RATIO, meaning, unit, source, quotient=True, unique=unique)


def _text(name: str, meaning: str, source: str = "AAI") -> InsightField:
    return InsightField(name, Shape.SCALAR, Kind.TEXT, meaning, "", source)


def _list(name: str, meaning: str, unit: str, source: str = "AAI", *, unique: bool = False) -> InsightField:
    return InsightField(name, Shape.ACTIONS, Kind.AMOUNT, meaning, unit, source, unique=unique)


def _divided(name: str, meaning: str, unit: str, source: str = "AAI", *, unique: bool = False) -> InsightField:
    return InsightField(name, Shape.ACTIONS, Kind.AMOUNT, meaning, unit, source, quotient=True, unique=unique)


def _histogram(name: str, meaning: str) -> InsightField:
    return InsightField(name, Shape.HISTOGRAM, Kind.NUMBERS, meaning, PERCENT)


def _result(name: str, meaning: str, unit: str, source: str = "AAI", *, quotient: bool = False) -> InsightField:
    return InsightField(name, Shape.RESULTS, Kind.AMOUNT, meaning, unit, source, quotient=quotient)


def _structured(name: str, meaning: str, source: str = "AAI") -> InsightField:
    return InsightField(name, Shape.STRUCTURED, Kind.JSON, meaning, "", source)


IDENTITY = (
    _label("account_currency", "Currency of the ad account, ISO 4217"),
    _label("account_id", "Ad account, digits without act_"),
    _label("account_name", "Name of the ad account"),
    _label("ad_id", "Ad"),
    _label("ad_name", "Name of the ad"),
    _label("adset_end", "When the ad set ends, as sent", "SDK"),
    _label("adset_id", "Ad set"),
    _label("adset_name", "Name of the ad set"),
    _label("adset_start", "When the ad set starts, as sent", "SDK"),
    _label("age_targeting", "Ages that the ad set targets, as sent", "ARI"),
    _label("anchor_event_attribution_setting", "Attribution setting of the anchor event"),
    _label("anchor_events_performance_indicator", "Action that counts as the anchor event"),
    _label("attribution_setting", "Attribution setting behind the default values; mixed sets say so"),
    _label("buying_type", "How the ads are paid for: auction, fixed price, reach and frequency"),
    _label("campaign_id", "Campaign"),
    _label("campaign_name", "Name of the campaign"),
    _label("conversion_rate_ranking", "Expected conversion rate beside ads for the same audience", "ARI"),
    _label("created_time", "When the object was created, as sent in insights rows"),
    _label("creative_diversity_label", "How varied the creatives are, in words", "ARI"),
    _label("creative_diversity_score", "How varied the creatives are, as sent", "ARI"),
    _label("creative_media_type", "Kind of media of the creative", "ARI"),
    _label("date_start", "First day that the row covers, in the ad account's time zone", kind=Kind.DAY),
    _label("date_stop", "Last day that the row covers, in the ad account's time zone", kind=Kind.DAY),
    _label("engagement_rate_ranking", "Expected engagement beside ads for the same audience", "ARI"),
    _label("gender_targeting", "Genders that the ad set targets, as sent", "ARI"),
    _label("labels", "Labels of the object, as sent", "ARI"),
    _label("location", "Places that the ad set targets, as sent", "ARI"),
    _label("marketing_messages_spend_currency", "Currency of the spend on marketing messages", "SDK"),
    _label("msa_seller_budget", "Budget of the marketplace seller, as sent", "ARI", Kind.COUNT),
    _label("msa_seller_id", "Marketplace seller", "ARI"),
    _label("msa_seller_name", "Name of the marketplace seller", "ARI"),
    _label("multi_event_conversion_attribution_setting", "Attribution setting of conversions of several events"),
    _label("objective", "Objective of the campaign; may differ from the one selected"),
    _label("optimization_goal", "What the delivery of the ad set optimises for"),
    _label("place_page_name", "Name of the place's page", "SDK"),
    _label("quality_ranking", "Perceived quality beside ads for the same audience", "ARI"),
    _label("result_values_performance_indicator", "Action whose value counts as the result's value"),
    _label("updated_time", "When the object was changed last, as sent in insights rows"),
)

SCALARS = (
    _people("advanced_reach_1d_lookback", "People reached, looking back one day", "ARI"),
    _people("advanced_reach_28d_lookback", "People reached, looking back 28 days", "ARI"),
    _people("advanced_reach_7d_lookback", "People reached, looking back seven days", "ARI"),
    _money("auction_bid", "Bid in the auction"),
    _ratio("auction_competitiveness", "How contested the auctions were", ""),
    _money("auction_max_competitor_bid", "Highest bid of a competitor in the auction"),
    _ratio("canvas_avg_view_percent", "Part of the Instant Experience that people saw, on average", PERCENT),
    _ratio("canvas_avg_view_time", "Time that people spent in the Instant Experience, on average", "seconds"),
    _count("clicks", "Clicks on the ads, of every kind", "clicks"),
    _people(
        "configurable_audience_overlap_with_conv_action", "Audience overlap: actions of the exposed", "ARI", "actions"
    ),
    _people("configurable_audience_overlap_with_conv_converters", "Audience overlap: people who converted", "ARI"),
    _money("configurable_audience_overlap_with_conv_exposure_cost", "Audience overlap: cost of the exposure", "ARI"),
    _count(
        "configurable_audience_overlap_with_conv_exposure_impressions",
        "Audience overlap: impressions of the exposure",
        "impressions",
        "ARI",
    ),
    _people("configurable_audience_overlap_with_conv_exposure_reach", "Audience overlap: people exposed", "ARI"),
    _count("configurable_placement_ptc_conversions", "Conversions on the placement path", "conversions", "ARI"),
    _people("configurable_placement_ptc_converters", "People who converted on the placement path", "ARI"),
    _people("configurable_placement_ptc_reach", "People reached on the placement path", "ARI"),
    _people("configurable_reachbyfrequency_converters_count", "Reach by frequency: people who converted", "ARI"),
    _money("configurable_reachbyfrequency_impressions_cost", "Reach by frequency: cost of the impressions", "ARI"),
    _count("configurable_reachbyfrequency_impressions_count", "Reach by frequency: impressions", "impressions", "ARI"),
    _people("configurable_reachbyfrequency_reach", "Reach by frequency: people reached", "ARI"),
    _cost("cost_per_dda_countby_convs", "Spend per data-driven conversion"),
    _cost("cost_per_estimated_ad_recallers", "Spend per person estimated to recall the ad", "ARI", unique=True),
    _cost("cost_per_inline_link_click", "Spend per click on a link of the ad"),
    _cost("cost_per_inline_post_engagement", "Spend per engagement with the ad's post"),
    _cost("cost_per_message_delivered", "Spend per message delivered", "ARI"),
    _cost("cost_per_unique_click", "Spend per person who clicked", unique=True),
    _cost("cost_per_unique_inline_link_click", "Spend per person who clicked a link of the ad", unique=True),
    _cost("cpc", "Spend per click of every kind"),
    _cost("cpm", "Spend per 1,000 impressions"),
    _cost("cpp", "Spend per 1,000 people reached", unique=True),
    _ratio("ctr", "Clicks of every kind per impression", PERCENT),
    InsightField(
        "dda_countby_convs",
        Shape.SCALAR,
        Kind.AMOUNT,
        "Conversions credited by data-driven attribution; credit may be a fraction",
        "conversions",
    ),
    _ratio("estimated_ad_recall_rate", "People estimated to recall the ad, per reach", PERCENT, "ARI", unique=True),
    _ratio("estimated_ad_recall_rate_lower_bound", "Lower bound of that rate", PERCENT, "ARI", unique=True),
    _ratio("estimated_ad_recall_rate_upper_bound", "Upper bound of that rate", PERCENT, "ARI", unique=True),
    _people("estimated_ad_recallers", "People estimated to recall the ad within two days", "ARI"),
    _people("estimated_ad_recallers_lower_bound", "Lower bound of the people who recall the ad", "ARI"),
    _people("estimated_ad_recallers_upper_bound", "Upper bound of the people who recall the ad", "ARI"),
    _ratio("frequency", "Impressions per person reached; an estimate", "impressions per person", unique=True),
    _count("full_view_impressions", "Full views of the page's posts because of the ad", "views"),
    _people("full_view_reach", "People with a full view of the page's post because of the ad"),
    _count("impressions", "Times the ads were on screen", "impressions"),
    _ratio("inline_link_click_ctr", "Clicks on links of the ad per impression", PERCENT),
    _count("inline_link_clicks", "Clicks on links of the ad; always one-day click attribution", "clicks"),
    _count("inline_post_engagement", "Engagements with the ad's post; always one-day click attribution", "actions"),
    _count("instagram_profile_follow", "Follows of the Instagram profile because of the ad", "follows", "ARI"),
    _count("instagram_profile_visits", "Visits to the Instagram profile because of the ad", "visits", "ARI"),
    _count("instagram_upcoming_event_reminders_set", "Reminders set for an upcoming Instagram event", "reminders"),
    _count("instant_experience_clicks_to_open", "Clicks that opened an Instant Experience", "clicks"),
    _count("instant_experience_clicks_to_start", "Clicks that started part of an Instant Experience", "clicks"),
    _ratio("landing_page_view_actions_per_link_click", "Landing page views per link click", source="ARI"),
    _ratio("landing_page_view_per_link_click", "Landing page views per link click"),
    _ratio("landing_page_view_per_purchase_rate", "Landing page views against purchases", source="ARI"),
    _ratio("marketing_messages_click_rate_benchmark", "Click rate of similar businesses", PERCENT, "ARI"),
    _cost("marketing_messages_cost_per_delivered", "Spend per marketing message delivered", "ARI"),
    _cost("marketing_messages_cost_per_link_btn_click", "Spend per click on a message's link button", "ARI"),
    _count("marketing_messages_delivered", "Marketing messages delivered", "messages"),
    _ratio("marketing_messages_delivery_rate", "Messages delivered per message sent", PERCENT),
    _count("marketing_messages_link_btn_click", "Clicks on link buttons of messages", "clicks", "SDK"),
    _ratio("marketing_messages_link_btn_click_rate", "Link button clicks per message", PERCENT, "ARI"),
    _ratio("marketing_messages_media_view_rate", "Media views per message", PERCENT, "ARI"),
    _ratio("marketing_messages_phone_call_btn_click_rate", "Call button clicks per message", PERCENT, "ARI"),
    _count("marketing_messages_quick_reply_btn_click", "Clicks on quick reply buttons", "clicks", "SDK"),
    _ratio("marketing_messages_quick_reply_btn_click_rate", "Quick reply clicks per message", PERCENT, "ARI"),
    _count("marketing_messages_read", "Marketing messages read", "messages", "SDK"),
    _ratio("marketing_messages_read_rate", "Messages read per message delivered", PERCENT, "ARI"),
    _count("marketing_messages_sent", "Marketing messages sent", "messages", "SDK"),
    _money("marketing_messages_spend", "Spend on marketing messages, in its own currency column", "ARI"),
    _count("marketing_messages_website_add_to_cart", "Additions to a cart on the website", "actions", "SDK"),
    _count("marketing_messages_website_initiate_checkout", "Checkouts begun on the website", "actions", "SDK"),
    _count("marketing_messages_website_purchase", "Purchases on the website", "purchases", "SDK"),
    _money("marketing_messages_website_purchase_values", "Value of purchases on the website", "SDK"),
    _count("messages_delivered", "Messages delivered", "messages", "ARI"),
    _ratio("messages_delivered_ctr", "Clicks per message delivered", PERCENT, "ARI"),
    _ratio("opportunity_score_l4", "Opportunity score", "", "ARI"),
    _ratio("playable_average_game_length", "Time spent in the playable ad, on average", "", "ARI"),
    _ratio("playable_game_start_rate", "Playable ads started per impression", PERCENT, "ARI"),
    _ratio("purchase_per_landing_page_view", "Purchases per landing page view"),
    _ratio("purchases_per_link_click", "Purchases per link click", source="ARI"),
    _ratio("qualifying_question_qualify_answer_rate", "Answers that qualify per answer", PERCENT),
    _people("reach", "People who saw the ads at least once; an estimate"),
    _ratio("read_rate", "Messages read per message delivered", PERCENT, "ARI"),
    _count("shop_clicks", "Clicks into the shop", "clicks", "SDK"),
    _money("social_spend", "Spend on ads shown with social information"),
    _money("spend", "Money spent; an estimate until billed"),
    _people("unique_clicks", "People who clicked", "ARI"),
    _ratio("unique_ctr", "People who clicked per person reached", PERCENT, "ARI", unique=True),
    _ratio("unique_inline_link_click_ctr", "People who clicked a link of the ad", PERCENT, "ARI", unique=True),
    _people("unique_inline_link_clicks", "People who clicked a link of the ad", "ARI"),
    _ratio("unique_link_clicks_ctr", "People who clicked a link per person reached", PERCENT, "ARI", unique=True),
    _money("wish_bid", "Bid that would have been wished for"),
)

PLAIN = (
    _text("marketing_messages_read_rate_benchmark", "75th percentile of read rates of similar businesses, as sent"),
    _count("product_views", "Views of products", "views"),
    _count("shops_assisted_purchases", "Purchases that a shop assisted", "purchases"),
    _count("total_card_view", "Views of cards", "views"),
    _count("total_postbacks", "Postbacks of SKAdNetwork up to version 3", "postbacks", "ARI"),
)

_BOUGHT = "purchases"
_PER_PURCHASE_CHANNEL = (
    ("app_custom_event_fb_mobile_purchase", "in the mobile app"),
    ("offline_purchase", "offline"),
    ("omni_purchase", "on every channel"),
    ("website_pixel_purchase", "on the website"),
)


def _converted(prefix: str, whose: str) -> tuple[InsightField, ...]:
    """The ten lists about the products that people bought, alike for converted and promoted products."""
    numbers = tuple(
        _list(f"{prefix}_{name}", f"Purchases of {whose} {where}", _BOUGHT) for name, where in _PER_PURCHASE_CHANNEL
    )
    values = tuple(
        _list(
            f"{prefix}_{name}_{'values' if name == 'omni_purchase' else 'value'}",
            f"Value of purchases of {whose} {where}",
            CURRENCY,
        )
        for name, where in _PER_PURCHASE_CHANNEL
    )
    return (
        *numbers,
        *values,
        _list(f"{prefix}_quantity", f"Number of {whose} bought", "products"),
        _list(f"{prefix}_value", f"Value of {whose} bought", CURRENCY),
    )


ACTIONS = (
    _list("action_values", "Value of the conversions, by action type", CURRENCY),
    _list("actions", "Actions attributed to the ads, by action type", "actions"),
    _list("ad_click_actions", "Clicks on the ad, by action type", "clicks"),
    _list("ad_impression_actions", "Impressions of the ad, by action type", "impressions"),
    _list("advanced_actions_28d_view", "Actions within 28 days after a view", "actions", "ARI"),
    _divided("average_purchases_conversion_value", "Value per purchase", CURRENCY, "ARI"),
    _list("catalog_segment_actions", "Actions for the catalogue segment", "actions"),
    _list("catalog_segment_value", "Value of conversions from the catalogue segment", CURRENCY),
    _divided("catalog_segment_value_mobile_purchase_roas", "Segment: mobile purchase value per spend", "ratio"),
    _divided("catalog_segment_value_omni_purchase_roas", "Segment: purchase value per spend", "ratio"),
    _divided("catalog_segment_value_website_purchase_roas", "Segment: website purchase value per spend", "ratio"),
    _list("configurable_attribution_action", "Actions under a configured attribution", "actions", "ARI"),
    _list("configurable_attribution_actionvalue", "Value of actions under that attribution", CURRENCY, "ARI"),
    _list("configurable_audience_overlap_reach", "Audience overlap: people reached", "people", "ARI", unique=True),
    _list("configurable_reachbyfrequency_action", "Reach by frequency: actions", "actions", "ARI"),
    _divided("conversion_lead_rate", "Leads that converted, per lead", PERCENT, "ARI"),
    _list("conversion_leads", "Leads that converted", "leads", "ARI"),
    _list("conversion_values", "Value of conversions such as contact, subscribe and donate", CURRENCY),
    _list("conversions", "Conversions such as contact, subscribe and donate", "conversions"),
    *_converted("converted_product", "products converted"),
    *_converted("converted_promoted_product", "promoted products"),
    _divided("cost_per_15_sec_video_view", "Spend per 15-second video view", CURRENCY),
    _divided("cost_per_2_sec_continuous_video_view", "Spend per continuous two-second video view", CURRENCY),
    _divided("cost_per_6_sec_video_view", "Spend per six-second video view", CURRENCY, "ARI"),
    _divided("cost_per_action_type", "Spend per action, by action type", CURRENCY),
    _divided("cost_per_ad_click", "Spend per click on the ad", CURRENCY),
    _divided("cost_per_conversion", "Spend per conversion", CURRENCY),
    _divided("cost_per_conversion_lead", "Spend per lead that converted", CURRENCY, "ARI"),
    _divided("cost_per_one_thousand_ad_impression", "Spend per 1,000 ad impressions", CURRENCY),
    _divided("cost_per_outbound_click", "Spend per click that left Meta", CURRENCY),
    _divided("cost_per_thruplay", "Spend per ThruPlay", CURRENCY),
    _divided("cost_per_unique_action_type", "Spend per person who acted, by action type", CURRENCY, unique=True),
    _divided("cost_per_unique_conversion", "Spend per person who converted", CURRENCY, unique=True),
    _divided("cost_per_unique_outbound_click", "Spend per person who left Meta by a click", CURRENCY, unique=True),
    _list("instant_experience_outbound_clicks", "Clicks in an Instant Experience that left Meta", "clicks"),
    _list("interactive_component_tap", "Taps on interactive components", "taps"),
    _divided("mobile_app_purchase_roas", "Mobile app purchase value per spend", "ratio"),
    _list("onsite_conversion_messaging_detected_purchase_deduped", "Purchases found in messages", _BOUGHT, "SDK"),
    _list("outbound_clicks", "Clicks that left Meta", "clicks"),
    _divided("outbound_clicks_ctr", "Clicks that left Meta per impression", PERCENT),
    _divided("purchase_roas", "Purchase value per spend", "ratio"),
    _list("total_postbacks_detailed", "Postbacks of SKAdNetwork 3 by their values", "postbacks", "ARI"),
    _list("total_postbacks_detailed_v4", "Postbacks of SKAdNetwork 4 by their values", "postbacks", "ARI"),
    _list("unique_actions", "People who acted, by action type", "people", "ARI", unique=True),
    _list("unique_conversions", "People who converted", "people", "ARI", unique=True),
    _list("unique_outbound_clicks", "People who left Meta by a click", "people", "ARI", unique=True),
    _divided("unique_outbound_clicks_ctr", "People who left Meta per person reached", PERCENT, "ARI", unique=True),
    _list(
        "unique_video_continuous_2_sec_watched_actions",
        "People with a continuous two-second video view",
        "people",
        "ARI",
        unique=True,
    ),
    _list("unique_video_view_15_sec", "People with a 15-second video view", "people", "ARI", unique=True),
    _list("video_15_sec_watched_actions", "Plays of at least 15 seconds", "plays", "ARI"),
    _list("video_30_sec_watched_actions", "Plays of at least 30 seconds or nearly the whole video", "plays"),
    _list("video_6_sec_watched_actions", "Plays of at least six seconds", "plays", "ARI"),
    _divided("video_avg_time_watched_actions", "Time watched per play, replays included", "seconds"),
    _list("video_continuous_2_sec_watched_actions", "Plays of two seconds without a break", "plays"),
    _list("video_p100_watched_actions", "Plays that reached the end", "plays"),
    _list("video_p25_watched_actions", "Plays that reached a quarter", "plays"),
    _list("video_p50_watched_actions", "Plays that reached half", "plays"),
    _list("video_p75_watched_actions", "Plays that reached three quarters", "plays"),
    _list("video_p95_watched_actions", "Plays that reached 95 percent", "plays"),
    _list("video_play_actions", "Plays begun, without replays", "plays"),
    _list("video_thruplay_watched_actions", "Plays to the end or of at least 15 seconds", "plays", "ARI"),
    _list("video_time_watched_actions", "Time watched in all", "seconds"),
    _divided("video_view_per_impression", "Video views per impression", "ratio", "ARI"),
    _divided("website_ctr", "Link clicks per impression", PERCENT),
    _divided("website_purchase_roas", "Website purchase value per spend", "ratio"),
)

HISTOGRAMS = (
    _histogram("video_play_curve_actions", "Plays that reached each second, up to beyond a minute, in 22 numbers"),
    _histogram("video_play_retention_0_to_15s_actions", "Plays still watched at each of the first 15 seconds"),
    _histogram("video_play_retention_20_to_60s_actions", "Plays still watched between second 20 and 60"),
    _histogram("video_play_retention_graph_actions", "Plays still watched along the video"),
)

RESULTS = (
    _result("cost_per_objective_result", "Spend per result of the objective", CURRENCY, quotient=True),
    _result("cost_per_result", "Spend per result", CURRENCY, quotient=True),
    _result("link_clicks_per_results", "Link clicks per result", "ratio", "ARI", quotient=True),
    _result("objective_result_rate", "Results of the objective per impression", PERCENT, quotient=True),
    _result("objective_results", "Results of the objective that was selected", "results"),
    _result("result_rate", "Results per impression", PERCENT, quotient=True),
    _result("results", "Times the ad achieved what it was set up for", "results"),
)

STRUCTURED = (
    _structured("dda_results", "Results of data-driven attribution, as sent"),
    _structured("creative_diversity_data", "How varied the creatives are, as sent", "ARI"),
    _structured("creative_fatigue_summary", "How tired the creatives are, as sent", "ARI"),
    _structured("creative_fatigued_ads", "Ads whose creative is tired, as sent", "ARI"),
)

RETAILER = (
    _label("product_group_retailer_id", "Product group by the retailer's own id"),
    _label("product_retailer_id", "Product by the retailer's own id"),
)
"""Listed among the row columns by every source, yet they may be asked for in `fields`."""

FIELDS: Mapping[str, InsightField] = MappingProxyType(
    {
        field.name: field
        for group in (IDENTITY, SCALARS, PLAIN, ACTIONS, HISTOGRAMS, RESULTS, STRUCTURED, RETAILER)
        for field in group
    }
)
"""Every name that may stand in `fields`, in the registry's order."""

_ROW_COLUMNS = """
    activity_recency ad_format_asset age app_id body_asset call_to_action_asset coarse_conversion_value comparison_node
    comscore_market country creative_automation_asset_id creative_fingerprint creative_relaxation_asset_type
    description_asset device_platform dma fidelity_type flexible_format_asset_type frequency_value gen_ai_asset_type
    gender hourly_stats_aggregated_by_advertiser_time_zone hourly_stats_aggregated_by_audience_time_zone hsid
    image_asset impression_device is_auto_advance is_conversion_id_modeled is_video landing_destination link_url_asset
    media_asset media_type overlap_segment pa_creator_ig_handle placement placement_path platform_position
    postback_sequence_index product_brand_breakdown product_category_breakdown product_custom_label_0_breakdown
    product_custom_label_1_breakdown product_custom_label_2_breakdown product_custom_label_3_breakdown
    product_custom_label_4_breakdown product_group_content_id_breakdown product_id product_set_id_breakdown
    product_vendor_id_breakdown promoted_product_set_result publisher_platform redownload reels_trending_topic region
    rta_ugc_topic rule_asset rule_set_id rule_set_name skan_campaign_id skan_conversion_id skan_version title_asset
    user_segment_key video_asset zip
"""
ROW_COLUMNS = frozenset(_ROW_COLUMNS.split())
"""Columns that a row carries because of a breakdown or unasked; `fields` refuses them."""

GONE_FIELDS: frozenset[str] = frozenset(
    {"app_store_clicks", "newsfeed_avg_position", "newsfeed_clicks", "newsfeed_impressions", "relevance_score"}
)
"""Long deprecated and refused with every breakdown; no source lists them any more."""
