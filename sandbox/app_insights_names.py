"""Owns what may be asked of app insights: metrics with their periods, aggregations, breakdowns (graph-api.md 5)."""

from collections.abc import Mapping

COUNT, RATE, MONEY, ROLLING, TOTAL = "count", "rate", "money", "rolling", "total"
"""Natures of a metric: what adds up, what does not, what has decimals."""

_DAILY = ("count", "daily")
_RANGE = (*_DAILY, "range")
_HOURLY = (*_DAILY, "hourly", "range")

_PERIODS: Mapping[tuple[str, ...], str] = {
    _RANGE: """
        api_avg_request_time api_calls api_errors app_blocks initial_permission_grants payments_daily_chargebacks
        payments_daily_refunds payments_daily_spend request_accepts request_impressions structured_request_accepts
        structured_request_impressions structured_request_sends
    """,
    _DAILY: "api_calls_by_method api_error_rate_by_method api_errors_by_method",
    _HOURLY: """
        app_center_initial_permission_grants app_center_initial_permission_requests app_event app_notification_clicks
        app_notification_hide_rate app_notification_hides app_notification_impressions app_notification_sends
        app_notification_spam_rate app_notification_spam_reports app_notification_total_accepts
        app_notification_unhides login_dialog_additional_permission_grants login_dialog_additional_permission_requests
        login_dialog_initial_permission_grants login_dialog_initial_permission_requests
        login_dialog_publish_permission_grants login_dialog_publish_permission_requests mobile_referral_installs
        mobile_referrals permission_revocations request_blocks request_sends request_spam_rate story_clicks
        story_comments story_impressions story_likes story_publishes story_spam_rate total_referrals
    """,
    ("daily",): """
        facebook_features_daily_active_users facebook_features_weekly_active_users
        facebook_features_monthly_active_users
    """,
    ("count", "lifetime"): "facebook_login_total_users",
}

METRICS: Mapping[str, tuple[str, ...]] = {
    name: periods for periods, names in _PERIODS.items() for name in names.split()
}
"""Every metric with the periods of its line in the reference."""

EVENT = "app_event"
ENUM = ("mins_15", "hourly", "daily", "weekly", "monthly", "lifetime", "days_28", "range")
"""What `period` may be at all; `count` is in the metrics' lines but in no enum (conflict 30)."""

AGGREGATIONS = (
    "COUNT",
    "USERS",
    "TOPK",
    "SUM",
    "USD_SUM",
    "UNKNOWN_USERS",
    "SCORE",
    "MEDIAN_VALUE",
    "DAU",
    "WAU",
    "MAU",
)
EVENT_AGGREGATIONS = frozenset({"SUM", "USD_SUM", "UNKNOWN_USERS"})
INTERVALS = (1, 7, 28)
ECOSYSTEMS = ("GAME", "NON_GAME")
WINDOWS = {
    "facebook_features_weekly_active_users": 7,
    "facebook_features_monthly_active_users": 30,
    "WAU": 7,
    "MAU": 30,
}
"""Days that a rolling metric, or an aggregation, looks back over."""

PARAMETERS = tuple(f"app_event_parameter{number}" for number in range(1, 11))
ONLY_COUNT = frozenset({"acquisition_source_l1", "acquisition_source_l2", "acquisition_source_l3"})
ONLY_EVENTS = frozenset({*PARAMETERS, "ui_element", "sdk_version", "placement"})
PAIR = frozenset({"age", "gender"})

VALUES: Mapping[str, tuple[str | None, ...]] = {
    "age": ("13-17", "18-24", "25-34", "35-44", "45-54", "55+"),
    "gender": ("F", "M", "U"),
    "auth_state": ("0", "1"),
    "client": ("iOS", "Android", "Web", None),
    "country": ("US", "IN", "BR", "GB", "AR", "NZ", "IS", None),
    "locale": ("en_US", "pt_BR", "hi_IN"),
    "action_type": ("og.likes", "books.reads"),
    "destination": ("APP", "APPSTORE", "WEB"),
    "object_type": ("book", "video.movie"),
    "sponsored": ("0", "1"),
    "acquisition_source": ("Facebook ad", "Instagram ad", "Audience Network", "Facebook organic", "other"),
    "acquisition_source_l1": ("120210001", "120210002"),
    "acquisition_source_l2": ("120220001", "120220002", "120220003"),
    "acquisition_source_l3": ("120230001", "120230002", "120230003", "120230004"),
    "ref": tuple(f"ref-{number}" for number in range(100)),
    "label_cohort": ("App Center", "Organic Stories", 'said "first", später'),
    **dict.fromkeys(PARAMETERS, ("small", "medium", "large")),
    "short_version_code": ("1.0", "1.1"),
    "ui_element": ("CartView", "HomeView"),
    "sdk_version": ("4.17", "4.18"),
    "device_model": ("iPhone9,1", "SM-G930F"),
    "device_os": ("10.1", "6.0.1"),
    "app_name": ("Example Shop",),
    "app_version": ("1.0.1", "1.1.0"),
    "placement": ("banner", "interstitial"),
}
"""Every breakdown with the values that the seeded world gives it; None: the row lacks the key."""


def nature(metric: str, aggregation: str) -> str:
    """Tell how values of a metric under an aggregation come about."""
    if metric.startswith("payments_") or aggregation in {"SUM", "USD_SUM"}:
        return MONEY
    if "rate" in metric.split("_") or metric == "api_avg_request_time" or aggregation in {"SCORE", "MEDIAN_VALUE"}:
        return RATE
    if metric.startswith("facebook_features_") or aggregation in {"USERS", "UNKNOWN_USERS", "DAU", "WAU", "MAU"}:
        return ROLLING
    return TOTAL if metric == "facebook_login_total_users" else COUNT
