"""What is trouble, and when it is told: once, again after a day, and when it is over; nothing when all is well."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.alerts import KINDS, Known, Promise, Trouble, body, news, troubles

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
OWN = frozenset({"facts", "ads"})
PROMISE = Promise(OWN | {"content"}, OWN, frozenset({"1"}), of_table={"ads": 60})
WELL: dict[str, Any] = {
    "born_at": NOW - timedelta(days=90),
    "states": [
        {"table_name": name, "scope": "1", "state": "landed", "as_of": (NOW - timedelta(hours=9)).isoformat()}
        for name in ("facts", "ads")
    ],
}


def state(table: str, hours: float | None, name: str = "landed") -> dict[str, Any]:
    as_of = None if hours is None else (NOW - timedelta(hours=hours)).isoformat()
    return {"table_name": table, "scope": "1", "state": name, "as_of": as_of}


def found(promise: Promise = PROMISE, **changes: Any) -> list[tuple[str, str, str]]:
    """Kind, table and scope of every trouble of a store that is well but for these changes."""
    return [(t.kind, t.table, t.scope) for t in troubles(Known(**(WELL | changes)), promise, NOW)]


def test_when_all_is_well_there_is_nothing_to_say() -> None:
    """No trouble, no news."""
    assert found() == []
    assert not news([], {}, NOW).is_there


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"states": [state("facts", 35.9), state("ads", 59.9)]}, []),
        ({"states": [state("facts", 36.1), state("ads", 36.1)]}, [("late", "facts", "1")]),
        ({"states": [state("facts", 1), state("ads", 60.1)]}, [("late", "ads", "1")]),
        ({"states": [state("facts", 1), state("facts", 99, "failed"), state("ads", 1)]}, []),
        ({"states": [state("ads", 1)]}, [("late", "facts", "1")]),
        ({"states": [state("facts", None, "failed"), state("ads", 1)]}, [("late", "facts", "1")]),
        ({"states": [], "born_at": NOW - timedelta(hours=2)}, []),
        ({"states": [*WELL["states"], state("gone", 999), state("content", 999)]}, []),
        ({"states": [*WELL["states"], {**state("facts", 999), "scope": "an account no longer loaded"}]}, []),
    ],
    ids=str,
)
def test_lateness(changes: dict[str, Any], expected: list[tuple[str, str, str]]) -> None:
    """A table is late when its newest answer is older than was promised for it; not one that is no longer loaded."""
    assert found(**changes) == expected


def test_other_families_are_late_only_where_that_was_promised() -> None:
    """They may have nothing new for days; who knows better says so."""
    states = [*WELL["states"], {**state("content", 50), "scope": "900"}]
    assert found(states=states) == []
    assert found(replace(PROMISE, of_table={"content": 48}), states=states) == [("late", "content", "900")]


def test_failures() -> None:
    """Per table and scope, with how many, since when and why; not of tables that are no longer loaded."""
    rows = [
        {"table_name": name, "scope": "1", "slices": 3, "first": "2026-11-18T00:00", "reason": "no"}
        for name in ("facts", "gone")
    ]
    [trouble] = troubles(Known(**WELL, failures=rows), PROMISE, NOW)
    assert (trouble.kind, trouble.table, trouble.scope) == ("failed", "facts", "1")
    assert trouble.message == "3 slices failed from 2026-11-18: no"


def test_quotas() -> None:
    """One that stays closed for long is trouble, one that opens soon or is open is not."""
    ahead = {"1/insights": 31, "2/insights": 29, "3/insights": -5}
    deadlines = [(quota, NOW + timedelta(minutes=minutes)) for quota, minutes in ahead.items()]
    assert found(deadlines=deadlines) == [("quota", "", "1/insights")]


@pytest.mark.parametrize(
    ("expires", "expected"),
    [
        (None, []),
        (date(2026, 12, 5), []),
        (date(2026, 12, 4), [("token", "", "")]),
        (date(2026, 11, 1), [("token", "", "")]),
    ],
)
def test_a_token_that_expires(expires: date | None, expected: list[tuple[str, str, str]]) -> None:
    """Said two weeks before, and from then on."""
    assert found(replace(PROMISE, token_expires=expires)) == expected


def test_runs() -> None:
    """A refused token, a run that broke, a publication that failed."""
    runs = {
        "nightly UTC": {"outcome": "token refused", "started_at": "2026-11-20T03:30:00Z", "reason": ""},
        "hourly brand_safety": {"outcome": "failed", "started_at": "2026-11-20T03:30:00Z", "reason": "disk full"},
        "daily app_insights": {"outcome": "incomplete", "started_at": "2026-11-20T03:30:00Z", "reason": ""},
    }
    expected = [("token", "", ""), ("run", "", "hourly brand_safety"), ("warehouse", "", "")]
    assert found(last_runs=runs, unpublished="no space") == expected


TROUBLES = st.builds(
    Trouble, st.sampled_from(KINDS), st.sampled_from(["a", "b"]), st.just(""), st.text(), st.just("do")
)
LOOKS = st.lists(st.tuples(st.lists(TROUBLES, max_size=4), st.integers(1, 300)), max_size=30)


@given(LOOKS)
def test_each_trouble_is_told_once_a_day_and_once_when_it_is_over(looks: list[tuple[list[Trouble], int]]) -> None:
    """However often one looks: never twice within a day while it lasts, at once when it comes, and its end once."""
    told: dict[str, Any] = {}
    now, last_told, before = NOW, dict[str, datetime](), set[str]()
    for seen, minutes in looks:
        result = news(seen, told, now)
        present = {trouble.key for trouble in seen}
        for trouble in result.troubles:
            lasted = trouble.key in before and trouble.key in last_told
            assert not lasted or now - last_told[trouble.key] >= timedelta(days=1)
            last_told[trouble.key] = now
        assert {trouble.key for trouble in result.over} == before - present
        assert present - before <= {trouble.key for trouble in result.troubles}
        told, before = dict(result.told), present
        now += timedelta(minutes=minutes)


def test_a_clock_set_back_silences_nothing() -> None:
    """What was told in a far future is told again."""
    trouble = Trouble("late", "a", "1", "m", "r")
    told = news([trouble], {}, NOW + timedelta(days=400)).told
    assert news([trouble], told, NOW).troubles == (trouble,)


def test_the_document() -> None:
    """As it is described where it is made."""
    one, gone = Trouble("late", "a", "1", "m", "r"), Trouble("quota", "", "1/insights", "closed", "wait")
    told = news([one], news([gone], {}, NOW).told, NOW)
    assert body(told, "data/state", NOW) == {
        "version": 1,
        "store": "data/state",
        "at": "2026-11-20T12:00:00+00:00",
        "text": "LATE a 1: m; r\nOVER QUOTA 1/insights: closed; wait",
        "troubles": [{"kind": "late", "table": "a", "scope": "1", "message": "m", "remedy": "r"}],
        "over": [{"kind": "quota", "table": "", "scope": "1/insights", "message": "closed", "remedy": "wait"}],
    }
