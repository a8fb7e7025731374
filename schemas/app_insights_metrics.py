"""Owns what app insights know: every metric with its legal periods, aggregations and breakdowns, each with its source.

The reference is of the v2.8 era and contradicts itself; the readings are those of graph-api.md 5 and 8. `count` stands
in the lines of its metrics but in no enum of `period` (conflict 30): it is never sent. `monthly`, `weekly`, `days_28`
and `mins_15` are in the enum, and no metric's line lists them: they are not promised by anything, and not sent either.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType

REFERENCE = "https://developers.facebook.com/docs/graph-api/reference/application/app_insights"
"""The page behind everything here [seed 001]; an old copy is all that is left of it."""

DAILY, HOURLY, RANGE, LIFETIME = "daily", "hourly", "range", "lifetime"
COUNT, USERS, TOPK, SUM, USD_SUM, UNKNOWN_USERS = "COUNT", "USERS", "TOPK", "SUM", "USD_SUM", "UNKNOWN_USERS"
APP_EVENT = "app_event"
"""The metric that is asked by the name of an event."""
AUDIENCE_NETWORK = "fb_ad_network_"
"""How the names of events begin that moved to /adnetworkanalytics, an endpoint of another format (5.1 [docs: ANR])."""


class Adds(StrEnum):
    """Whether values of several times may be summed."""

    ADDITIVE = "additive"
    ROLLING = "rolling"
    RATIO = "ratio"


class Family(StrEnum):
    """What a metric is about; each has a view that pivots it."""

    ACTIVITY = "activity"
    LOGINS = "logins"
    REQUESTS = "requests"
    NOTIFICATIONS = "notifications"
    PAYMENTS = "payments"


@dataclass(frozen=True, slots=True)
class Metric:
    """One metric. `listed` are the periods of its line in the reference, the one asked by default first."""

    name: str
    family: Family
    meaning: str
    listed: tuple[str, ...]
    adds: Adds = Adds.ADDITIVE
    unit: str = ""
    source: str = REFERENCE

    @property
    def periods(self) -> tuple[str, ...]:
        """The periods that may be asked."""
        return tuple(period for period in self.listed if period in PERIODS)

    @property
    def aggregations(self) -> tuple[str, ...]:
        """The aggregations that may be asked: three are unique to app events, the page restricts no other."""
        return AGGREGATIONS if self.name == APP_EVENT else tuple(a for a in AGGREGATIONS if a not in OF_EVENTS)

    def allows(self, breakdown: str) -> bool:
        """Whether the metric may be broken down so; what the page leaves open, the API decides."""
        if self.name == APP_EVENT and EVENT_PARAMETER.fullmatch(breakdown):
            return True
        found = BREAKDOWNS.get(breakdown)
        return found is not None and (self.name == APP_EVENT or not found.of_events)


PERIODS = (DAILY, HOURLY, RANGE, LIFETIME)
"""What may be sent (conflict 30)."""
AGGREGATIONS = (COUNT, USERS, TOPK, SUM, USD_SUM, UNKNOWN_USERS, "SCORE", "MEDIAN_VALUE", "DAU", "WAU", "MAU")
OF_EVENTS = frozenset({SUM, USD_SUM, UNKNOWN_USERS})
"""'These values are unique to app events' [seed 001]."""
ADDITIVE_AGGREGATIONS = frozenset({"", COUNT, TOPK, SUM, USD_SUM})
"""Those whose values of several times may be summed, the API's own choice among them; users are not [inferred]."""
INTERVALS = (1, 7, 28)
ECOSYSTEMS = ("GAME", "NON_GAME")

_CDR = ("count", DAILY, RANGE)
_CD = ("count", DAILY)
_CDHR = ("count", DAILY, HOURLY, RANGE)
_PER_10K = "per 10,000 impressions"
_A, _L, _R, _N, _P = Family.ACTIVITY, Family.LOGINS, Family.REQUESTS, Family.NOTIFICATIONS, Family.PAYMENTS


_USERS = "users who engaged with the app or viewed it"
_TOTAL = "Accepts of the app's terms or connections to the app, in total"
_MONEY = "currency of the app"
_METRICS: tuple[Metric, ...] = (
    Metric("api_avg_request_time", _A, "Average time of API requests from the app", _CDR, Adds.RATIO, "ms"),
    Metric("api_calls", _A, "API calls from the app", _CDR),
    Metric("api_calls_by_method", _A, "Sampled API calls from the app", _CD),
    Metric("api_error_rate_by_method", _A, "Sampled average of errors per API request", _CD, Adds.RATIO),
    Metric("api_errors", _A, "API errors from the app", _CDR),
    Metric("api_errors_by_method", _A, "Sampled API errors from the app", _CD),
    Metric("app_blocks", _A, "Blocks of the app", _CDR),
    Metric("app_center_initial_permission_grants", _L, "Accepts in the App Center", _CDHR),
    Metric("app_center_initial_permission_requests", _L, "Impressions in the App Center", _CDHR),
    Metric(APP_EVENT, _A, "Custom events logged for the app, by event_name", _CDHR),
    Metric("app_notification_clicks", _N, "Clicks on notifications from the app", _CDHR),
    Metric("app_notification_hide_rate", _N, "Notifications that were hidden", _CDHR, Adds.RATIO, _PER_10K),
    Metric("app_notification_hides", _N, "Hides on notifications from the app", _CDHR),
    Metric("app_notification_impressions", _N, "Impressions of notifications from the app", _CDHR),
    Metric("app_notification_sends", _N, "Notifications that the app published", _CDHR),
    Metric("app_notification_spam_rate", _N, "Notifications marked as spam", _CDHR, Adds.RATIO, _PER_10K),
    Metric("app_notification_spam_reports", _N, "Spam reports on notifications from the app", _CDHR),
    Metric("app_notification_total_accepts", _N, "Accepts of notifications, explicit and implicit", _CDHR),
    Metric("app_notification_unhides", _N, "Notifications that were hidden and shown again", _CDHR),
    Metric("facebook_features_monthly_active_users", _A, f"30 days' {_USERS}", (DAILY,), Adds.ROLLING, "users"),
    Metric("facebook_features_weekly_active_users", _A, f"7 days' {_USERS}", (DAILY,), Adds.ROLLING, "users"),
    Metric("facebook_features_daily_active_users", _A, f"A day's {_USERS}", (DAILY,), Adds.ROLLING, "users"),
    Metric("facebook_login_total_users", _L, _TOTAL, ("count", LIFETIME), Adds.ROLLING, "users"),
    Metric("initial_permission_grants", _L, "Accepts from all sources", _CDR),
    Metric("login_dialog_additional_permission_grants", _L, "Accepts of additional permissions", _CDHR),
    Metric("login_dialog_additional_permission_requests", _L, "Impressions for additional permissions", _CDHR),
    Metric("login_dialog_initial_permission_grants", _L, "Accepts in the login dialog", _CDHR),
    Metric("login_dialog_initial_permission_requests", _L, "Impressions of the login dialog", _CDHR),
    Metric("login_dialog_publish_permission_grants", _L, "Grants of the permission to publish", _CDHR),
    Metric("login_dialog_publish_permission_requests", _L, "Impressions for the permission to publish", _CDHR),
    Metric("mobile_referral_installs", _A, "Installations after a mobile referral, at first use", _CDHR),
    Metric("mobile_referrals", _A, "App launches from Facebook on mobile", _CDHR),
    Metric("payments_daily_chargebacks", _P, "Amount charged back", _CDR, unit=_MONEY),
    Metric("payments_daily_refunds", _P, "Amount refunded", _CDR, unit=_MONEY),
    Metric("payments_daily_spend", _P, "Amount spent", _CDR, unit=_MONEY),
    Metric("permission_revocations", _L, "Users who removed permissions or connections", _CDHR),
    Metric("request_accepts", _R, "Requests that friends of users accepted", _CDR),
    Metric("request_blocks", _R, "Blocked requests from the app", _CDHR),
    Metric("request_impressions", _R, "Times that a user saw a request from the app", _CDR),
    Metric("request_sends", _R, "Requests that users sent to friends", _CDHR),
    Metric("request_spam_rate", _R, "User-to-user notifications marked as spam", _CDHR, Adds.RATIO, _PER_10K),
    Metric("story_clicks", _A, "Clicks on an Open Graph story", _CDHR),
    Metric("story_comments", _A, "Comments on an Open Graph story", _CDHR),
    Metric("story_impressions", _A, "Impressions of an Open Graph story", _CDHR),
    Metric("story_likes", _A, "Likes on an Open Graph story", _CDHR),
    Metric("story_publishes", _A, "Open Graph actions that the app created", _CDHR),
    Metric("story_spam_rate", _A, "Spam reports of an Open Graph story", _CDHR, Adds.RATIO, _PER_10K),
    Metric("structured_request_accepts", _R, "Structured requests that friends accepted", _CDR),
    Metric("structured_request_impressions", _R, "Times that a user saw a structured request", _CDR),
    Metric("structured_request_sends", _R, "Structured requests that users sent to friends", _CDR),
    Metric("total_referrals", _A, "App launches from Facebook", _CDHR),
)
"""The table of the reference, line by line, in its order."""

METRICS: Mapping[str, Metric] = MappingProxyType({metric.name: metric for metric in _METRICS})


@dataclass(frozen=True, slots=True)
class Breakdown:
    """One way to split a metric. `of_events`: only app events have it; `only_count`: only with aggregateBy=COUNT."""

    name: str
    meaning: str
    of_events: bool = False
    only_count: bool = False
    source: str = REFERENCE


EVENT_PARAMETER = re.compile(r"fb_[a-z0-9_]+")
"""Names of event parameters, such as fb_description, were accepted as breakdowns of app events (5.4 [obs: o:fis])."""
PAIR = frozenset({"age", "gender"})
"""'gender and age should be used together' [seed 001]."""


def _breakdowns() -> Iterator[Breakdown]:
    yield Breakdown("age", "Age range; together with gender")
    yield Breakdown("gender", "Gender; together with age")
    yield Breakdown("auth_state", "0 has not connected to the app, 1 with Facebook Login")
    yield Breakdown("client", "Kind of device")
    yield Breakdown("country", "Country code; REDACTED where a sample is too small")
    yield Breakdown("locale", "Locale of the user")
    yield Breakdown("action_type", "Open Graph action type")
    yield Breakdown("destination", "Where a click led")
    yield Breakdown("object_type", "Open Graph object type")
    yield Breakdown("sponsored", "Whether the event came from a Facebook ad")
    yield Breakdown("acquisition_source", "Where an install came from")
    yield Breakdown("acquisition_source_l1", "Campaign that drove the install", only_count=True)
    yield Breakdown("acquisition_source_l2", "Ad set that drove the install", only_count=True)
    yield Breakdown("acquisition_source_l3", "Ad that drove the install", only_count=True)
    yield Breakdown("ref", "The developer's ref parameter, at most 100 values a day")
    yield Breakdown("label_cohort", "Label given at the first login, or by ref")
    for number in range(1, 11):
        yield Breakdown(
            f"app_event_parameter{number}", f"The developer's parameter {number} of an event", of_events=True
        )
    yield Breakdown("short_version_code", "Bundled version of the app, perhaps not unique")
    yield Breakdown("ui_element", "Class of the UI element on top when the event was logged", of_events=True)
    yield Breakdown("sdk_version", "Version of the SDK that logged the event", of_events=True)
    yield Breakdown("device_model", "Model of the device")
    yield Breakdown("device_os", "Operating system of the device")
    yield Breakdown("app_name", "Bundled name of the app")
    yield Breakdown("app_version", "Bundled version of the app, unique")


BREAKDOWNS: Mapping[str, Breakdown] = MappingProxyType({found.name: found for found in _breakdowns()})
