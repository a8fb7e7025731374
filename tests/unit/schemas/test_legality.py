"""What may be asked passes; everything else is refused with the nearest legal value, before anything is sent."""

from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.breakdowns import BREAKDOWNS, COMBINATIONS, NEVER_ALONE, NOT_AT_ACCOUNT_LEVEL, legal_together
from schemas.insights_fields import FIELDS
from schemas.legality import Refusal, clashes, refusals, remarks
from schemas.reports import LEVELS, Filter, Report
from schemas.windows import WINDOWS

TODAY = date(2026, 9, 25)
HOURLY = "hourly_stats_aggregated_by_advertiser_time_zone"


@pytest.mark.parametrize("level", LEVELS)
def test_defaults_are_legal_with_every_breakdown(level: str) -> None:
    """A report that names only its level, or one breakdown that may stand alone, is legal."""
    assert refusals(Report("some", level), TODAY) == ()
    withheld = {*NEVER_ALONE, "dma", *(NOT_AT_ACCOUNT_LEVEL if level == "account" else ())}
    for name in BREAKDOWNS.keys() - withheld:
        assert refusals(Report("some", level, breakdowns=(name,)), TODAY) == (), name


def test_every_combination_is_legal() -> None:
    """Each known combination passes at ad level, in any order, with and without what may join it."""
    for known in COMBINATIONS:
        for joining in (frozenset[str](), known.may_join):
            actions = (*known.action_breakdowns, *sorted(joining - {*known.action_breakdowns}))
            fields = () if actions in ((), ("action_type",)) else ("actions",)
            report = Report("some", "ad", fields, known.breakdowns[::-1], actions)
            assert refusals(report) == (), known


def test_combinations_in_production() -> None:
    """The combinations that others run every day are legal."""
    assert legal_together(["device_platform"], ["action_type"])
    assert legal_together(["device_platform", "publisher_platform"], ["action_type"])
    assert legal_together(["publisher_platform", "platform_position", "device_platform"], ["action_type"])
    assert legal_together(["product_id"], [])
    assert legal_together(["frequency_value"], ["action_type"])
    assert legal_together(["age", "gender", "image_asset"], ["action_type"])


ILLEGAL: list[tuple[dict[str, Any], str, str, str]] = [
    ({"level": "ad_set"}, "level", "ad_set", "adset"),
    ({"level": "Campaigns"}, "level", "Campaigns", "campaign"),
    ({"mode": "asynchronous"}, "mode", "asynchronous", "async"),
    ({"name": "Ads-Daily"}, "name", "Ads-Daily", "ads_daily"),
    ({"name": "2026"}, "name", "2026", "report_2026"),
    ({"name": "ads_insights_actions"}, "name", "ads_insights_actions", "ads_insights"),
    ({"name": "daily_results"}, "name", "daily_results", "daily"),
    ({"name": "campaigns"}, "name", "campaigns", "campaigns_insights"),
    ({"time_increment": 0}, "time_increment", "0", "1"),
    ({"time_increment": 365}, "time_increment", "365", "90"),
    ({"time_increment": "weekly"}, "time_increment", "weekly", "7"),
    ({"time_increment": "7"}, "time_increment", "7", "7"),
    ({"time_increment": "all-days"}, "time_increment", "all-days", "all_days"),
    ({"fields": ("impresions",)}, "fields", "impresions", "impressions"),
    ({"fields": ("Spend",)}, "fields", "Spend", "spend"),
    ({"fields": ("age",)}, "fields", "age", "breakdowns = age"),
    ({"fields": ("action_type",)}, "fields", "action_type", "action_breakdowns = action_type"),
    ({"fields": ("relevance_score",)}, "fields", "relevance_score", "quality_ranking"),
    ({"level": "campaign", "fields": ("ad_name",)}, "fields", "ad_name", "campaign_name"),
    ({"breakdowns": ("AGE",)}, "breakdowns", "AGE", "age"),
    ({"breakdowns": ("placement",)}, "breakdowns", "placement", "platform_position"),
    ({"breakdowns": ("spend",)}, "breakdowns", "spend", "fields = spend"),
    ({"breakdowns": ("action_device",)}, "breakdowns", "action_device", "action_breakdowns = action_device"),
    ({"action_breakdowns": ("age",)}, "action_breakdowns", "age", "breakdowns = age"),
    ({"action_breakdowns": ("action_types",)}, "action_breakdowns", "action_types", "action_type"),
    ({"action_attribution_windows": ("7d_clicks",)}, "action_attribution_windows", "7d_clicks", "7d_click"),
    ({"breakdowns": ("dma",)}, "breakdowns", "dma", "comscore_market"),
    (
        {"breakdowns": ("platform_position",)},
        "breakdowns",
        "platform_position",
        "publisher_platform, platform_position",
    ),
    (
        {"breakdowns": ("impression_device",)},
        "breakdowns",
        "impression_device",
        "publisher_platform, impression_device",
    ),
    ({"breakdowns": ("age", "gender", "country")}, "breakdowns", "age, gender, country", "age, gender"),
    ({"breakdowns": ("country", "region")}, "breakdowns", "country, region", "country"),
    ({"breakdowns": (HOURLY, "age")}, "breakdowns", f"{HOURLY}, age", "age"),
    ({"breakdowns": ("mmm",)}, "breakdowns", "mmm", "country"),
    (
        {"breakdowns": ("country",), "action_breakdowns": ("action_device",)},
        "action_breakdowns",
        "action_device",
        "action_type",
    ),
    (
        {"action_breakdowns": ("action_device",), "fields": ("spend",)},
        "action_breakdowns",
        "action_device",
        "fields = actions",
    ),
    ({"breakdowns": (HOURLY,), "fields": ("reach",)}, "fields", "reach", "impressions"),
    ({"breakdowns": (HOURLY,), "fields": ("unique_clicks",)}, "fields", "unique_clicks", "clicks"),
    ({"breakdowns": (HOURLY,), "fields": ("video_play_actions",)}, "fields", "video_play_actions", "actions"),
    (
        {"breakdowns": ("region",), "fields": ("video_p50_watched_actions",)},
        "fields",
        "video_p50_watched_actions",
        "video_30_sec_watched_actions",
    ),
    ({"breakdowns": ("frequency_value",), "fields": ("spend",)}, "fields", "spend", "reach"),
    ({"breakdowns": ("title_asset",), "fields": ("cpm",)}, "fields", "cpm", "spend"),
    ({"breakdowns": ("skan_campaign_id",), "fields": ("spend",)}, "fields", "spend", "total_postbacks_detailed"),
    ({"level": "account", "breakdowns": ("video_asset",)}, "breakdowns", "video_asset", "level = campaign"),
    ({"level": "account", "breakdowns": ("place_page_id",)}, "breakdowns", "place_page_id", "level = campaign"),
    ({"filtering": (Filter.of("ad.id", "in", ["1"]),)}, "filtering", "in", "IN"),
    ({"filtering": (Filter.of("ad.id", "IS", "1"),)}, "filtering", "IS", "IN"),
    ({"filtering": (Filter.of("ad.id", "IN", "1"),)}, "filtering", "IN", '["1"]'),
    ({"filtering": (Filter.of("spend", "GREATER_THAN", [1]),)}, "filtering", "GREATER_THAN", "IN"),
    ({"filtering": (Filter.of("ad id", "EQUAL", 1),)}, "filtering", "ad id", "ad_id"),
    ({"filtering": (Filter.of("app_id", "EQUAL", "1"),)}, "filtering", "app_id", "campaign.id"),
]


@pytest.mark.parametrize(("asked", "key", "value", "near"), ILLEGAL, ids=lambda case: str(case)[:40])
def test_refusal_names_the_nearest(asked: dict[str, Any], key: str, value: str, near: str) -> None:
    """One thing wrong gives one refusal with its key, its value and the nearest legal value."""
    (refusal,) = refusals(Report(**{"name": "some", "level": "ad"} | asked), TODAY)
    assert (refusal.key, refusal.value) == (key, value)
    assert refusal.nearest == near


def test_refusal_is_a_sentence() -> None:
    """A refusal reads as a sentence with place, value, reason and nearest value."""
    (refusal,) = refusals(Report("some", "ad", fields=("impresions",)))
    assert str(refusal) == (
        'fields: "impresions" is not a field of ads insights; the nearest legal value is "impressions"'
    )


def test_everything_wrong_is_said_at_once() -> None:
    """A report with several faults gets a refusal for each of them."""
    report = Report("Some", "ads", breakdowns=("agee",), action_attribution_windows=("8d",), mode="x")
    assert [refusal.key for refusal in refusals(report)] == [
        "name",
        "level",
        "mode",
        "action_attribution_windows",
        "breakdowns",
    ]


def test_dma_by_date() -> None:
    """`dma` is legal until Meta's day, and where no day is given."""
    report = Report("some", "ad", breakdowns=("dma",))
    assert refusals(report, date(2026, 6, 21)) == ()
    assert [refusal.nearest for refusal in refusals(report, date(2026, 6, 22))] == ["comscore_market"]
    assert refusals(report, None) == ()


def test_names_shared_by_reports() -> None:
    """Two reports with one name are refused once."""
    reports = [Report("one", "ad"), Report("one", "campaign"), Report("two", "ad")]
    assert clashes(reports) == (Refusal("name", "one", "names more than one report", "one_2"),)


def test_every_window_is_legal() -> None:
    """Every window is accepted, also those that return nothing since 2026-01-12; these are remarked upon."""
    report = Report("some", "ad", action_attribution_windows=tuple(WINDOWS))
    assert refusals(report, TODAY) == ()
    assert {remark.value for remark in remarks(report, TODAY)} == {
        f"{days}d_view{suffix}" for days in (7, 28) for suffix in ("", "_first_conversion", "_all_conversions")
    }
    assert remarks(report, date(2026, 1, 11)) == ()


def test_opt_in_is_remarked() -> None:
    """A breakdown that needs an opt-in is legal, and its silence is announced from the day on."""
    report = Report("some", "ad", breakdowns=("frequency_value",))
    assert refusals(report, TODAY) == ()
    assert [remark.value for remark in remarks(report, TODAY)] == ["frequency_value"]
    assert remarks(report, date(2026, 8, 5)) == ()


@given(st.lists(st.sampled_from(sorted(BREAKDOWNS)), min_size=1, max_size=4, unique=True), st.sampled_from(LEVELS))
def test_nearest_breakdowns_are_legal(names: list[str], level: str) -> None:
    """Whatever set of breakdowns is refused, the set named as nearest is legal."""
    for refusal in refusals(Report("some", level, breakdowns=tuple(names))):
        if refusal.key == "breakdowns" and "cannot be combined" in refusal.reason:
            near = tuple((refusal.nearest or "").split(", "))
            assert legal_together(() if near == ("none",) else near, ["action_type"])


@given(st.text(max_size=30), st.text(max_size=30), st.text(max_size=30))
def test_any_text_gets_an_answer(name: str, level: str, word: str) -> None:
    """No text in any place makes the judge fail; unknown names always get a nearest one."""
    found = refusals(Report(name, level, (word,), (word,), (word,), (word,), word, mode=word), TODAY)
    known = {**FIELDS, **BREAKDOWNS, **WINDOWS}
    assert all(refusal.nearest for refusal in found) or word in known
