"""A clock that ran ahead and was set back: what was done under it is neither believed nor waited for."""

from datetime import UTC, datetime, timedelta

import pytest

from pipeline.account import Account
from pipeline.book import read_deadlines
from pipeline.plan import due_objects
from schemas.ad_objects import ADS
from schemas.periods import Known, Moment, Period, State, why_due
from schemas.work import SliceId, SliceRecord

NOW = datetime(2026, 11, 22, 10, tzinfo=UTC)
DAY = Period(datetime(2026, 11, 20, tzinfo=UTC).date(), datetime(2026, 11, 21, tzinfo=UTC).date())


@pytest.mark.parametrize(
    ("as_of", "why"),
    [
        (NOW + timedelta(hours=13), None),
        (NOW + timedelta(hours=14), "was asked under a clock that ran ahead"),
        (NOW + timedelta(days=400), "was asked under a clock that ran ahead"),
    ],
)
def test_a_reading_of_a_day_that_has_not_come_is_made_again(as_of: datetime, why: str | None) -> None:
    """Else a slice read under a clock a month ahead would count as final; one of the same day is believed."""
    known = Known(State.LANDED, DAY.end, as_of)
    assert why_due(known, DAY, Moment(NOW, "UTC", lookback_days=28)) == why


def test_a_listing_of_a_day_that_has_not_come_is_made_again() -> None:
    """Else nothing would be listed until that day."""
    as_of = NOW + timedelta(days=30)
    record = SliceRecord(SliceId("ads", "1", None), None, "UTC", State.LANDED, 5, as_of, as_of, "r", "objects")
    task = due_objects(ADS, Account("1", "UTC"), record, as_of, NOW)
    assert task is not None
    assert task.why == "was listed under a clock that ran ahead"


def test_a_deadline_that_no_quota_has_is_not_kept() -> None:
    """Else nothing would be sent for a month; a deadline that may be is kept."""
    kept = [("111/insights", NOW + timedelta(hours=5)), ("app/platform", NOW + timedelta(days=30))]
    assert [(str(quota), until) for quota, until in read_deadlines(kept, NOW)] == kept[:1]
