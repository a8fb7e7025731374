"""The rules of graph-api 2.6.2, one line each: a report that breaks the rule, and its neighbour that keeps it."""

from datetime import date
from typing import Any

import pytest

from schemas.legality import refusals, remarks
from schemas.reports import Report

TODAY = date(2026, 11, 20)
PLAIN = ("impressions", "spend", "actions")
HOURS = "hourly_stats_aggregated_by_advertiser_time_zone"

RULES: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "1 position needs platform": (
        {"breakdowns": ("platform_position",)},
        {"breakdowns": ("publisher_platform", "platform_position")},
    ),
    "2 impression device not alone": (
        {"breakdowns": ("impression_device",)},
        {"breakdowns": ("publisher_platform", "impression_device")},
    ),
    "3 hours with nothing else": ({"breakdowns": (HOURS, "age")}, {"breakdowns": (HOURS,)}),
    "4 hours without video fields": (
        {"breakdowns": (HOURS,), "fields": (*PLAIN, "video_p25_watched_actions")},
        {"breakdowns": (HOURS,), "fields": PLAIN},
    ),
    "5 deprecated fields": ({"breakdowns": ("age",), "fields": (*PLAIN, "relevance_score")}, {"breakdowns": ("age",)}),
    "6 region without watched videos": (
        {"breakdowns": ("region",), "fields": (*PLAIN, "video_p25_watched_actions")},
        {"breakdowns": ("country",), "fields": (*PLAIN, "video_p25_watched_actions")},
    ),
    "7 dma without recall and thruplays, since 18 without anything": (
        {"breakdowns": ("dma",), "fields": (*PLAIN, "video_thruplay_watched_actions")},
        {"breakdowns": ("comscore_market",), "fields": (*PLAIN, "video_thruplay_watched_actions")},
    ),
    "8 frequency only with reach": (
        {"breakdowns": ("frequency_value",), "fields": ("reach", "spend"), "action_breakdowns": ()},
        {"breakdowns": ("frequency_value",), "fields": ("reach",), "action_breakdowns": ()},
    ),
    "9 assets give few fields": (
        {"breakdowns": ("image_asset",), "fields": (*PLAIN, "frequency")},
        {"breakdowns": ("image_asset",), "fields": (*PLAIN, "reach")},
    ),
    "9 images not at account level": (
        {"breakdowns": ("image_asset",), "fields": PLAIN, "level": "account"},
        {"breakdowns": ("body_asset",), "fields": PLAIN, "level": "account"},
    ),
    "10 places not at account level": (
        {"breakdowns": ("place_page_id",), "fields": PLAIN, "level": "account"},
        {"breakdowns": ("place_page_id",), "fields": PLAIN, "level": "ad"},
    ),
    "11 app and conversion id give postbacks": (
        {"breakdowns": ("app_id", "skan_conversion_id"), "fields": ("spend",), "action_breakdowns": ()},
        {"breakdowns": ("app_id", "skan_conversion_id"), "fields": ("total_postbacks",), "action_breakdowns": ()},
    ),
    "12 action breakdowns need actions": (
        {"fields": ("spend",), "action_breakdowns": ("action_device",)},
        {"fields": ("spend", "actions"), "action_breakdowns": ("action_device",)},
    ),
    "15 mmm alone": ({"breakdowns": ("mmm", "age")}, {"breakdowns": ("age",)}),
    "16 a breakdown is no field": ({"fields": (*PLAIN, "age")}, {"fields": PLAIN}),
    "18 dma is gone": (
        {"breakdowns": ("dma",), "fields": PLAIN},
        {"breakdowns": ("comscore_market",), "fields": PLAIN},
    ),
}


@pytest.mark.parametrize("rule", RULES)
def test_what_breaks_a_rule_is_refused_and_its_neighbour_is_not(rule: str) -> None:
    """Refused before anything is sent, in a sentence; what keeps the rule is asked."""
    broken, kept = (Report(**{"name": "r", "level": "ad", **given}) for given in RULES[rule])
    assert refusals(broken, TODAY), broken
    assert refusals(kept, TODAY) == ()


@pytest.mark.parametrize(
    "breakdowns",
    [
        ("publisher_platform", "impression_device"),
        ("hourly_stats_aggregated_by_audience_time_zone",),
        ("frequency_value",),
    ],
)
def test_rule_19_what_needs_an_opt_in_is_remarked(breakdowns: tuple[str, ...]) -> None:
    """Such a report may be asked, but no rows will mean unknown: it is said, and the report knows."""
    fields, actions = (("reach",), ()) if "frequency_value" in breakdowns else (PLAIN, ("action_type",))
    report = Report("r", "ad", fields, breakdowns=breakdowns, action_breakdowns=actions)
    assert refusals(report, TODAY) == ()
    assert any("opt" in str(remark).lower() for remark in remarks(report, TODAY))
    assert report.opt_in_breakdowns


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"breakdowns": ("region",)}, 'breakdowns: "region" leaves out actions that happened outside Meta'),
        ({"breakdowns": (HOURS,)}, f'breakdowns: "{HOURS}" leaves out actions that happened outside Meta'),
        (
            {"breakdowns": ("product_id",)},
            'breakdowns: "product_id" shows web actions outside Meta without its value, and none of apps',
        ),
        (
            {"action_breakdowns": ("action_type", "action_device")},
            'action_breakdowns: "action_device" shows web actions outside Meta without its value, and none of apps',
        ),
        ({"breakdowns": ("country",)}, None),
    ],
    ids=lambda value: "" if isinstance(value, str) else str(value),
)
def test_rule_13_what_leaves_out_actions_outside_meta_is_remarked(given: dict[str, Any], says: str | None) -> None:
    """Legal, and less than one may think."""
    report = Report(**{"name": "r", "level": "ad", "fields": PLAIN, **given})
    assert refusals(report, TODAY) == ()
    assert [str(remark) for remark in remarks(report, TODAY)] == ([says] if says else [])


@pytest.mark.parametrize(
    ("level", "windows", "fields", "remarked"),
    [
        ("campaign", (), PLAIN, True),
        ("account", ("default", "1d_click"), PLAIN, True),
        ("campaign", ("1d_click", "7d_click", "1d_view"), PLAIN, False),
        ("adset", (), PLAIN, False),
        ("campaign", (), ("spend",), False),
    ],
)
def test_rule_14_windows_that_withhold_conversions_are_remarked(
    level: str, windows: tuple[str, ...], fields: tuple[str, ...], *, remarked: bool
) -> None:
    """Only where a row mixes ad sets, conversions are asked for, and the windows are left to each ad set."""
    actions = ("action_type",) if "actions" in fields else ()
    report = Report("r", level, fields, action_breakdowns=actions, action_attribution_windows=windows)
    assert refusals(report, TODAY) == ()
    assert [remark.value for remark in remarks(report, TODAY)] == (["default"] if remarked else [])


@pytest.mark.parametrize("field", ["unique_actions", "cost_per_unique_action_type"])
def test_rule_17_fields_that_lost_types_of_actions_are_remarked(field: str) -> None:
    """Asked by name only; nobody is told of what a default list holds."""
    assert [remark.value for remark in remarks(Report("r", "ad", (*PLAIN, field)), TODAY)] == [field]
    assert remarks(Report("r", "ad", PLAIN), TODAY) == ()


@pytest.mark.parametrize("window", ["7d_view", "28d_view"])
def test_a_window_that_returns_nothing_is_remarked(window: str) -> None:
    """Since 2026-01-12 these windows have no data (2.8): the enum accepts them, so it is said and not refused."""
    report = Report("r", "ad", PLAIN, action_attribution_windows=("7d_click", window))
    assert refusals(report, TODAY) == ()
    assert any(window in str(remark) for remark in remarks(report, TODAY))
