"""How far back Meta answers."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.reports import Report
from schemas.retention import kept, months_before

TODAY = date(2026, 11, 20)


@pytest.mark.parametrize(
    ("breakdowns", "since"),
    [
        ((), date(2023, 10, 20)),
        (("age", "gender"), date(2023, 10, 20)),
        (("hourly_stats_aggregated_by_advertiser_time_zone",), date(2025, 10, 20)),
        (("frequency_value",), date(2026, 5, 20)),
    ],
)
def test_how_far_back_rows_are_kept(breakdowns: tuple[str, ...], since: date) -> None:
    """Totals 37 months, hourly ones 13, frequencies 6."""
    assert since == kept(Report("r", "campaign", ("impressions", "spend"), breakdowns), TODAY).since


def test_unique_counts_are_kept_shorter_only_with_a_breakdown() -> None:
    """Without one they reach as far back as everything else."""
    plain = kept(Report("r", "ad", ("impressions", "reach")), TODAY)
    split = kept(Report("r", "ad", ("impressions", "reach"), ("country",)), TODAY)
    none = kept(Report("r", "ad", ("impressions",), ("country",)), TODAY)
    assert (plain.unique_since, none.unique_since) == (None, None)
    assert (split.unique_since, split.unique) == (date(2025, 10, 20), ("reach",))


@given(st.dates(min_value=date(2000, 1, 1)), st.integers(0, 60))
def test_months_before_keeps_the_day_or_takes_the_last(day: date, months: int) -> None:
    """So many months earlier, the same day of the month where there is one."""
    found = months_before(day, months)
    assert (day.year * 12 + day.month) - (found.year * 12 + found.month) == months
    assert found.day == day.day or (found + timedelta(days=1)).day == 1
