"""Whether an entry of app insights may be asked: everything illegal is refused, each with the nearest legal value."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandbox.app_insights_query import read_app_question
from sandbox.faults import GraphError
from schemas.app_insights import AppMetric
from schemas.app_insights_legality import clashes, refusals
from schemas.app_insights_metrics import AGGREGATIONS, BREAKDOWNS, ECOSYSTEMS, INTERVALS, METRICS, PERIODS

NOW = datetime(2026, 11, 20, 14, 0, tzinfo=UTC)
EVENTS = ("", "fb_mobile_purchase", "fb_ad_network_imp")
ENTRIES = st.builds(
    AppMetric,
    metric=st.sampled_from([*METRICS, "api_cals"]),
    event_name=st.sampled_from(EVENTS),
    aggregate_by=st.sampled_from(["", *AGGREGATIONS, "TOTAL"]),
    period=st.sampled_from([*PERIODS, "count", "weekly", "monthly", "days_28", "mins_15"]),
    breakdowns=st.lists(st.sampled_from([*BREAKDOWNS, "fb_description", "planet"]), max_size=3).map(tuple),
    intervals_to_aggregate=st.sampled_from([*INTERVALS, 0, 3]),
    ecosystem=st.sampled_from(["", *ECOSYSTEMS, "TOY"]),
)
LEGAL = st.builds(
    AppMetric,
    metric=st.sampled_from(
        [name for name, metric in METRICS.items() if "daily" in metric.periods and name != "app_event"]
    ),
    aggregate_by=st.sampled_from(["COUNT", "USERS"]),
    breakdowns=st.sampled_from([(), ("age", "gender"), ("country", "client"), ("acquisition_source",)]),
    intervals_to_aggregate=st.sampled_from(INTERVALS),
    ecosystem=st.sampled_from(["", *ECOSYSTEMS]),
)


@given(ENTRIES)
def test_what_is_legal_is_answered(entry: AppMetric) -> None:
    """Whatever passes is understood by a server that nobody here told our rules; what it refuses, we refuse before."""
    if refusals(entry):
        return
    wire = {name: _text(value) for name, value in entry.parameters().items()}
    try:
        read_app_question("700", entry.metric, {**wire, "since": "2026-11-01", "until": "2026-11-10"}, NOW)
    except GraphError as error:
        raise AssertionError(f"{entry}: {error}") from error


def _text(value: object) -> str:
    return ",".join(value) if isinstance(value, list) else str(value)


@given(LEGAL)
def test_nothing_legal_is_refused(entry: AppMetric) -> None:
    """Every metric with a daily period, under every aggregation and breakdown that the page restricts to nothing."""
    assert refusals(entry) == ()


@given(ENTRIES)
def test_following_every_nearest_value_ends_in_something_legal(entry: AppMetric) -> None:
    """A refused period, aggregation, interval or ecosystem is legal once it is what the refusal says."""
    for refusal in refusals(entry):
        if refusal.key in {"period", "aggregate_by", "ecosystem"} and refusal.nearest is not None:
            words = {name: getattr(entry, name) for name in AppMetric.__slots__}
            mended = AppMetric(**{**words, refusal.key: refusal.nearest})
            assert refusal.key not in {found.key for found in refusals(mended)}


@pytest.mark.parametrize(
    ("entry", "key", "nearest"),
    [
        (AppMetric("api_cals"), "metric", "api_calls"),
        (AppMetric("api_calls", period="count"), "period", "range"),
        (AppMetric("api_calls_by_method", period="count"), "period", "daily"),
        (AppMetric("facebook_login_total_users", period="count"), "period", "lifetime"),
        (AppMetric("facebook_login_total_users", period="daily"), "period", "lifetime"),
        (AppMetric("api_calls", period="monthly"), "period", "range"),
        (AppMetric("api_calls", period="weekly"), "period", "daily"),
        (AppMetric("api_calls", period="hourly"), "period", "daily"),
        (AppMetric("story_likes", period="mins_15"), "period", "hourly"),
        (AppMetric("api_calls", event_name="buy"), "event_name", None),
        (AppMetric("app_event"), "event_name", None),
        (AppMetric("app_event", "fb_ad_network_imp"), "event_name", None),
        (AppMetric("api_calls", aggregate_by="SUM"), "aggregate_by", "COUNT"),
        (AppMetric("api_calls", aggregate_by="users"), "aggregate_by", "USERS"),
        (AppMetric("api_calls", aggregate_by="TOPK"), "aggregate_by", "COUNT"),
        (AppMetric("api_calls", breakdowns=("age",)), "breakdowns", "age, gender"),
        (AppMetric("api_calls", breakdowns=("countries",)), "breakdowns", "country"),
        (AppMetric("api_calls", breakdowns=("country", "country")), "breakdowns", None),
        (AppMetric("api_calls", breakdowns=("acquisition_source_l2",)), "breakdowns", "acquisition_source"),
        (AppMetric("api_calls", breakdowns=("fb_description",)), "breakdowns", "destination"),
        (AppMetric("api_calls", intervals_to_aggregate=5), "intervals_to_aggregate", "7"),
        (AppMetric("api_calls", period="range", intervals_to_aggregate=7), "intervals_to_aggregate", "1"),
        (AppMetric("api_calls", ecosystem="game"), "ecosystem", "GAME"),
    ],
    ids=str,
)
def test_a_refusal_names_the_key_and_the_nearest(entry: AppMetric, key: str, nearest: str | None) -> None:
    """One refusal for one fault."""
    [found] = refusals(entry)
    assert (found.key, found.nearest) == (key, nearest)


def test_one_question_is_asked_once() -> None:
    """Two entries that ask the same, however written, are one too many."""
    entries = [
        AppMetric("api_calls"),
        AppMetric.of({"metric": "api_calls", "period": "daily"}),
        AppMetric("api_errors"),
    ]
    assert [found.value for found in clashes(entries)] == ["api_calls"]
