"""Owns the breakdowns, action breakdowns and their legal sets (graph-api.md 2.6); data and one pure check."""


def _names(text: str) -> frozenset[str]:
    return frozenset(text.split())


BREAKDOWNS = _names("""
    ad_extension_domain ad_extension_url ad_format_asset age app_id body_asset breakdown_ad_objective
    breakdown_reporting_ad_id call_to_action_asset coarse_conversion_value comscore_market
    conversion_destination country creative_automation_asset_id creative_relaxation_asset_type
    crm_advertiser_l12_territory_ids crm_advertiser_subvertical_id crm_advertiser_vertical_id
    crm_ult_advertiser_id description_asset device_platform dma existing_post_id fidelity_type
    flexible_format_asset_type frequency_value gen_ai_asset_type gender
    hourly_stats_aggregated_by_advertiser_time_zone hourly_stats_aggregated_by_audience_time_zone hsid
    image_asset impression_device impression_view_time_advertiser_hour_v2 instagram_ads_follow_type
    instagram_ads_instagram_media_product_type instagram_ads_time_since_creation_bucket internal_campaign_id
    is_auto_advance is_conversion_id_modeled is_rendered_as_delayed_skip_ad landing_destination link_url_asset
    marketing_messages_btn_name mdsa_landing_destination media_asset_url media_creator media_destination_url
    media_format media_origin_url media_text_content media_type mmm overlap_segment pa_creator_ig_handle
    place_page_id platform_position postback_sequence_index product_brand_breakdown product_category_breakdown
    product_custom_label_0_breakdown product_custom_label_1_breakdown product_custom_label_2_breakdown
    product_custom_label_3_breakdown product_custom_label_4_breakdown product_group_content_id_breakdown
    product_group_id product_id product_set_id_breakdown product_vendor_id_breakdown publisher_platform
    redownload reels_trending_topic region rta_ugc_topic rule_set_id rule_set_name signal_source_bucket
    skan_campaign_id skan_conversion_id skan_version sot_attribution_model_type sot_attribution_window
    sot_channel sot_event_type sot_source standard_event_content_type title_asset user_persona_id
    user_persona_name user_segment_key video_asset zip
""")
"""Every accepted value of `breakdowns`."""

ACTION_BREAKDOWNS = _names("""
    action_device action_canvas_component_name action_carousel_card_id action_carousel_card_name
    action_destination action_reaction action_target_id action_type action_video_sound action_video_type
    conversion_destination is_business_ai_assisted matched_persona_id matched_persona_name signal_source_bucket
    standard_event_content_type action_converted_product_id
""")
"""Every accepted value of `action_breakdowns`."""

HOURLY = _names("hourly_stats_aggregated_by_advertiser_time_zone hourly_stats_aggregated_by_audience_time_zone")
ASSETS = _names("""
    ad_format_asset body_asset call_to_action_asset description_asset image_asset link_url_asset title_asset video_asset
""")
OPT_IN = _names("impression_device hourly_stats_aggregated_by_audience_time_zone frequency_value")
"""Breakdowns that an account's admin must opt in to (rule 19)."""

STARRED = _names("action_type action_target_id action_destination")
"""Action breakdowns that any starred set of 2.6.2 may also take."""

CAROUSEL = _names("action_carousel_card_id action_carousel_card_name")

_DEMOGRAPHIC = [set(), {"age"}, {"gender"}, {"age", "gender"}]
_PLACEMENT = [
    {"publisher_platform"},
    {"publisher_platform", "impression_device"},
    {"publisher_platform", "platform_position"},
    {"publisher_platform", "platform_position", "impression_device"},
    {"publisher_platform", "device_platform"},
    {"publisher_platform", "platform_position", "device_platform"},
]
_APART = [{"app_id", "skan_conversion_id"}]
_NEVER_ALONE = {"platform_position", "impression_device"}


def _sets(groups: list[set[str]]) -> frozenset[frozenset[str]]:
    return frozenset(frozenset(group) for group in groups)


_WITHOUT_ACTIONS = (
    _sets([*_DEMOGRAPHIC, *_PLACEMENT, *_APART])
    | _sets([{name} for name in BREAKDOWNS - _NEVER_ALONE])
    | _sets([{asset} | who for asset in ASSETS for who in _DEMOGRAPHIC])
)
_WITH_DEVICE = _sets([set(), {"impression_device"}, *_PLACEMENT[:4]])
_WITH_CAROUSEL = _sets([{"impression_device"}, {"country"}, *_DEMOGRAPHIC])


def legal(breakdowns: frozenset[str], action_breakdowns: frozenset[str]) -> bool:
    """Tell whether the two sets may be asked together (2.6.2 and the combinations seen in production)."""
    extra = action_breakdowns - STARRED
    if not extra:
        return breakdowns in _WITHOUT_ACTIONS
    if extra == {"action_device"}:
        return breakdowns in _WITH_DEVICE
    if extra <= CAROUSEL:
        return breakdowns in _WITH_CAROUSEL
    return not breakdowns and len(extra) == 1
