"""Which hours are due, not there yet, or lost: every hour is exactly one thing, and none is forgotten."""

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors.brand_safety.hours import Placement
from pipeline.brand_safety_plan import (
    LATE,
    Availability,
    Span,
    ends,
    expected,
    hours,
    is_settled,
    labels,
    read_ranges,
)
from pipeline.hours import Hour
from schemas.brand_safety import WINDOW
from schemas.periods import State
from schemas.work import ONE_HOUR, SliceRecord

NOW = datetime(2026, 11, 20, 14, tzinfo=UTC)
FIRST = datetime(2026, 11, 5)  # noqa: DTZ001 - local wall time, as all hours here
LAST = datetime(2026, 11, 18, 23)  # noqa: DTZ001
ALL = tuple(labels(FIRST, LAST))
AVAILABLE = Availability(FIRST, LAST)


def record(hour: datetime, state: State, rows: int = 0, as_of: datetime | None = NOW) -> SliceRecord:
    found = Hour("900", Placement("facebook", "feed"), hour).record("run", state)
    return SliceRecord(found.id, found.end, found.time_zone, state, rows, as_of, as_of, "run", found.definition)


def known(*entries: tuple[datetime, State]) -> dict[datetime, SliceRecord]:
    return {hour: record(hour, state) for hour, state in entries}


@settings(max_examples=200, deadline=None)
@given(
    st.dictionaries(
        st.integers(-48, len(ALL) + 24).map(lambda at: FIRST + at * ONE_HOUR),
        st.sampled_from([State.LANDED, State.EMPTY, State.PARTIAL, State.FAILED, State.SKIPPED, State.LOST]),
        max_size=60,
    ),
    st.sets(st.sampled_from(ALL), max_size=20),
    st.integers(0, 40),
)
def test_every_hour_of_the_window_is_due_or_missing_or_settled(
    states: dict[datetime, State], missing: set[datetime], days: int
) -> None:
    """And every older one that was known, or lies behind one, is whole, lost before, or lost now."""
    now = NOW + timedelta(days=days)
    remembered = known(*states.items())
    found = hours(remembered, Availability(FIRST, LAST, frozenset(missing)), now)
    whole = {hour for hour, state in states.items() if state in {State.LANDED, State.EMPTY, State.LOST}}
    for hour in ALL:
        is_due, is_missing = hour in found.due, hour in found.missing
        if hour in whole and states[hour] is not State.EMPTY:
            assert not is_due
            assert not is_missing
        elif hour not in whole:
            assert is_due != is_missing
            assert is_due == (hour not in missing)
    assert list(found.due) == sorted(found.due)
    for hour in found.lost:
        assert hour < FIRST
        assert hour not in whole
        assert ends(hour) + WINDOW <= now
    if remembered and min(remembered) < FIRST:
        too_old = {hour for hour in labels(min(remembered), FIRST - ONE_HOUR) if ends(hour) + WINDOW <= now}
        assert too_old - whole == set(found.lost)


def test_hours_that_leave_the_window_first_go_first() -> None:
    """A fresh store begins with the oldest hour, and asks for none that Meta does not have."""
    found = hours({}, AVAILABLE, NOW)
    assert (found.due[0], found.due[-1], len(found.due)) == (FIRST, LAST, 14 * 24)
    assert (found.missing, found.lost) == ((), ())


def test_a_missing_hour_is_tried_again_until_it_is_lost() -> None:
    """Listed as missing it is not asked for; there later it is due; out of the window it is lost, once."""
    waiting = known((FIRST, State.SKIPPED))
    assert hours(waiting, Availability(FIRST, LAST, frozenset({FIRST})), NOW).missing == (FIRST,)
    assert hours(waiting, AVAILABLE, NOW).due[0] == FIRST
    later = Availability(FIRST + timedelta(days=2), LAST)
    assert hours(waiting, later, NOW + timedelta(days=2)).lost == tuple(labels(FIRST, FIRST + timedelta(hours=47)))
    gone = {hour: record(hour, State.LOST) for hour in labels(FIRST, FIRST + timedelta(hours=47))}
    assert hours(gone, later, NOW + timedelta(days=2)).lost == ()


def test_an_hour_of_which_a_part_has_landed_is_not_skipped() -> None:
    """What has landed of it is told by its own reason, not by `missing`."""
    partial = {FIRST: record(FIRST, State.PARTIAL, rows=5)}
    found = hours(partial, Availability(FIRST, LAST, frozenset({FIRST})), NOW)
    assert FIRST not in (*found.due, *found.missing)


def test_an_empty_hour_is_asked_again_while_its_files_may_be_late() -> None:
    """Two days after its end it is taken for empty, and is final."""
    soon, late = ends(FIRST) + LATE - ONE_HOUR, ends(FIRST) + LATE
    for asked, settled in ((soon, False), (late, True)):
        empty = record(FIRST, State.EMPTY, as_of=asked)
        assert is_settled(empty) is settled
        assert (FIRST in hours({FIRST: empty}, AVAILABLE, NOW).due) is not settled
    assert is_settled(record(FIRST, State.LANDED))
    assert not is_settled(record(FIRST, State.PARTIAL))


def test_a_command_narrows_what_is_due_to_its_days_and_to_what_failed() -> None:
    """`--since`, `--until`, both inclusive, and `--failed`."""
    day = date(2026, 11, 7)
    found = hours({}, AVAILABLE, NOW, Span(day, day))
    assert (found.due[0].date(), len(found.due)) == (day, 24)
    failed = known((FIRST, State.FAILED), (FIRST + ONE_HOUR, State.PARTIAL))
    assert hours(failed, AVAILABLE, NOW, Span(only_failed=True)).due == (FIRST,)


@pytest.mark.parametrize(
    ("day", "count"), [(date(2026, 3, 8), 23), (date(2026, 11, 1), 24), (date(2026, 11, 2), 24)], ids=str
)
def test_days_have_the_hours_that_clocks_show(day: date, count: int) -> None:
    """An hour that a change of clocks leaves out is none; one that it repeats has one name."""
    start = datetime(day.year, day.month, day.day)  # noqa: DTZ001
    assert len(list(labels(start, start + timedelta(hours=23)))) == count


def test_an_hour_ends_in_the_assumed_zone() -> None:
    """Pacific, summer and winter; a repeated hour ends with its second time."""
    assert ends(datetime(2026, 7, 1, 0)) == datetime(2026, 7, 1, 8, tzinfo=UTC)  # noqa: DTZ001
    assert ends(datetime(2026, 11, 20, 0)) == datetime(2026, 11, 20, 9, tzinfo=UTC)  # noqa: DTZ001
    assert ends(datetime(2026, 11, 1, 1)) == datetime(2026, 11, 1, 10, tzinfo=UTC)  # noqa: DTZ001


def test_days_that_are_none_are_told_and_passed_over() -> None:
    """What a reply says is read with tolerance; where it says no hour, what Meta should have is taken."""
    said = {
        "earliest_datetime": "2024-02-31T00:00",
        "latest_datetime": "2026-11-18T23:00",
        "missing_datetimes": ["2026-11-16T18:00", "2024-02-31T05:00", 7, None],
    }
    found = read_ranges(said, NOW)
    assert found.earliest == expected(NOW).earliest == FIRST
    assert found.latest == LAST
    assert found.missing == {datetime(2026, 11, 16, 18)}  # noqa: DTZ001
    assert found.odd == ("2024-02-31T00:00", "2024-02-31T05:00", "7")


@pytest.mark.parametrize("said", [{}, {"missing_datetimes": "2026"}, {"latest_datetime": "9999-12-31T23:00"}], ids=str)
def test_a_reply_without_bounds_makes_no_plan_without_end(said: dict[str, object]) -> None:
    """At most a day more than Meta should have."""
    found = read_ranges(said, NOW)
    assert len(list(labels(found.earliest, found.latest))) <= 17 * 24
