"""Days become months of weeks."""

from datetime import date, timedelta

from hypothesis import given
from hypothesis import strategies as st

from pipeline.status_page.calendar import Cell, months
from pipeline.status_page.marks import Mark

DAYS = st.sets(st.dates(date(2024, 1, 1), date(2027, 12, 31)), max_size=60)


def cell(day: date) -> Cell:
    return Cell(day, Mark.LANDED, str(day), "")


def test_a_month_begins_on_its_weekday() -> None:
    """November 2026 begins with a Sunday, the last place of its first week."""
    [month] = months({date(2026, 11, 1): cell(date(2026, 11, 1)), date(2026, 11, 30): cell(date(2026, 11, 30))})
    assert month.title == "November 2026"
    assert [place is not None for place in month.weeks[0]] == [False] * 6 + [True]
    assert month.weeks[-1][0] == cell(date(2026, 11, 30))
    assert len(month.weeks) == 6


def test_weeks_without_days_are_left_out_at_the_ends_alone() -> None:
    """A hole inside stays visible."""
    days = (date(2026, 11, 4), date(2026, 11, 25))
    [month] = months({day: cell(day) for day in days})
    assert [any(week) for week in month.weeks] == [True, False, False, True]


@given(DAYS)
def test_every_day_is_in_its_place_once(days: set[date]) -> None:
    """No day is lost or doubled, each lies under its weekday, and the newest month comes first."""
    found = months({day: cell(day) for day in days})
    placed = [(place, one) for month in found for week in month.weeks for place, one in enumerate(week) if one]
    assert sorted(one.day for _, one in placed) == sorted(days)
    assert all(one.day.weekday() == place for place, one in placed)
    assert [month.first for month in found] == sorted({day.replace(day=1) for day in days}, reverse=True)
    for month in found:
        rows = [[one.day for one in week if one] for week in month.weeks]
        assert all(
            day - timedelta(days=day.weekday()) == row[0] - timedelta(days=row[0].weekday())
            for row in rows
            for day in row
        )
