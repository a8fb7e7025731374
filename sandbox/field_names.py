"""Owns the names that an insights row can carry (graph-api.md 2.14); data only, no rules of combination."""


def _names(text: str) -> frozenset[str]:
    return frozenset(text.split())


LABELS = _names("""
    account_currency account_id account_name ad_id ad_name adset_end adset_id adset_name adset_start
    age_targeting anchor_event_attribution_setting anchor_events_performance_indicator attribution_setting
    buying_type campaign_id campaign_name conversion_rate_ranking created_time creative_diversity_label
    creative_diversity_score creative_media_type date_start date_stop engagement_rate_ranking gender_targeting
    labels location marketing_messages_spend_currency msa_seller_budget msa_seller_id msa_seller_name
    multi_event_conversion_attribution_setting objective optimization_goal place_page_name quality_ranking
    result_values_performance_indicator updated_time
""")
"""Identity and label columns."""

SCALARS = _names("""
    advanced_reach_1d_lookback advanced_reach_28d_lookback advanced_reach_7d_lookback auction_bid
    auction_competitiveness auction_max_competitor_bid canvas_avg_view_percent canvas_avg_view_time clicks
    configurable_audience_overlap_with_conv_action configurable_audience_overlap_with_conv_converters
    configurable_audience_overlap_with_conv_exposure_cost
    configurable_audience_overlap_with_conv_exposure_impressions
    configurable_audience_overlap_with_conv_exposure_reach configurable_placement_ptc_conversions
    configurable_placement_ptc_converters configurable_placement_ptc_reach
    configurable_reachbyfrequency_converters_count configurable_reachbyfrequency_impressions_cost
    configurable_reachbyfrequency_impressions_count configurable_reachbyfrequency_reach
    cost_per_dda_countby_convs cost_per_estimated_ad_recallers cost_per_inline_link_click
    cost_per_inline_post_engagement cost_per_message_delivered cost_per_unique_click
    cost_per_unique_inline_link_click cpc cpm cpp ctr dda_countby_convs estimated_ad_recall_rate
    estimated_ad_recall_rate_lower_bound estimated_ad_recall_rate_upper_bound estimated_ad_recallers
    estimated_ad_recallers_lower_bound estimated_ad_recallers_upper_bound frequency full_view_impressions
    full_view_reach impressions inline_link_click_ctr inline_link_clicks inline_post_engagement
    instagram_profile_follow instagram_profile_visits instagram_upcoming_event_reminders_set
    instant_experience_clicks_to_open instant_experience_clicks_to_start
    landing_page_view_actions_per_link_click landing_page_view_per_link_click
    landing_page_view_per_purchase_rate marketing_messages_click_rate_benchmark
    marketing_messages_cost_per_delivered marketing_messages_cost_per_link_btn_click
    marketing_messages_delivered marketing_messages_delivery_rate marketing_messages_link_btn_click
    marketing_messages_link_btn_click_rate marketing_messages_media_view_rate
    marketing_messages_phone_call_btn_click_rate marketing_messages_quick_reply_btn_click
    marketing_messages_quick_reply_btn_click_rate marketing_messages_read marketing_messages_read_rate
    marketing_messages_sent marketing_messages_spend marketing_messages_website_add_to_cart
    marketing_messages_website_initiate_checkout marketing_messages_website_purchase
    marketing_messages_website_purchase_values messages_delivered messages_delivered_ctr opportunity_score_l4
    playable_average_game_length playable_game_start_rate purchase_per_landing_page_view
    purchases_per_link_click qualifying_question_qualify_answer_rate reach read_rate shop_clicks social_spend
    spend unique_clicks unique_ctr unique_inline_link_click_ctr unique_inline_link_clicks unique_link_clicks_ctr
    wish_bid
""")
"""Scalar metrics, numeric strings."""

TEXT_SCALARS = _names("""
    marketing_messages_read_rate_benchmark product_views shops_assisted_purchases total_card_view
    total_postbacks
""")
"""Scalar metrics typed plain string."""

ACTION_LISTS = _names("""
    action_values actions ad_click_actions ad_impression_actions advanced_actions_28d_view
    average_purchases_conversion_value catalog_segment_actions catalog_segment_value
    catalog_segment_value_mobile_purchase_roas catalog_segment_value_omni_purchase_roas
    catalog_segment_value_website_purchase_roas configurable_attribution_action
    configurable_attribution_actionvalue configurable_audience_overlap_reach
    configurable_reachbyfrequency_action conversion_lead_rate conversion_leads conversion_values conversions
    converted_product_app_custom_event_fb_mobile_purchase
    converted_product_app_custom_event_fb_mobile_purchase_value converted_product_offline_purchase
    converted_product_offline_purchase_value converted_product_omni_purchase
    converted_product_omni_purchase_values converted_product_quantity converted_product_value
    converted_product_website_pixel_purchase converted_product_website_pixel_purchase_value
    converted_promoted_product_app_custom_event_fb_mobile_purchase
    converted_promoted_product_app_custom_event_fb_mobile_purchase_value
    converted_promoted_product_offline_purchase converted_promoted_product_offline_purchase_value
    converted_promoted_product_omni_purchase converted_promoted_product_omni_purchase_values
    converted_promoted_product_quantity converted_promoted_product_value
    converted_promoted_product_website_pixel_purchase converted_promoted_product_website_pixel_purchase_value
    cost_per_15_sec_video_view cost_per_2_sec_continuous_video_view cost_per_6_sec_video_view
    cost_per_action_type cost_per_ad_click cost_per_conversion cost_per_conversion_lead
    cost_per_one_thousand_ad_impression cost_per_outbound_click cost_per_thruplay cost_per_unique_action_type
    cost_per_unique_conversion cost_per_unique_outbound_click instant_experience_outbound_clicks
    interactive_component_tap mobile_app_purchase_roas onsite_conversion_messaging_detected_purchase_deduped
    outbound_clicks outbound_clicks_ctr purchase_roas total_postbacks_detailed total_postbacks_detailed_v4
    unique_actions unique_conversions unique_outbound_clicks unique_outbound_clicks_ctr
    unique_video_continuous_2_sec_watched_actions unique_video_view_15_sec video_15_sec_watched_actions
    video_30_sec_watched_actions video_6_sec_watched_actions video_avg_time_watched_actions
    video_continuous_2_sec_watched_actions video_p100_watched_actions video_p25_watched_actions
    video_p50_watched_actions video_p75_watched_actions video_p95_watched_actions video_play_actions
    video_thruplay_watched_actions video_time_watched_actions video_view_per_impression website_ctr
    website_purchase_roas
""")
"""Metrics whose value is list<AdsActionStats>."""

HISTOGRAMS = _names("""
    video_play_curve_actions video_play_retention_0_to_15s_actions video_play_retention_20_to_60s_actions
    video_play_retention_graph_actions
""")
"""Metrics whose value is list<AdsHistogramStats>."""

RESULTS = _names("""
    cost_per_objective_result cost_per_result dda_results link_clicks_per_results objective_result_rate
    objective_results result_rate results
""")
"""Metrics whose value is list<AdsInsightsResult>."""

STRUCTURED = _names("""
    creative_diversity_data creative_fatigue_summary creative_fatigued_ads
""")
"""Structured metrics of other shapes."""

ROW_COLUMNS = _names("""
    activity_recency ad_format_asset age app_id body_asset call_to_action_asset coarse_conversion_value
    comparison_node comscore_market country creative_automation_asset_id creative_fingerprint
    creative_relaxation_asset_type description_asset device_platform dma fidelity_type
    flexible_format_asset_type frequency_value gen_ai_asset_type gender
    hourly_stats_aggregated_by_advertiser_time_zone hourly_stats_aggregated_by_audience_time_zone hsid
    image_asset impression_device is_auto_advance is_conversion_id_modeled is_video landing_destination
    link_url_asset media_asset media_type overlap_segment pa_creator_ig_handle placement placement_path
    platform_position postback_sequence_index product_brand_breakdown product_category_breakdown
    product_custom_label_0_breakdown product_custom_label_1_breakdown product_custom_label_2_breakdown
    product_custom_label_3_breakdown product_custom_label_4_breakdown product_group_content_id_breakdown
    product_group_retailer_id product_id product_retailer_id product_set_id_breakdown
    product_vendor_id_breakdown promoted_product_set_result publisher_platform redownload reels_trending_topic
    region rta_ugc_topic rule_asset rule_set_id rule_set_name skan_campaign_id skan_conversion_id skan_version
    title_asset user_segment_key video_asset zip
""")
"""Columns that only a breakdown brings; most are refused in `fields`."""

REQUESTABLE_COLUMNS = _names("product_group_retailer_id product_retailer_id")
"""The two names of group H that all sources list as requestable."""

REQUESTABLE = LABELS | SCALARS | TEXT_SCALARS | ACTION_LISTS | HISTOGRAMS | RESULTS | STRUCTURED | REQUESTABLE_COLUMNS
"""Every legal value of `fields`."""

NUMERIC = SCALARS | TEXT_SCALARS
"""Names whose value is one number."""

UNIQUE = frozenset(
    name
    for name in REQUESTABLE
    if name.startswith(("unique_", "cost_per_unique_")) or name in {"reach", "frequency", "cpp", "full_view_reach"}
)
"""De-duplicated metrics: never additive, withheld beyond 13 months with a breakdown (graph-api.md 2.3)."""
