"""How the page writes numbers, days and spans of time."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest

from pipeline.status_page import words
from pipeline.status_page.marks import Mark


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0 s"),
        (59.4, "59 s"),
        (59.6, "1 min"),
        (310, "5 min 10 s"),
        (1500, "25 min"),
        (3599, "59 min"),
        (7500, "2 h 05 min"),
        (273_600, "3 d 4 h"),
    ],
)
def test_a_span_is_as_exact_as_it_matters(seconds: float, text: str) -> None:
    """Seconds under ten minutes, minutes under a day, hours beyond."""
    assert words.duration(seconds) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [("1234.5", "1,234.50"), ("0", "0.00"), ("1000000", "1,000,000.00"), ("0.001230", "0.00123"), ("-3", "-3.00")],
)
def test_an_amount_is_never_rounded(value: str, text: str) -> None:
    """Two decimals at least, more where there are more."""
    assert words.amount(Decimal(value)) == text


def test_days_and_instants_are_written_out() -> None:
    """In English and in UTC."""
    assert words.day(date(2026, 11, 5)) == "Thu 5 Nov 2026"
    berlin = datetime(2026, 11, 5, 1, 30, tzinfo=UTC)
    assert words.moment(berlin) == "5 Nov 2026 01:30 UTC"
    assert words.ago(berlin, berlin + timedelta(minutes=25)) == "25 min ago"
    assert words.ago(berlin, berlin - timedelta(hours=1)) == "just now"


def test_an_address_keeps_what_is_in_it_apart() -> None:
    """Whatever a scope holds, it stays one value; what is not given is left out."""
    assert (
        words.address("slice", table="a&b", scope="900/face book", start=None)
        == "slice?table=a%26b&scope=900%2Fface+book"
    )
    assert words.address("./", page="", q=None) == "./"


def test_counts_have_their_nouns() -> None:
    """One is one, and nothing is told as such."""
    assert words.counted(1, "slice") == "1 slice"
    assert words.counted(1200, "quota is", "quotas are") == "1,200 quotas are"
    assert words.tally({Mark.FINAL: 1200, Mark.FAILED: 1}) == "1,200 final, 1 failed"
    assert words.tally({}) == "nothing yet"
