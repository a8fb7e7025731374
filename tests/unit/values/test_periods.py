"""Days, grids and ranges: slices tile the calendar, ranges widen to their borders, days begin at local midnight."""

import itertools
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.periods import Increment, Period, asked, midnight, runs_of, slice_at, slices, today_in

SINCE = date(2026, 9, 1)
DAYS = st.dates(date(2015, 1, 1), date(2035, 12, 31))
INCREMENTS: st.SearchStrategy[Increment] = st.integers(1, 90) | st.just("monthly")
RANGES = st.builds(lambda day, days: Period(day, day + timedelta(days=days)), DAYS, st.integers(1, 400))


def days(text: str) -> Period:
    """`2026-09-01 to 2026-09-02`, both inclusive."""
    since, until = text.split(" to ")
    return Period.inclusive(date.fromisoformat(since), date.fromisoformat(until))


def test_inclusive() -> None:
    """Users and the wire name the last day; inside, a period ends with the day after it."""
    period = Period.inclusive(date(2026, 9, 1), date(2026, 9, 3))
    assert (period.start, period.end, period.until, period.days) == (
        date(2026, 9, 1),
        date(2026, 9, 4),
        date(2026, 9, 3),
        3,
    )
    assert [day in period for day in (date(2026, 8, 31), date(2026, 9, 1), date(2026, 9, 3), date(2026, 9, 4))] == [
        False,
        True,
        True,
        False,
    ]


@pytest.mark.parametrize("end", [date(2026, 9, 1), date(2026, 8, 31)])
def test_empty_periods(end: date) -> None:
    """A period has at least one day."""
    with pytest.raises(ValueError, match=rf"^a period ends after it starts, not 2026-09-01 to {end}$"):
        Period(date(2026, 9, 1), end)


def test_overlaps() -> None:
    """Neighbours share no day."""
    one = days("2026-09-01 to 2026-09-03")
    assert one.overlaps(days("2026-09-03 to 2026-09-09"))
    assert not one.overlaps(days("2026-09-04 to 2026-09-09"))
    assert not one.overlaps(days("2026-08-01 to 2026-08-31"))


@pytest.mark.parametrize(
    ("day", "increment", "expected"),
    [
        ("1970-01-05", 7, "1970-01-05 to 1970-01-11"),
        ("1970-01-04", 7, "1969-12-29 to 1970-01-04"),
        ("2026-11-22", 1, "2026-11-22 to 2026-11-22"),
        ("2026-11-22", 7, "2026-11-16 to 2026-11-22"),
        ("2026-11-23", 7, "2026-11-23 to 2026-11-29"),
        ("2026-11-22", 28, "2026-10-26 to 2026-11-22"),
        ("2026-11-30", "monthly", "2026-11-01 to 2026-11-30"),
        ("2026-12-31", "monthly", "2026-12-01 to 2026-12-31"),
        ("2028-02-29", "monthly", "2028-02-01 to 2028-02-29"),
    ],
)
def test_grid(day: str, increment: Increment, expected: str) -> None:
    """N-day slices are counted from Monday 1970-01-05 whatever `since` is; months are calendar months."""
    assert slice_at(date.fromisoformat(day), increment, SINCE) == days(expected)


def test_all_days() -> None:
    """`all_days` is one slice from `since` on, asked up to yesterday, or today where that is wanted."""
    whole = slice_at(date(2026, 11, 22), "all_days", SINCE)
    assert whole.start == SINCE
    assert list(slices(days("2026-10-01 to 2026-10-02"), "all_days", SINCE)) == [whole]
    today = date(2026, 11, 22)
    assert asked(whole, today, include_today=False) == days("2026-09-01 to 2026-11-21")
    assert asked(whole, today, include_today=True) == days("2026-09-01 to 2026-11-22")
    assert asked(whole, SINCE, include_today=False) is None


@pytest.mark.parametrize(
    ("wanted", "increment", "expected"),
    [
        ("2026-09-02 to 2026-09-03", 1, ["2026-09-02 to 2026-09-02", "2026-09-03 to 2026-09-03"]),
        ("2026-09-06 to 2026-09-07", 7, ["2026-08-31 to 2026-09-06", "2026-09-07 to 2026-09-13"]),
        ("2026-09-30 to 2026-10-01", "monthly", ["2026-09-01 to 2026-09-30", "2026-10-01 to 2026-10-31"]),
        ("2026-09-15 to 2026-09-15", "monthly", ["2026-09-01 to 2026-09-30"]),
    ],
)
def test_ranges_widen(wanted: str, increment: Increment, expected: list[str]) -> None:
    """A range typed by users widens to the borders of its slices."""
    assert list(slices(days(wanted), increment, SINCE)) == [days(text) for text in expected]


@settings(deadline=None)
@given(RANGES, INCREMENTS)
def test_slices_tile(wanted: Period, increment: Increment) -> None:
    """The slices of a range cover it without gap or overlap, and none lies outside it."""
    found = list(slices(wanted, increment, SINCE))
    assert all(one.end == other.start for one, other in itertools.pairwise(found))
    assert found[0].start <= wanted.start < found[0].end
    assert found[-1].start < wanted.end <= found[-1].end


@given(DAYS, INCREMENTS, DAYS)
def test_a_moving_start_never_shifts(day: date, increment: Increment, since: date) -> None:
    """Which slice a day belongs to depends on neither `since` nor the range, and every day of a slice belongs to it."""
    found = slice_at(day, increment, since)
    assert day in found
    assert {slice_at(edge, increment, SINCE) for edge in (found.start, day, found.until)} == {found}


@pytest.mark.parametrize(
    ("today", "include_today", "expected"),
    [
        ("2026-09-07", False, None),
        ("2026-09-07", True, "2026-09-07 to 2026-09-07"),
        ("2026-09-08", False, "2026-09-07 to 2026-09-07"),
        ("2026-09-13", False, "2026-09-07 to 2026-09-12"),
        ("2026-09-14", False, "2026-09-07 to 2026-09-13"),
        ("2026-09-13", True, "2026-09-07 to 2026-09-13"),
        ("2027-01-01", True, "2026-09-07 to 2026-09-13"),
        ("2026-09-01", True, None),
    ],
)
def test_running_slices(today: str, include_today: bool, expected: str | None) -> None:  # noqa: FBT001 - a parameter
    """A slice that still runs is asked from its start to yesterday, or to today where that is wanted."""
    part = asked(days("2026-09-07 to 2026-09-13"), date.fromisoformat(today), include_today=include_today)
    assert part == (days(expected) if expected else None)


@pytest.mark.parametrize(
    ("zone", "day", "expected"),
    [
        ("UTC", "2026-11-22", "2026-11-22T00:00"),
        ("Asia/Kolkata", "2026-11-22", "2026-11-21T18:30"),
        ("Pacific/Auckland", "2026-06-01", "2026-05-31T12:00"),
        ("Pacific/Auckland", "2026-12-01", "2026-11-30T11:00"),
        ("America/New_York", "2026-03-08", "2026-03-08T05:00"),
        ("America/New_York", "2026-03-09", "2026-03-09T04:00"),
        ("America/New_York", "2026-11-01", "2026-11-01T04:00"),
        ("America/New_York", "2026-11-02", "2026-11-02T05:00"),
        ("America/Sao_Paulo", "2018-11-03", "2018-11-03T03:00"),
        ("America/Sao_Paulo", "2018-11-04", "2018-11-04T03:00"),
        ("America/Sao_Paulo", "2018-11-05", "2018-11-05T02:00"),
        ("Asia/Beirut", "2024-03-30", "2024-03-29T22:00"),
        ("Asia/Beirut", "2024-03-31", "2024-03-30T22:00"),
        ("Asia/Beirut", "2024-04-01", "2024-03-31T21:00"),
        ("America/Havana", "2026-11-01", "2026-11-01T04:00"),
    ],
)
def test_midnight(zone: str, day: str, expected: str) -> None:
    """A day begins at its first moment, also where clocks skip midnight or strike it twice."""
    begins = datetime.fromisoformat(expected).replace(tzinfo=UTC)
    assert midnight(date.fromisoformat(day), zone) == begins
    assert today_in(zone, begins) == date.fromisoformat(day)
    assert today_in(zone, begins - timedelta(seconds=1)) == date.fromisoformat(day) - timedelta(days=1)


def test_one_moment_many_days() -> None:
    """At one moment accounts live in different days."""
    now = datetime(2026, 11, 22, 10, 30, tzinfo=UTC)
    zones = ("Pacific/Auckland", "Asia/Kolkata", "America/Los_Angeles", "Pacific/Kiritimati", "Pacific/Pago_Pago")
    assert [today_in(zone, now).day for zone in zones] == [22, 22, 22, 23, 21]


@pytest.mark.parametrize(
    ("longest", "expected"),
    [
        (1, [["01"], ["02"], ["03"], ["05"], ["06"]]),
        (2, [["01", "02"], ["03"], ["05", "06"]]),
        (30, [["01", "02", "03"], ["05", "06"]]),
    ],
)
def test_neighbours(longest: int, expected: list[list[str]]) -> None:
    """Neighbours are gathered, oldest first, up to so many days; a gap parts them."""
    single = [days(f"2026-09-{day} to 2026-09-{day}") for day in ("06", "02", "01", "05", "03")]
    groups = [[f"{period.start:%d}" for period in group] for group in runs_of(single, longest)]
    assert groups == expected


def test_a_long_one_stands_alone() -> None:
    """A period longer than the longest is a group of its own, one that never ends too."""
    months = [days("2026-09-01 to 2026-09-30"), days("2026-10-01 to 2026-10-31")]
    assert list(runs_of(months, 7)) == [(month,) for month in months]
    forever = slice_at(SINCE, "all_days", SINCE)
    assert list(runs_of([forever], 30)) == [(forever,)]
    assert list(runs_of([], 30)) == []


@given(st.sets(DAYS, max_size=20), st.integers(1, 10), st.integers(1, 40))
def test_groups_lose_nothing(starts: set[date], increment: int, longest: int) -> None:
    """Every period is in one group; each group is without gaps and, unless it is one period, short enough."""
    periods = {slice_at(day, increment, SINCE) for day in starts}
    groups = list(runs_of(periods, longest))
    assert [period for group in groups for period in group] == sorted(periods)
    for group in groups:
        assert all(one.end == other.start for one, other in itertools.pairwise(group))
        assert len(group) == 1 or (group[-1].end - group[0].start).days <= longest
