"""Every row of the fault table, every recorded body, and what the numbers alone must decide."""

import json
import pickle
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors import errors
from connectors.errors import (
    Blocked,
    Fault,
    GaveUp,
    Invalid,
    Missing,
    PermissionRefused,
    Resubmit,
    Throttled,
    TooMuch,
    Transient,
    Transport,
)
from connectors.graph import faults
from connectors.graph.fault_table import BY_TEXT, TABLE, Row
from connectors.pace.quotas import INSIGHTS_PLATFORM, PLATFORM, Quota, of_account

SAMPLES: list[dict[str, Any]] = json.loads((Path(__file__).parents[2] / "samples/graph/errors.json").read_text())


def classify(code: int, subcode: int | None = None, **more: Any) -> Fault:
    """A fault by its numbers, of a call about account 111."""
    return faults.classify(400, {"code": code, "error_subcode": subcode, "message": "m", **more}, {}, account="111")


@pytest.mark.parametrize("row", TABLE, ids=lambda row: f"{row.code}-{row.subcode}-{row.where}")
def test_every_row_is_reached_by_its_own_numbers(row: Row) -> None:
    """No row stands in the shadow of another, and each becomes the fault that it names."""
    code = row.code[-1] if isinstance(row.code, range) else row.code
    error = {"code": code, "error_subcode": row.subcode, "message": "words that decide nothing"}
    assert faults.row_of(code, row.subcode, row.where) is row
    assert type(faults.classify(400, error, {}, account="111", where=row.where)) is row.remedy
    assert "[" in row.source


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda sample: sample["name"])
def test_every_recorded_body_is_understood(sample: dict[str, Any]) -> None:
    """The bodies that Graph was seen to send become the remedies they need."""
    where = sample.get("where", "any")
    fault = faults.classify(sample["status"], sample["body"]["error"], {}, account="111", where=where)
    assert type(fault).__name__ == sample["fault"]


def test_every_text_rule_gives_its_reason() -> None:
    """A rule by words says why the numbers do not do."""
    assert [rule.remedy.__name__ for rule in BY_TEXT if not rule.reason] == []


def test_a_subcode_that_nobody_knows_falls_back_to_its_code() -> None:
    """613 with any subcode is a throttle; 100 with any is our question."""
    assert isinstance(classify(613, 1996), Throttled)
    assert isinstance(classify(100, 424242), Invalid)


@pytest.mark.parametrize(
    ("code", "subcode", "quota"),
    [
        (4, None, PLATFORM),
        (4, 1504022, INSIGHTS_PLATFORM),
        (4, 1504039, INSIGHTS_PLATFORM),
        (17, 2446079, of_account("111", "score")),
        (613, 1487742, of_account("111", "score")),
        (32, None, Quota("app", None, "pages")),
        (80000, 2446079, of_account("111", "insights")),
        (80004, 2446079, of_account("111", "management")),
        (80011, None, Quota("app", None, "brand_safety")),
        (80009, None, of_account("111", "business")),
    ],
)
def test_a_throttle_closes_its_own_quota(code: int, subcode: int | None, quota: Quota) -> None:
    """Which quota is closed follows from the numbers."""
    fault = classify(code, subcode)
    assert isinstance(fault, Throttled)
    assert fault.quotas == {quota}


def test_a_throttle_without_an_account_closes_the_token() -> None:
    """17 on a call that is about no account is the user's own."""
    fault = faults.classify(400, {"code": 17}, {})
    assert isinstance(fault, Throttled)
    assert fault.quotas == {PLATFORM}


def test_the_hint_of_the_refused_quota_is_taken() -> None:
    """Minutes of the business header for 80000, seconds of the score for 17, and never the one for the other."""
    headers = {
        "x-business-use-case-usage": '{"111":[{"type":"ads_insights","call_count":101,'
        '"estimated_time_to_regain_access":7}]}',
        "x-ad-account-usage": '{"acc_id_util_pct":100,"reset_time_duration":100}',
    }
    waits = []
    for code in (80000, 17, 4):
        fault = faults.classify(400, {"code": code}, headers, account="act_111")
        assert isinstance(fault, Throttled)
        waits.append(fault.wait_seconds)
    assert waits == [420, 100, None]


def test_an_object_that_is_gone_is_skipped_and_a_run_that_is_gone_is_submitted_again() -> None:
    """100/33 means two things, told apart by what the call was about."""
    error = {"code": 100, "error_subcode": 33}
    assert type(faults.classify(400, error, {})) is Missing
    assert type(faults.classify(400, error, {}, where="run")) is Resubmit


@pytest.mark.parametrize(
    ("code", "subcode", "remedy"),
    [
        (None, None, Resubmit),
        (-3, 1504045, TooMuch),
        (-2, 2490547, Resubmit),
        (2, None, Resubmit),
        (1, None, Resubmit),
        (-9, 77, Resubmit),
        (2, 1504041, Invalid),
        (100, 3191001, PermissionRefused),
        (100, 1487534, TooMuch),
        (80000, 2446079, Throttled),
    ],
)
def test_a_failed_run_is_understood(code: int | None, subcode: int | None, remedy: type[Fault]) -> None:
    """The error fields of a run mean what they mean elsewhere, except that again means submitting again."""
    assert type(faults.classify_run(code, subcode, "Report too large", account="111")) is remedy


def test_blocked_stays_blocked_whatever_the_flag_says() -> None:
    """Some rows are final although Graph calls them transient."""
    assert type(classify(368, is_transient=True)) is Blocked
    assert type(classify(190, is_transient=True)) is Transient


def test_the_text_says_place_numbers_trace_and_what_to_do() -> None:
    """A fault can be read by somebody who knows nothing of this program."""
    error = {
        "message": "(#100) bad",
        "code": 100,
        "error_user_title": "Title",
        "error_user_msg": "Text.",
        "error_data": {"blame_field_specs": [["a", "b"], ["c"]]},
        "fbtrace_id": "Trace",
    }
    assert str(faults.classify(400, error, {}, place="GET act_1")) == (
        "GET act_1: (#100) bad - Title - Text. - a.b, c (code 100, HTTP 400, fbtrace_id Trace); correct the report "
        "definition or the configuration; if both are right, this is a bug of ours"
    )


def test_html_and_nothing_are_transport() -> None:
    """What is not JSON says nothing but that the way failed."""
    html = faults.degenerate(502, {"content-type": "text/html"}, b"<html>")
    assert type(html) is Transport
    assert html.message == "the answer is not Graph's JSON but text/html"
    assert faults.degenerate(200, {}, b" \n").args == ("the answer is empty",)


def test_a_proxys_429_is_a_throttle() -> None:
    """With its own hint."""
    fault = faults.degenerate(429, {"retry-after": "12"}, b"slow down")
    assert isinstance(fault, Throttled)
    assert fault.wait_seconds == 12


def test_faults_survive_pickling() -> None:
    """With every field, also those of the subclass, also one inside the other."""
    throttle = classify(80000, 2446079, fbtrace_id="T")
    again = pickle.loads(pickle.dumps(GaveUp.after(throttle, "too late")))  # noqa: S301 our own
    assert isinstance(again.last, Throttled)
    assert again.last.quotas == {of_account("111", "insights")}
    assert (again.code, again.subcode, again.fbtrace_id) == (80000, 2446079, "T")
    assert str(again).startswith("too late; last: m (code 80000/2446079")


def test_every_fault_names_a_remedy_and_stands_in_the_tree() -> None:
    """The drawing in the module's docstring is the whole tree."""
    drawn = {line.split()[0] for line in (errors.__doc__ or "").splitlines()[2:] if line.strip()}
    real = {name for name, kind in vars(errors).items() if isinstance(kind, type) and issubclass(kind, Fault)}
    assert drawn == real
    assert [name for name in real - {"Fault"} if getattr(errors, name).remedy == "look"] == []


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
KEYS = st.sampled_from(
    ["code", "error_subcode", "message", "is_transient", "error_data", "fbtrace_id", "error_user_title"]
)


@given(error=st.dictionaries(KEYS, JSON), status=st.integers(200, 599))
def test_any_error_object_becomes_a_fault_with_a_text(error: dict[str, Any], status: int) -> None:
    """However odd an error object is, it is classified, and its fault can be shown and kept."""
    fault = faults.classify(status, error, {}, account="1")
    assert str(fault)
    assert isinstance(pickle.loads(pickle.dumps(fault)), Fault)  # noqa: S301 our own
