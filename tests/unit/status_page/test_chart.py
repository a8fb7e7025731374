"""Bars by day: a hole is a hole, nothing is nothing, and the largest fills the drawing."""

from datetime import date
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from pipeline.status_page.chart import HEIGHT, LEAST, Chart, bars, scaled
from pipeline.status_page.words import amount

DAYS = [date(2026, 11, day) for day in range(1, 6)]


def test_a_day_without_data_is_a_hole_and_no_zero() -> None:
    """Absent is a hole, empty is zero, a measure that no row names is a hole of another kind."""
    values = {DAYS[0]: Decimal(40), DAYS[1]: Decimal(20), DAYS[3]: None}
    found = bars(DAYS, values, empty=[DAYS[2]])
    assert [(bar.value, bar.height, bar.why) for bar in found] == [
        (Decimal(40), HEIGHT, ""),
        (Decimal(20), HEIGHT / 2, ""),
        (Decimal(0), 0.0, "no rows"),
        (None, HEIGHT, "not told"),
        (None, HEIGHT, "no data"),
    ]
    chart = Chart("spend", "EUR", found, amount)
    assert (chart.total, chart.top, chart.holes) == (Decimal(60), Decimal(40), 2)


@given(st.decimals(0, 10**9, places=2), st.decimals(0, 10**9, places=2))
def test_what_is_not_nothing_is_seen(value: Decimal, top: Decimal) -> None:
    """A cent beside a million has a bar, and no bar is higher than the drawing."""
    value = min(value, top)
    height = scaled(value, top)
    assert (height >= LEAST) == (value > 0)
    assert height <= HEIGHT
