"""A row belongs to the slice that its first day lies in, whatever its last day is."""

from datetime import UTC, date, datetime

from pipeline.normalise.frames import Source
from pipeline.normalise.layout import Layout
from pipeline.reading import Into
from pipeline.slices import Target
from schemas.periods import Period
from schemas.reports import Report
from schemas.work import SliceId, day_place

WEEKS = (Period(date(2026, 11, 2), date(2026, 11, 9)), Period(date(2026, 11, 16), date(2026, 11, 23)))


def into() -> Into:
    """Two weeks that are no neighbours."""
    targets = {
        week.start: Target(SliceId.of_day("weeks", "111", week.start), day_place("account_id", "111", week), ())
        for week in WEEKS
    }
    source = Source("weeks", "111", "account_id", "111", datetime(2026, 11, 24, tzinfo=UTC), "run", "a test")
    return Into(Layout(Report("weeks", "account", time_increment=7)), targets, source)


def test_a_row_that_starts_with_its_slice_belongs_to_it() -> None:
    """The usual case: `date_start` is the slice's first day."""
    assert [week.start for week in WEEKS] == [into().home(week.start) for week in WEEKS]


def test_a_row_that_starts_inside_a_slice_belongs_to_it() -> None:
    """Meta cuts the first slice of a range at what it keeps; such a row starts later than its slice."""
    assert into().home(date(2026, 11, 8)) == date(2026, 11, 2)
    assert into().home(date(2026, 11, 20)) == date(2026, 11, 16)


def test_a_row_of_days_that_were_not_asked_has_no_home() -> None:
    """Before, between and after the slices there is nobody to take it; it goes to quarantine whole."""
    strangers = [date(2026, 11, 1), date(2026, 11, 9), date(2026, 11, 15), date(2026, 11, 23)]
    assert [into().home(day) for day in strangers] == [None] * 4
