"""A report's hashes say what was asked: blind to order, name and mode, sensitive to everything else."""

import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.breakdowns import COMBINATIONS
from schemas.insights_fields import FIELDS, Shape
from schemas.reports import KEY_IDS, LEVELS, Filter, Report, default_fields

FILTERS = (
    Filter.of("ad.id", "IN", ["2", "1"]),
    Filter.of("ad.impressions", "GREATER_THAN", 0),
    Filter.of("campaign.name", "CONTAIN", "é"),
)
COMBINATION = st.sampled_from([known for known in COMBINATIONS if "mmm" not in known.breakdowns])


@st.composite
def reports(draw: st.DrawFn) -> Report:
    """Reports with any fields, a legal combination of breakdowns, some windows and filters."""
    known = draw(COMBINATION)
    return Report(
        name="some",
        level=draw(st.sampled_from(LEVELS)),
        fields=tuple(draw(st.lists(st.sampled_from(sorted(FIELDS)), max_size=6))),
        breakdowns=known.breakdowns,
        action_breakdowns=known.action_breakdowns,
        action_attribution_windows=tuple(draw(st.lists(st.sampled_from(("1d_click", "7d_click", "1d_view"))))),
        time_increment=draw(st.one_of(st.integers(1, 90), st.sampled_from(("monthly", "all_days")))),
        filtering=tuple(draw(st.lists(st.sampled_from(FILTERS), unique=True))),
    )


@given(reports(), st.randoms(use_true_random=False))
def test_order_means_nothing(report: Report, random: Random) -> None:
    """Names in another order, or twice, ask the same question and give the same hashes."""
    if not report.fields:
        return

    def shuffled(names: tuple) -> tuple:  # type: ignore[type-arg]  # names or filters
        return tuple(random.sample(names, len(names))) + names[:1]

    other = replace(
        report,
        fields=shuffled(report.fields),
        breakdowns=shuffled(report.breakdowns),
        action_breakdowns=shuffled(report.action_breakdowns),
        action_attribution_windows=shuffled(report.action_attribution_windows),
        filtering=shuffled(report.filtering),
    )
    assert other.grain == report.grain
    assert other.grain_hash == report.grain_hash
    assert other.definition_hash == report.definition_hash


@given(reports(), reports())
def test_grain_and_hash_agree(one: Report, other: Report) -> None:
    """Two reports have the same grain hash exactly when they have the same grain."""
    assert (one.grain_hash == other.grain_hash) == (one.grain == other.grain)
    if one.grain != other.grain:
        assert one.definition_hash != other.definition_hash


@pytest.mark.parametrize(
    "change",
    [
        {"level": "adset"},
        {"breakdowns": ("age", "gender")},
        {"breakdowns": ()},
        {"action_breakdowns": ("action_type", "action_target_id")},
        {"action_breakdowns": ()},
        {"time_increment": 7},
        {"time_increment": "monthly"},
        {"filtering": (FILTERS[0],)},
        {"filtering": (FILTERS[1],)},
    ],
)
def test_every_grain_change_shows(change: dict[str, object]) -> None:
    """A change of level, breakdowns, action breakdowns, increment or filtering changes both hashes."""
    report = Report("some", "ad", fields=("spend", "actions"), breakdowns=("age",))
    other = replace(report, **change)  # type: ignore[arg-type]  # a table of cases
    assert other.grain_hash != report.grain_hash
    assert other.definition_hash != report.definition_hash


@pytest.mark.parametrize("change", [{"fields": ("spend",)}, {"action_attribution_windows": ("1d_click",)}])
def test_columns_are_definition_not_grain(change: dict[str, object]) -> None:
    """Another field or window changes the definition and leaves the grain."""
    report = Report("some", "ad", fields=("spend", "actions"))
    other = replace(report, **change)  # type: ignore[arg-type]  # a table of cases
    assert other.grain_hash == report.grain_hash
    assert other.definition_hash != report.definition_hash


@pytest.mark.parametrize("change", [{"name": "other"}, {"mode": "async"}])
def test_name_and_mode_are_not_definition(change: dict[str, object]) -> None:
    """What a report is called and how it is asked says nothing about what was asked."""
    report = Report("some", "ad")
    assert replace(report, **change).definition_hash == report.definition_hash  # type: ignore[arg-type]  # cases


def test_hash_is_the_same_in_every_process() -> None:
    """Another process with another hash seed computes the same definition hash."""
    report = Report("some", "ad", breakdowns=("publisher_platform", "platform_position"), filtering=FILTERS[:1])
    program = (
        "from schemas.reports import Filter, Report; print(Report('some', 'ad', "
        "breakdowns=('platform_position', 'publisher_platform'), "
        "filtering=(Filter.of('ad.id', 'IN', ['1', '2']),)).definition_hash)"
    )
    told = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        check=True,
        cwd=Path(__file__).parents[3],
        env={"PYTHONHASHSEED": "7"},
    )
    assert told.stdout.strip() == report.definition_hash


@given(reports())
def test_requested_fields(report: Report) -> None:
    """The ids of the level come first whatever `fields` says, nothing comes twice, dates are not asked."""
    ids = KEY_IDS[report.level]
    assert report.requested_fields[: len(ids)] == ids
    assert len(set(report.requested_fields)) == len(report.requested_fields)
    assert not {"date_start", "date_stop", *report.breakdowns} & set(report.requested_fields)


def test_key_ids() -> None:
    """A row of a level is identified by the account and every id from the campaign down to it."""
    assert KEY_IDS["account"] == ("account_id",)
    assert KEY_IDS["adset"] == ("account_id", "campaign_id", "adset_id")
    assert KEY_IDS["ad"] == ("account_id", "campaign_id", "adset_id", "ad_id")


def test_set_filters_ignore_order() -> None:
    """The members of a set filter are sorted, those of a range are not."""
    assert Filter.of("ad.id", "IN", ["2", "1", "2"]) == Filter.of("ad.id", "IN", ("1", "2"))
    assert Filter.of("spend", "IN_RANGE", [9, 1]) != Filter.of("spend", "IN_RANGE", [1, 9])
    assert FILTERS[0].as_data() == {"field": "ad.id", "operator": "IN", "value": ["1", "2"]}


def test_parameters() -> None:
    """A report says everything but dates and paging in the API's words."""
    report = Report(
        "some",
        "campaign",
        fields=("spend", "actions", "spend"),
        breakdowns=("age",),
        action_attribution_windows=("1d_click", "1d_click"),
        filtering=(Filter.of("campaign.effective_status", "IN", ["PAUSED", "ACTIVE"]),),
    )
    assert report.parameters() == {
        "level": "campaign",
        "fields": ["account_id", "campaign_id", "spend", "actions"],
        "breakdowns": ["age"],
        "action_breakdowns": ["action_type"],
        "action_attribution_windows": ["1d_click"],
        "time_increment": 1,
        "filtering": [{"field": "campaign.effective_status", "operator": "IN", "value": ["ACTIVE", "PAUSED"]}],
        "use_unified_attribution_setting": True,
    }


def test_statuses_are_asked_by_name() -> None:
    """Archived and deleted objects are asked for by name below the account, unless a filter speaks of status."""
    (asked,) = Report("some", "ad").asked_filtering
    assert (asked.field, asked.operator) == ("ad.effective_status", "IN")
    assert {"ARCHIVED", "DELETED", "ACTIVE", "WITH_ISSUES"} < set(asked.as_data()["value"])  # type: ignore[call-overload]  # a list
    assert Report("some", "account").asked_filtering == ()
    assert Report("some", "ad", filtering=FILTERS[:1]).asked_filtering == (FILTERS[0], asked)


def test_action_breakdowns_need_actions() -> None:
    """The default split is not sent where `actions` is not asked, an empty one only beside list fields."""
    assert "action_breakdowns" not in Report("some", "ad", fields=("spend",)).parameters()
    assert "action_breakdowns" not in Report("some", "ad", fields=("spend",), action_breakdowns=()).parameters()
    assert Report("some", "ad", fields=("actions",), action_breakdowns=()).parameters()["action_breakdowns"] == []


def test_defaults_drop_what_breakdowns_refuse() -> None:
    """Defaults keep to what the breakdowns give instead of being refused."""

    def metrics(*breakdowns: str) -> set[str]:
        return {n for n in default_fields("ad", breakdowns) if FIELDS[n].shape is not Shape.IDENTITY}

    hourly = metrics("hourly_stats_aggregated_by_advertiser_time_zone")
    assert {"spend", "actions"} <= hourly
    assert not {n for n in hourly if n.startswith("video_") or FIELDS[n].unique}
    assert metrics("frequency_value") == {"reach"}
    assert metrics("body_asset", "age") == {"impressions", "clicks", "spend", "reach", "actions", "action_values"}
    assert metrics("app_id", "skan_conversion_id") == {"total_postbacks"}
    assert metrics("hsid") == {"total_postbacks_detailed_v4"}
    assert "video_p25_watched_actions" not in metrics("region")
    assert "video_thruplay_watched_actions" not in metrics("dma")


def test_defaults_fit_the_level() -> None:
    """A default names no object below its level, and always currency and attribution setting."""
    for level in LEVELS:
        names = default_fields(level)
        assert {"account_currency", "attribution_setting", "impressions", "spend", "actions", "results"} <= set(names)
    assert not {"campaign_name", "objective"} & set(default_fields("account"))
    assert not {"adset_name", "ad_name", "optimization_goal"} & set(default_fields("campaign"))


def test_how_far_back() -> None:
    """Hourly breakdowns are kept for 13 months, frequency values for six, totals for 37."""
    assert Report("some", "ad").months_kept == 37
    assert Report("some", "ad", breakdowns=("frequency_value",)).months_kept == 6
    assert Report("some", "ad", breakdowns=("hourly_stats_aggregated_by_audience_time_zone",)).months_kept == 13
