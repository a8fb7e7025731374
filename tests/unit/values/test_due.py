"""What is due, and what is final, word for word as the design says it."""

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.periods import (
    SETTLING,
    Increment,
    Known,
    Moment,
    Period,
    State,
    is_final,
    midnight,
    settled_at,
    slice_at,
    today_in,
    why_due,
)

ZONE = "America/New_York"
DAY = date(2026, 9, 1)
WHOLE = Period.inclusive(DAY, DAY)
LOOKBACK = 28
SETTLED = datetime(2026, 9, 30, 4, 0, tzinfo=UTC)
"""The account's midnight 28 days after the end of 2026-09-01: four o'clock UTC in summer time."""
READ_BY = (State.LANDED, State.EMPTY, State.UNKNOWN, State.PARTIAL)
SECOND = timedelta(seconds=1)


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def moment(now: datetime, *, include_today: bool = False, lookback_days: int = LOOKBACK) -> Moment:
    return Moment(now, ZONE, lookback_days, include_today)


def known(state: State, as_of: datetime | None, end: date = WHOLE.end) -> Known:
    return Known(state, end, as_of)


# ---- when its last day is over ----


def test_never_asked() -> None:
    """A slice that has never been asked is due when its last day is over in the account's zone, not before."""
    assert why_due(None, WHOLE, moment(utc("2026-09-02T03:59:59"))) is None
    assert why_due(None, WHOLE, moment(utc("2026-09-02T04:00:00"))) == "never asked"
    assert why_due(None, WHOLE, moment(utc("2030-01-01T00:00:00"))) == "never asked"


def test_tomorrow() -> None:
    """A day that has not begun is not due, whatever is wanted."""
    now = utc("2026-08-31T12:00:00")
    assert why_due(None, WHOLE, moment(now, include_today=True), insist=True) is None


# ---- what failed ----


def test_failed() -> None:
    """A failed slice is due at every load until it would be final, and after that only when it is insisted on."""
    failed = known(State.FAILED, None)
    assert why_due(failed, WHOLE, moment(utc("2026-09-02T04:00:00"))) == "failed before"
    assert why_due(failed, WHOLE, moment(SETTLED - SECOND)) == "failed before"
    assert why_due(failed, WHOLE, moment(SETTLED)) is None
    assert why_due(failed, WHOLE, moment(SETTLED), insist=True) == "failed before"


def test_failed_today() -> None:
    """A failed slice is asked at every load, also if rows of an earlier landing were read today."""
    now = utc("2026-09-05T12:00:00")
    assert why_due(known(State.FAILED, now - SECOND), WHOLE, moment(now)) == "failed before"


def test_failed_that_never_ends() -> None:
    """`all_days` is never final, so that a failure of it is due at every load."""
    forever = slice_at(DAY, "all_days", DAY)
    assert why_due(known(State.FAILED, None), forever, moment(utc("2030-01-01T12:00:00"))) == "failed before"


# ---- what landed ----


@pytest.mark.parametrize("state", READ_BY)
def test_once_a_day(state: State) -> None:
    """What landed, was empty, is unknown or has a hole is read again once a day of the account until it is final."""
    read = known(state, utc("2026-09-05T12:00:00"))
    assert why_due(read, WHOLE, moment(utc("2026-09-05T12:00:01"))) is None
    assert why_due(read, WHOLE, moment(utc("2026-09-06T03:59:59"))) is None
    assert why_due(read, WHOLE, moment(utc("2026-09-06T04:00:00"))) == "may have been restated"


@pytest.mark.parametrize("state", READ_BY)
def test_at_midnight(state: State) -> None:
    """A read at the very start of the account's present day counts for that day."""
    begins = utc("2026-09-06T04:00:00")
    assert why_due(known(state, begins), WHOLE, moment(begins)) is None
    assert why_due(known(state, begins - SECOND), WHOLE, moment(begins)) == "may have been restated"


@pytest.mark.parametrize("state", READ_BY)
def test_final(state: State) -> None:
    """Final is what was asked at or after the account's midnight `lookback_days` after the slice's end."""
    assert settled_at(WHOLE, ZONE, LOOKBACK) == SETTLED
    late = utc("2026-12-01T12:00:00")
    assert is_final(known(state, SETTLED), WHOLE, ZONE, LOOKBACK)
    assert why_due(known(state, SETTLED), WHOLE, moment(late), insist=True) is None
    assert not is_final(known(state, SETTLED - SECOND), WHOLE, ZONE, LOOKBACK)
    assert why_due(known(state, SETTLED - SECOND), WHOLE, moment(late)) == "may have been restated"


@pytest.mark.parametrize("state", [State.FAILED, State.LOST, State.SKIPPED])
def test_never_final(state: State) -> None:
    """What gave nothing is not final, however late it was asked."""
    assert not is_final(known(state, SETTLED), WHOLE, ZONE, LOOKBACK)
    assert not is_final(None, WHOLE, ZONE, LOOKBACK)


def test_changed_setting() -> None:
    """Finality is computed, so that a changed `lookback_days` takes effect at once."""
    read = known(State.LANDED, utc("2026-09-10T12:00:00"))
    assert [is_final(read, WHOLE, ZONE, lookback) for lookback in (0, 7, 8, 9, 28)] == [True, True, True, False, False]


# ---- running slices ----


def test_running() -> None:
    """A slice that still runs is due for the days up to yesterday, and again with each further day."""
    week = slice_at(date(2026, 9, 7), 7, DAY)
    assert why_due(None, week, moment(utc("2026-09-08T03:59:59"))) is None
    assert why_due(None, week, moment(utc("2026-09-08T04:00:00"))) == "never asked"
    read = known(State.LANDED, utc("2026-09-08T12:00:00"), end=date(2026, 9, 8))
    assert why_due(read, week, moment(utc("2026-09-08T23:00:00"))) is None
    assert why_due(read, week, moment(utc("2026-09-09T04:00:00"))) == "may have been restated"


def test_running_is_never_final() -> None:
    """A slice is never final before its own end has passed, not even without any lookback."""
    week = slice_at(date(2026, 9, 7), 7, DAY)
    assert not is_final(known(State.LANDED, utc("2026-09-13T12:00:00"), end=date(2026, 9, 13)), week, ZONE, 0)
    assert not is_final(known(State.LANDED, utc("2026-09-20T12:00:00"), end=date(2026, 9, 13)), week, ZONE, 0)
    assert is_final(known(State.LANDED, utc("2026-09-14T04:00:00"), end=date(2026, 9, 14)), week, ZONE, 0)


def test_all_days_is_never_final() -> None:
    """`all_days` never is final: it is read again every day."""
    forever = slice_at(DAY, "all_days", DAY)
    read = known(State.LANDED, utc("2030-01-01T12:00:00"), end=date(2030, 1, 1))
    assert settled_at(forever, ZONE, 0) is None
    assert not is_final(read, forever, ZONE, 0)
    assert why_due(read, forever, moment(utc("2030-01-01T23:00:00"), lookback_days=0)) is None
    assert why_due(read, forever, moment(utc("2030-01-02T05:00:00"), lookback_days=0)) == "may have been restated"


# ---- today ----


@pytest.mark.parametrize("state", State)
def test_today(state: State) -> None:
    """Today is not loaded unless it is wanted; then it is due at every load, whatever became of it before."""
    now = utc("2026-09-01T12:00:00")
    read = known(state, now - SECOND)
    assert why_due(read, WHOLE, moment(now)) is None
    assert why_due(read, WHOLE, moment(now, include_today=True)) == "today is wanted"
    assert why_due(None, WHOLE, moment(now, include_today=True)) == "never asked"


def test_yesterday_beside_today() -> None:
    """That today is wanted makes no other day due."""
    now = utc("2026-09-02T12:00:00")
    assert why_due(known(State.LANDED, now - SECOND), WHOLE, moment(now, include_today=True)) is None


# ---- lost and skipped ----


def test_lost() -> None:
    """What left Meta's window is never due again."""
    now = utc("2026-09-20T12:00:00")
    assert why_due(known(State.LOST, None), WHOLE, moment(now), insist=True) is None


def test_skipped() -> None:
    """What was not asked on purpose is due again, however late."""
    for now in (utc("2026-09-02T12:00:00"), utc("2030-01-01T00:00:00")):
        assert why_due(known(State.SKIPPED, None), WHOLE, moment(now)) == "was skipped"


# ---- for every slice and every moment ----

ZONES = st.sampled_from(["UTC", ZONE, "Pacific/Auckland", "Asia/Kolkata", "America/Sao_Paulo", "Asia/Beirut"])
BOUNDED: st.SearchStrategy[Increment] = st.integers(1, 90) | st.just("monthly")
INCREMENTS: st.SearchStrategy[Increment] = BOUNDED | st.just("all_days")
LATER = st.timedeltas(timedelta(0), timedelta(days=200))
INSTANTS = st.datetimes(datetime(2017, 1, 1), datetime(2027, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001 - bounds
SLICES = st.builds(lambda day, increment: slice_at(day, increment, DAY), st.dates(DAY, date(2026, 12, 31)), INCREMENTS)


@settings(deadline=None)
@given(st.dates(DAY, date(2026, 12, 31)), BOUNDED, ZONES, LATER, LATER, st.integers(0, 90), st.booleans())
def test_final_is_not_due(
    day: date,
    increment: Increment,
    zone: str,
    after: timedelta,
    later: timedelta,
    lookback: int,
    include_today: bool,  # noqa: FBT001 - drawn
) -> None:
    """What is final by a read of the past is never due, whether or not today is wanted or anybody insists."""
    whole = slice_at(day, increment, DAY)
    settled = settled_at(whole, zone, lookback)
    assert settled is not None
    moment = Moment(settled + after + later, zone, lookback, include_today)
    for state in sorted(SETTLING):
        read = Known(state, whole.end, settled + after)
        assert is_final(read, whole, zone, lookback)
        assert why_due(read, whole, moment) is None
        assert why_due(read, whole, moment, insist=True) is None


@settings(deadline=None)
@given(SLICES, ZONES, INSTANTS, st.integers(0, 90), st.integers(0, 90), INSTANTS)
def test_final_stays_final(
    whole: Period, zone: str, as_of: datetime, lookback: int, shorter: int, other: datetime
) -> None:
    """Once final, a slice stays so for every later read and every shorter lookback; a shorter one comes never later."""
    late, early = max(as_of, other), min(as_of, other)
    assert is_final(Known(State.LANDED, whole.end, late), whole, zone, lookback) >= is_final(
        Known(State.LANDED, whole.end, early), whole, zone, lookback
    )
    if is_final(Known(State.LANDED, whole.end, as_of), whole, zone, lookback):
        assert is_final(Known(State.LANDED, whole.end, as_of), whole, zone, min(lookback, shorter))


@settings(deadline=None)
@given(SLICES, ZONES, LATER, st.integers(0, 90), st.sampled_from(sorted(SETTLING)))
def test_once_a_day_until_final(whole: Period, zone: str, later: timedelta, lookback: int, state: State) -> None:
    """What landed is not due before the account's next midnight; from then on it is due exactly if it is not final."""
    now = midnight(whole.start + timedelta(days=1), zone) + later
    today = today_in(zone, now)
    read = Known(state, min(whole.end, today), now)
    tomorrow = midnight(today + timedelta(days=1), zone)
    assert why_due(read, whole, Moment(max(now, tomorrow - SECOND), zone, lookback)) is None
    due = why_due(read, whole, Moment(tomorrow, zone, lookback)) is not None
    assert due is not is_final(read, whole, zone, lookback)
