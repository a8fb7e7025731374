"""The registry of app insights is the reference, line by line."""

from pathlib import Path

import pytest

from schemas.app_insights import APP_INSIGHTS, AppMetric
from schemas.app_insights_metrics import (
    AGGREGATIONS,
    APP_EVENT,
    BREAKDOWNS,
    METRICS,
    PERIODS,
    Adds,
    Family,
)
from schemas.columns import Kind

SAMPLES = Path(__file__).parents[2] / "samples" / "app_insights"


def lines_of(name: str) -> list[list[str]]:
    return [line.split("\t") for line in (SAMPLES / name).read_text(encoding="utf-8").splitlines()]


REFERENCE = {name: (tuple(periods.split(", ")), words) for name, periods, words in lines_of("reference_metrics.tsv")}
WORDS = dict(lines_of("reference_breakdowns.tsv"))


def test_there_are_exactly_the_metrics_of_the_reference() -> None:
    """51, in its order."""
    assert list(METRICS) == list(REFERENCE)
    assert len(METRICS) == 51


@pytest.mark.parametrize("name", REFERENCE)
def test_a_metric_has_the_periods_of_its_line(name: str) -> None:
    """Those that may be sent are the line's without `count`, which no enum of `period` knows."""
    listed, _ = REFERENCE[name]
    assert METRICS[name].listed == listed
    assert METRICS[name].periods == tuple(period for period in listed if period != "count")
    assert set(METRICS[name].periods) <= set(PERIODS)


@pytest.mark.parametrize("name", REFERENCE)
def test_a_metric_adds_up_as_its_words_say(name: str) -> None:
    """Rates per 10k and averages are ratios; users over past days and totals are rolling; everything else adds up."""
    _, words = REFERENCE[name]
    ratio = "per 10" in words or "verage" in words
    rolling = "users who have engaged" in words or name == "facebook_login_total_users"
    expected = Adds.RATIO if ratio else Adds.ROLLING if rolling else Adds.ADDITIVE
    assert METRICS[name].adds is expected
    assert ("per 10,000" in METRICS[name].unit) == ("per 10" in words)
    assert (METRICS[name].unit == "ms") == ("milliseconds" in words)


def test_there_are_exactly_the_breakdowns_of_the_reference() -> None:
    """With the rules that their words give: only with COUNT, only together, developers' parameters 1 to 10."""
    assert list(BREAKDOWNS) == list(WORDS)
    for name, words in WORDS.items():
        assert BREAKDOWNS[name].only_count == ("Only use with aggregateBy=COUNT" in words)
    assert {name for name, words in WORDS.items() if "used together" in words} == {"age", "gender"}
    parameters = {f"app_event_parameter{number}" for number in range(1, 11)}
    assert parameters <= {name for name, found in BREAKDOWNS.items() if found.of_events}


def test_aggregations_are_those_of_both_enums() -> None:
    """The reference's eleven; three are unique to app events."""
    assert set(AGGREGATIONS) == {
        *("COUNT", "USERS", "TOPK", "SUM", "USD_SUM", "UNKNOWN_USERS", "SCORE", "MEDIAN_VALUE", "DAU", "WAU", "MAU")
    }
    assert METRICS[APP_EVENT].aggregations == AGGREGATIONS
    assert set(AGGREGATIONS) - set(METRICS["api_calls"].aggregations) == {"SUM", "USD_SUM", "UNKNOWN_USERS"}


def test_every_family_has_metrics_named_for_it() -> None:
    """Payments are payments, notifications are notifications, requests are users' requests."""
    for metric in METRICS.values():
        assert metric.meaning
        assert (metric.family is Family.PAYMENTS) == metric.name.startswith("payments_")
        assert (metric.family is Family.NOTIFICATIONS) == metric.name.startswith("app_notification_")
        assert (metric.family is Family.REQUESTS) == metric.name.startswith(("request_", "structured_request_"))
        assert (metric.family is Family.LOGINS) == ("permission" in metric.name or "login" in metric.name)


@pytest.mark.parametrize(
    ("entry", "adds"),
    [
        (AppMetric("api_calls"), Adds.ADDITIVE),
        (AppMetric("api_calls", aggregate_by="COUNT"), Adds.ADDITIVE),
        (AppMetric("api_calls", aggregate_by="USERS"), Adds.ROLLING),
        (AppMetric("api_calls", intervals_to_aggregate=7), Adds.ROLLING),
        (AppMetric("api_calls", period="range"), Adds.ROLLING),
        (AppMetric("app_event", "buy", "SUM"), Adds.ADDITIVE),
        (AppMetric("app_event", "buy", "MEDIAN_VALUE"), Adds.RATIO),
        (AppMetric("app_event", "buy", "WAU"), Adds.ROLLING),
        (AppMetric("story_spam_rate", aggregate_by="COUNT"), Adds.RATIO),
    ],
    ids=str,
)
def test_an_entry_adds_up_only_where_days_are_apart(entry: AppMetric, adds: Adds) -> None:
    """Users, medians and values that span more than their own period are never to be summed."""
    assert entry.adds is adds


def test_a_definition_is_everything_that_decides_the_numbers() -> None:
    """Each word makes another scope; the order of breakdowns does not, nor whether a default is written."""
    plain = AppMetric("app_event", "buy", breakdowns=("age", "gender"))
    others = (
        AppMetric("app_event", "sell", breakdowns=("age", "gender")),
        AppMetric("app_event", "buy", "SUM", breakdowns=("age", "gender")),
        AppMetric("app_event", "buy", period="hourly", breakdowns=("age", "gender")),
        AppMetric("app_event", "buy", breakdowns=("country",)),
        AppMetric("app_event", "buy", breakdowns=("age", "gender"), intervals_to_aggregate=7),
        AppMetric("app_event", "buy", breakdowns=("age", "gender"), ecosystem="GAME"),
    )
    assert len({plain.definition, *(other.definition for other in others)}) == 7
    assert AppMetric("app_event", "buy", breakdowns=("gender", "age")).definition == plain.definition
    assert AppMetric.of("api_calls") == AppMetric.of({"metric": "api_calls", "period": "daily"})
    assert AppMetric.of("facebook_login_total_users").period == "lifetime"
    assert AppMetric("api_calls").scope("700") == f"700/api_calls-{AppMetric('api_calls').definition[:8]}"


def test_the_table_is_keyed_as_the_interface_says() -> None:
    """App, metric, event, aggregation, period, breakdown values, time; and what makes those unique."""
    assert APP_INSIGHTS.key[:5] == ("app_id", "metric", "event_name", "aggregate_by", "period")
    assert {"breakdowns", "time"} <= set(APP_INSIGHTS.key)
    assert APP_INSIGHTS["value"].kind is Kind.AMOUNT
    assert APP_INSIGHTS.partition == ("app_id",)
