"""What the usage headers say, and that nothing they say can hurt."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.graph.usage import readings
from connectors.pace.quotas import INSIGHTS_PLATFORM, PLATFORM, Reading, of_account

BUSINESS = "x-business-use-case-usage"


def test_the_headers_of_the_documentation_are_read() -> None:
    """All five, in the forms of graph-api.md 3.2; the highest number counts; minutes become seconds."""
    headers = {
        "x-app-usage": '{"call_count":28,"total_time":25,"total_cputime":25}',
        "x-ad-account-usage": '{"acc_id_util_pct":9.67,"reset_time_duration":100,'
        '"ads_api_access_tier":"standard_access"}',
        BUSINESS: '{"111":[{"type":"ads_insights","call_count":1,"total_cputime":3,"total_time":2,'
        '"estimated_time_to_regain_access":2,"ads_api_access_tier":"development_access"},'
        '{"type":"ads_management","call_count":7,"total_cputime":1,"total_time":1,"estimated_time_to_regain_access":0}]}',
        "x-fb-ads-insights-throttle": '{"app_id_util_pct":0.01,"acc_id_util_pct":0,'
        '"ads_api_access_tier":"development_access"}',
        "x-fb-ads-insights-reach-throttle": '{"app_id_util_pct":10,"acc_id_util_pct":40}',
    }
    assert readings(headers, "act_111") == [
        Reading(PLATFORM, 28, None, None),
        Reading(of_account("111", "score"), 9.67, 100, "standard_access"),
        Reading(INSIGHTS_PLATFORM, 0.01, None, "development_access"),
        Reading(of_account("111", "insights"), 3, 120, "development_access"),
        Reading(of_account("111", "reach"), 40, None, None),
        Reading(of_account("111", "management"), 7, 0, None),
    ]


def test_a_score_that_is_not_full_blocks_nothing() -> None:
    """`reset_time_duration` is there at any level; only a full score waits for it."""
    low, full = (
        readings({"x-ad-account-usage": f'{{"acc_id_util_pct":{level},"reset_time_duration":100}}'}, "1")[0]
        for level in (99, 100)
    )
    assert (low.blocked_seconds, full.blocked_seconds) == (None, 100)


def test_a_business_key_that_is_not_the_account_speaks_for_it_too() -> None:
    """The documentation keys by business id, real replies by account: without ours, all entries count."""
    header = '{"900":[{"type":"ads_insights","call_count":50}],"901":[{"type":"ads_insights","call_count":60}]}'
    assert Reading(of_account("111", "insights"), 60) in readings({BUSINESS: header}, "111")


def test_another_account_beside_ours_does_not_speak_for_ours() -> None:
    """Where our account is named, only its own entries count for it."""
    header = '{"111":[{"type":"ads_insights","call_count":5}],"222":[{"type":"ads_insights","call_count":99}]}'
    assert readings({BUSINESS: header}, "111") == [
        Reading(of_account("111", "insights"), 5),
        Reading(of_account("222", "insights"), 99),
    ]


def test_a_repeated_key_keeps_all_its_entries() -> None:
    """The documentation's own sample repeats one key."""
    header = '{"1":[{"type":"ads_insights","call_count":5}],"1":[{"type":"pages","call_count":6}]}'
    assert readings({BUSINESS: header}) == [
        Reading(of_account("1", "insights"), 5),
        Reading(of_account("1", "pages"), 6),
    ]


def test_a_header_that_came_twice_is_read_twice() -> None:
    """Joined by a comma, the highest number counts."""
    assert readings({"x-app-usage": '{"call_count":5}, {"call_count":9}'}) == [Reading(PLATFORM, 9)]


@pytest.mark.parametrize(
    ("text", "percent"),
    [
        ('{"call_count":-5}', None),
        ('{"call_count":NaN}', None),
        ('{"call_count":Infinity}', None),
        ('{"call_count":1e999}', None),
        ('{"call_count":true}', None),
        ('{"call_count":[5]}', None),
        ('{"call_count":"17"}', 17),
        ('{"call_count":1e300}', 10_000),
        ('{"call_count":' + "9" * 400 + "}", None),
        ('{"call_count":-5,"total_time":3}', 3),
        ("{}", None),
        ("[]", None),
        ("null", None),
        ("", None),
        ("<html>", None),
        ("[" * 100_000, None),
    ],
)
def test_lies_are_survived(text: str, percent: float | None) -> None:
    """A number that cannot be true is no number; the others of the header count."""
    assert [reading.utilisation_percent for reading in readings({"x-app-usage": text})] == (
        [] if percent is None else [percent]
    )


def test_a_block_for_ever_is_a_day() -> None:
    """No lie in a header stops us for longer."""
    header = '{"1":[{"type":"ads_insights","call_count":5,"estimated_time_to_regain_access":1e18}]}'
    assert readings({BUSINESS: header})[0].regain_seconds == 86_400


NAMES = [
    "x-app-usage",
    "x-ad-account-usage",
    BUSINESS,
    "x-fb-ads-insights-throttle",
    "x-fb-ads-insights-reach-throttle",
]
KEYS = st.sampled_from(
    [
        "call_count",
        "total_time",
        "acc_id_util_pct",
        "app_id_util_pct",
        "type",
        "1",
        "reset_time_duration",
        "estimated_time_to_regain_access",
        "ads_api_access_tier",
    ]
)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | st.just("ads_insights"),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS, inner, max_size=4),
    max_leaves=12,
)


@given(
    headers=st.dictionaries(st.sampled_from(NAMES), VALUES.map(json.dumps) | st.text()),
    account=st.none() | st.just("1"),
)
def test_whatever_a_header_says_its_readings_are_sane(headers: dict[str, Any], account: str | None) -> None:
    """Arbitrary JSON and arbitrary text give finite, bounded numbers, one reading per quota, and never an error."""
    found = readings(headers, account)
    assert len({reading.quota for reading in found}) == len(found)
    for reading in found:
        assert 0 <= reading.utilisation_percent <= 10_000
        assert reading.regain_seconds is None or 0 <= reading.regain_seconds <= 86_400
