"""The days that a report covers follow from its date range, its zone and the moment, and from nothing else."""

from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.attribution_reports import LIFETIME, UNITS, as_absolute, period_of
from schemas.periods import Period

NOW = datetime(2026, 11, 20, 14, 0, tzinfo=UTC)
LOS_ANGELES = "America/Los_Angeles"


@pytest.mark.parametrize(
    ("date_range", "since", "until"),
    [
        ({"date_unit": "day", "quantity": "7"}, date(2026, 11, 13), date(2026, 11, 19)),
        ({"date_unit": "week", "quantity": "2"}, date(2026, 11, 2), date(2026, 11, 15)),
        ({"date_unit": "month", "quantity": "1"}, date(2026, 10, 1), date(2026, 10, 31)),
        ({"date_unit": "month", "quantity": 13}, date(2025, 10, 1), date(2026, 10, 31)),
        ({"date_unit": "quarter", "quantity": "1"}, date(2026, 7, 1), date(2026, 9, 30)),
        ({"date_unit": "year", "quantity": "1"}, date(2025, 1, 1), date(2025, 12, 31)),
    ],
)
def test_relative_ranges_are_completed_units(date_range: dict[str, Any], since: date, until: date) -> None:
    """The page: two weeks are the last two completed weeks, ending at the nearest end of a week."""
    found = period_of({"type": "relative", "time_zone": LOS_ANGELES, **date_range}, NOW)
    assert found == Period.inclusive(since, until)


def test_the_zone_decides_which_day_it_is() -> None:
    """Early in the morning in UTC it is still the day before in Los Angeles."""
    early = datetime(2026, 11, 20, 3, 0, tzinfo=UTC)
    wish = {"type": "relative", "date_unit": "day", "quantity": "1"}
    assert period_of({**wish, "time_zone": LOS_ANGELES}, early).start == date(2026, 11, 18)
    assert period_of(wish, early).start == date(2026, 11, 19)


@given(
    unit=st.sampled_from(UNITS),
    quantity=st.integers(1, 40),
    now=st.datetimes(datetime(2018, 1, 1), datetime(2030, 1, 1)),  # noqa: DTZ001 - given a zone below
    zone=st.sampled_from([LOS_ANGELES, "UTC", "Asia/Tokyo"]),
)
def test_relative_ranges_end_before_today_and_grow_with_their_quantity(
    unit: str, quantity: int, now: datetime, zone: str
) -> None:
    """Whatever the moment: one unit more begins earlier, ends alike, and today is never inside."""
    at = now.replace(tzinfo=UTC)
    wish = {"type": "relative", "date_unit": unit, "time_zone": zone}
    one, more = (period_of({**wish, "quantity": str(count)}, at) for count in (quantity, quantity + 1))
    today = at.astimezone(ZoneInfo(zone)).date()
    assert one.end == more.end <= today
    assert more.start < one.start
    assert (today - one.end) < timedelta(days=366)


def test_absolute_ranges_are_as_written_and_survive_a_round() -> None:
    """Both ends inclusive; what a part is asked with says the same days again."""
    wish = {"type": "absolute", "begin_date": "2026-09-01", "end_date": "2026-09-30T23:59:59"}
    found = period_of(wish, NOW)
    assert found == Period.inclusive(date(2026, 9, 1), date(2026, 9, 30))
    assert period_of(as_absolute(found, LOS_ANGELES), NOW) == found


def test_a_lifetime_has_no_end() -> None:
    """It begins where nobody says and never ends."""
    assert period_of({"type": "lifetime"}, NOW) == Period(LIFETIME, date.max)


@pytest.mark.parametrize(
    "wish",
    [{}, {"type": "relative"}, {"type": "relative", "date_unit": "day", "quantity": "0"}, {"type": "absolute"}],
)
def test_what_is_no_range_is_refused(wish: dict[str, Any]) -> None:
    """A report made by somebody else may hold anything; it is said, not guessed."""
    with pytest.raises(ValueError, match=r"no date range|isoformat"):
        period_of(wish, NOW)
