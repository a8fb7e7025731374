"""The configuration of interface.md, section 2, is legal and means what it says there."""

import tomllib
from datetime import date
from importlib import import_module
from pathlib import Path

from config.settings import DEFAULT_PATH, Settings, from_data, where
from schemas.reports import Filter, Report

TODAY = date(2026, 11, 22)
WHOLE = """
[graph]
base_url = "https://graph.facebook.com"
files_url = "https://api.facebook.com"
version = "v25.0"
access_token_env = "META_ACCESS_TOKEN"
app_secret_env = "META_APP_SECRET"
request_timeout_seconds = 60

[storage]
root = "data"

[pace]
target_utilisation = 85
clock_speed = 1
give_up_after_minutes = 0

[report_runs]
poll_initial_seconds = 2
poll_max_seconds = 30
deadline_minutes = 60
max_in_flight_per_account = 20

[ads_insights]
ad_accounts = ["act_111", "act_222"]
exclude_accounts = []
since = 2026-09-01
lookback_days = 28
include_today = false

[[ads_insights.reports]]
name = "ads_insights"
level = "ad"
breakdowns = []
action_breakdowns = ["action_type"]
action_attribution_windows = ["1d_click", "7d_click", "1d_view"]

[ad_objects]
tables = ["ad_accounts", "campaigns", "adsets", "ads", "adcreatives"]

[brand_safety]
business_ids = ["900"]
placements = ["facebook/feed", "facebook/reels"]
ad_sets = []
content = true

[app_insights]
app_ids = ["700"]
access_token_env = "META_APP_TOKEN"
since = 2026-09-01
metrics = [
  "api_calls",
  { metric = "app_event", event_name = "fb_mobile_purchase", aggregate_by = "SUM", period = "daily" },
]

[attribution]
line_of_business_ids = ["800"]

[schedule]
nightly_at = "03:30"
status_port = 8765
"""


def settings(text: str) -> Settings:
    return from_data(tomllib.loads(text), "f.toml", TODAY)


def test_the_interface_example() -> None:
    """Every section as the interface shows it, told as plain values; `act_` is stripped from accounts."""
    assert settings(WHOLE).model_dump() == {
        "graph": {
            "base_url": "https://graph.facebook.com",
            "files_url": "https://api.facebook.com",
            "version": "v25.0",
            "access_token_env": "META_ACCESS_TOKEN",
            "access_token_file": None,
            "app_secret_env": "META_APP_SECRET",
            "request_timeout_seconds": 60,
        },
        "storage": {"root": Path("data"), "lake": None, "warehouse": None, "state": None, "keep_days": 0},
        "pace": {"target_utilisation": 85, "clock_speed": 1, "give_up_after_minutes": 0},
        "report_runs": {
            "poll_initial_seconds": 2,
            "poll_max_seconds": 30,
            "deadline_minutes": 60,
            "max_in_flight_per_account": 20,
        },
        "ads_insights": {
            "ad_accounts": ["111", "222"],
            "business_ids": [],
            "exclude_accounts": [],
            "since": date(2026, 9, 1),
            "lookback_days": 28,
            "include_today": False,
            "reports": [
                {
                    "name": "ads_insights",
                    "level": "ad",
                    "fields": [],
                    "breakdowns": [],
                    "action_breakdowns": ["action_type"],
                    "action_attribution_windows": ["1d_click", "7d_click", "1d_view"],
                    "time_increment": 1,
                    "filtering": [],
                    "mode": "auto",
                }
            ],
        },
        "ad_objects": {"tables": ["ad_accounts", "campaigns", "adsets", "ads", "adcreatives"]},
        "brand_safety": {
            "business_ids": ["900"],
            "placements": ["facebook/feed", "facebook/reels"],
            "ad_sets": [],
            "content": True,
        },
        "app_insights": {
            "app_ids": ["700"],
            "access_token_env": "META_APP_TOKEN",
            "app_secret_env": None,
            "since": date(2026, 9, 1),
            "metrics": [
                "api_calls",
                {
                    "metric": "app_event",
                    "event_name": "fb_mobile_purchase",
                    "aggregate_by": "SUM",
                    "period": "daily",
                },
            ],
        },
        "attribution": {
            "line_of_business_ids": ["800"],
            "reports": [],
            "campaign_filter_by": {},
            "publisher_filter_by": {},
            "conversion_event_filter_by": {},
        },
        "schedule": {"nightly_at": "03:30", "status_port": 8765, "status_host": "127.0.0.1", "status_token_env": None},
        "alerts": {
            "webhook_url_env": None,
            "late_after_hours": 36,
            "promises": {},
            "quota_closed_minutes": 30,
            "token_expires": None,
            "token_warning_days": 14,
        },
    }


def test_nothing_configured() -> None:
    """An empty file is legal: a family whose section is missing is not loaded."""
    found = settings("")
    families = (found.ads_insights, found.ad_objects, found.brand_safety, found.app_insights, found.attribution)
    assert families == (None, None, None, None, None)
    assert found.reports == ()


def test_what_is_left_out() -> None:
    """Accounts alone load the default report; the interface's values are the defaults."""
    found = settings('[ads_insights]\nad_accounts = ["222"]\nsince = "2026-09-01"\n[ad_objects]\n')
    whole = settings(WHOLE)
    assert found.reports == whole.reports
    assert found.reports == (
        Report("ads_insights", "ad", action_attribution_windows=("1d_click", "7d_click", "1d_view")),
    )
    assert found.ad_objects == whole.ad_objects
    assert (found.storage, found.pace, found.report_runs, found.schedule) == (
        whole.storage,
        whole.pace,
        whole.report_runs,
        whole.schedule,
    )


def test_businesses_instead_of_accounts() -> None:
    """Businesses whose accounts are discovered are enough."""
    found = settings('[ads_insights]\nbusiness_ids = ["900"]\nexclude_accounts = ["act_9", "8"]\nsince = 2026-11-22')
    assert found.ads_insights is not None
    assert (found.ads_insights.business_ids, found.ads_insights.exclude_accounts) == (["900"], ["9", "8"])


def test_reports() -> None:
    """A report is passed on word by word; the values of its filters keep their types."""
    text = """
        [ads_insights]
        ad_accounts = ["1"]
        since = 2026-09-01
        [[ads_insights.reports]]
        name = "weekly"
        level = "campaign"
        fields = ["spend", "reach"]
        breakdowns = ["age", "gender"]
        action_breakdowns = []
        action_attribution_windows = []
        time_increment = 7
        mode = "async"
        filtering = [
          { field = "campaign.id", operator = "IN", value = ["2", "1"] },
          { field = "campaign.impressions", operator = "GREATER_THAN", value = 0 },
        ]
        [[ads_insights.reports]]
        name = "ever"
        time_increment = "all_days"
    """
    weekly, ever = settings(text).reports
    assert weekly == Report(
        name="weekly",
        level="campaign",
        fields=("spend", "reach"),
        breakdowns=("age", "gender"),
        action_breakdowns=(),
        action_attribution_windows=(),
        time_increment=7,
        filtering=(
            Filter("campaign.id", "IN", '["1","2"]'),
            Filter("campaign.impressions", "GREATER_THAN", "0"),
        ),
        mode="async",
    )
    assert (ever.name, ever.time_increment) == ("ever", "all_days")


def test_places() -> None:
    """Lake, warehouse and state lie under the root unless each is placed on its own."""
    found = settings("[storage]\nroot = '/srv/insights'\nwarehouse = '/fast/w.duckdb'")
    assert (found.lake, found.warehouse, found.state) == (
        Path("/srv/insights/lake"),
        Path("/fast/w.duckdb"),
        Path("/srv/insights/state"),
    )
    moved = settings("[storage]\nlake = 'a'\nstate = 'b'")
    assert (moved.lake, moved.warehouse, moved.state) == (Path("a"), Path("data/warehouse.duckdb"), Path("b"))


def test_which_file() -> None:
    """`--config` goes before the variable, the variable before the default."""
    assert where(Path("a.toml"), {"INSIGHTS_CONFIG": "b.toml"}) == Path("a.toml")
    assert where(None, {"INSIGHTS_CONFIG": "b.toml"}) == Path("b.toml")
    assert where(None, {"INSIGHTS_CONFIG": ""}) == DEFAULT_PATH
    assert where(None, {}) == Path("config/insights.toml")


def test_settings_hold_no_secret() -> None:
    """What is printed of the settings names where the secrets are, and nothing more."""
    shown = repr(settings(WHOLE).graph)
    assert shown == (
        "GraphSection(base_url='https://graph.facebook.com', files_url='https://api.facebook.com', version='v25.0', "
        "access_token_env='META_ACCESS_TOKEN', access_token_file=None, app_secret_env='META_APP_SECRET', "
        "request_timeout_seconds=60.0)"
    )


def test_the_assembly_takes_them() -> None:
    """The file that takes settings apart can be imported beside them."""
    assert import_module("pipeline.app").App.__dataclass_fields__["settings"].type is Settings
