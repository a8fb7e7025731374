"""How a question about an account and some days is put on the wire, parameter by parameter."""

from collections.abc import Mapping
from datetime import UTC, date, datetime
from typing import Any

import pytest

from connectors.ads_insights.questions import Question, Run, poll, rows_of, run_id_of, submission, synchronous
from connectors.graph.calls import Call
from connectors.pace.quotas import drawn_by_insights
from schemas.periods import Period
from schemas.reports import Filter, Report

DAYS = Period.inclusive(date(2026, 9, 1), date(2026, 9, 30))
RUN = Run("6023920149050", datetime(2026, 11, 22, 4, 0, tzinfo=UTC))
REPORT = Report(
    "people",
    "campaign",
    fields=("spend", "actions", "campaign_name", "campaign_id", "date_start"),
    breakdowns=("age", "gender"),
    action_breakdowns=("action_type",),
    action_attribution_windows=("7d_click", "1d_view", "7d_click"),
    time_increment=7,
    filtering=(Filter.of("campaign.impressions", "GREATER_THAN", 0),),
)
PARAMETERS: Mapping[str, Any] = {
    "level": "campaign",
    "fields": ["account_id", "campaign_id", "spend", "actions", "campaign_name"],
    "breakdowns": ["age", "gender"],
    "action_breakdowns": ["action_type"],
    "action_attribution_windows": ["7d_click", "1d_view"],
    "time_increment": 7,
    "filtering": [
        {"field": "campaign.impressions", "operator": "GREATER_THAN", "value": 0},
        {
            "field": "campaign.effective_status",
            "operator": "IN",
            "value": ["ACTIVE", "ARCHIVED", "DELETED", "IN_PROCESS", "PAUSED", "WITH_ISSUES"],
        },
    ],
    "use_unified_attribution_setting": True,
    "time_range": {"since": "2026-09-01", "until": "2026-09-30"},
}


def test_submission() -> None:
    """A report run is a POST below the account; `until` is the last day wanted; the ids of the level come unasked."""
    assert submission(Question(REPORT, "111", DAYS)) == Call(
        "submit", "POST", "act_111/insights", PARAMETERS, "111", drawn_by_insights("111")
    )


def test_synchronous() -> None:
    """A synchronous question carries the very same parameters in a GET."""
    assert synchronous(Question(REPORT, "111", DAYS)) == Call(
        "sync", "GET", "act_111/insights", PARAMETERS, "111", drawn_by_insights("111")
    )


def test_a_small_question() -> None:
    """What a report does not ask for does not stand on the wire; an account has no statuses to name."""
    question = Question(Report("plain", "account", fields=("spend",)), "111", Period.inclusive(DAYS.start, DAYS.start))
    assert submission(question).params == {
        "level": "account",
        "fields": ["account_id", "spend"],
        "time_increment": 1,
        "filtering": [],
        "use_unified_attribution_setting": True,
        "time_range": {"since": "2026-09-01", "until": "2026-09-01"},
    }


def test_poll() -> None:
    """A poll names the fields it needs, also those that older versions leave out."""
    fields = "id,async_status,async_percent_completion,time_ref,time_completed,error_code,error_subcode,error_message"
    assert poll(RUN, "111") == Call("poll", "GET", "6023920149050", {"fields": fields}, "111", drawn_by_insights("111"))


def test_rows() -> None:
    """The rows of a run hang below it."""
    assert rows_of(RUN, "111") == Call("page", "GET", "6023920149050/insights", {}, "111", drawn_by_insights("111"))


def test_place() -> None:
    """Messages name a question by report, account and days, both inclusive."""
    assert Question(REPORT, "111", DAYS).place == "people 111 2026-09-01 to 2026-09-30"


@pytest.mark.parametrize(
    ("reply", "run_id"),
    [
        ({"report_run_id": "6023920149050"}, "6023920149050"),
        ({"report_run_id": 6023920149050}, "6023920149050"),
        ({"report_run_id": 18446744073709551615}, "18446744073709551615"),
        ({"report_run_id": ""}, None),
        ({"report_run_id": "abc"}, None),
        ({"report_run_id": None}, None),
        ({"report_run_id": True}, None),
        ({"report_run_id": 6.5}, None),
        ({"report_run_id": -1}, None),
        ({"id": "1"}, None),
    ],
)
def test_run_id(reply: dict[str, Any], run_id: str | None) -> None:
    """A run's id comes as text or as a number; anything else is none."""
    assert run_id_of(reply) == run_id
