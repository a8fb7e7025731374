"""Rows of app insights become rows of the table: none lost, none twice, each under a key that stands alone."""

import json
from collections import Counter
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.errors import Inconsistent
from pipeline.normalise.app_values import AppFrame, AppValues, frame
from pipeline.normalise.frames import Source
from schemas.app_insights import APP_INSIGHTS, AppMetric
from schemas.periods import ONE_DAY, Period

AT = datetime(2026, 11, 20, 14, 0, tzinfo=UTC)
SOURCE = Source("app_insights", "700/x", "app_id", "700", AT, "run", "app_insights 700/x")
BY_COUNTRY = AppMetric("api_calls", breakdowns=("country",))
COUNTRIES = st.sampled_from(["US", "AR", "REDACTED", "São Tomé", ""])
ROWS = st.lists(
    st.fixed_dictionaries(
        {
            "time": st.integers(0, 72).map(lambda hour: f"2026-11-{1 + hour // 24:02}T{hour % 24:02}:00:00+0000"),
            "value": st.one_of(st.integers(-5, 10**12).map(str), st.integers(0, 9), st.just("n/a"), st.none()),
        },
        optional={"breakdowns": st.fixed_dictionaries({}, optional={"country": COUNTRIES})},
    ),
    max_size=30,
)


def read(*rows: Any, entry: AppMetric = BY_COUNTRY) -> AppValues:
    values = AppValues(entry)
    values.take(json.dumps(rows).encode())
    return values


def framed(*rows: Any, entry: AppMetric = BY_COUNTRY, days: Period | None = None) -> AppFrame:
    return frame(APP_INSIGHTS, entry, read(*rows, entry=entry).rows, days, SOURCE)


def at(hour: int, value: object, **breakdowns: object) -> dict[str, Any]:
    return {"time": f"2026-11-01T{hour:02}:00:00+0000", "value": value, "breakdowns": breakdowns}


@given(ROWS)
def test_no_row_is_lost_or_twice(rows: list[dict[str, Any]]) -> None:
    """Every row that was sent stands in the frame once, or the day is refused for a repeated key."""
    values = read(*rows)
    assert len(values.rows) == len(rows)
    assert sum(map(len, values.by_day().values())) == len(rows)
    keys = Counter((row["time"], row.get("breakdowns", {}).get("country", "")) for row in rows)
    repeated = any(count > 1 and country != "REDACTED" for (_, country), count in keys.items())
    if repeated:
        with pytest.raises(Inconsistent):
            frame(APP_INSIGHTS, BY_COUNTRY, values.rows, None, SOURCE)
        return
    found = frame(APP_INSIGHTS, BY_COUNTRY, values.rows, None, SOURCE)
    shown = found.rows.to_pylist()
    assert len({(row["time"], row["breakdowns"], row["ordinal"]) for row in shown}) == len(rows)
    numbers = Counter(Decimal(row["value"]) for row in rows if row["value"] not in (None, "n/a"))
    assert Counter(row["value"] for row in shown if row["value"] is not None) == numbers
    assert len(found.aside) == sum(row["value"] == "n/a" for row in rows)


@given(ROWS, st.randoms())
def test_the_order_of_sending_changes_nothing(rows: list[dict[str, Any]], chance: Any) -> None:
    """Also where several values are REDACTED alike: a re-read in another order finds the same rows."""
    hidden = [{**row, "breakdowns": {"country": "REDACTED"}} for row in rows]
    mixed = list(hidden)
    chance.shuffle(mixed)
    assert framed(*hidden).rows.equals(framed(*mixed).rows)


def test_a_row_that_lacks_its_breakdown_has_it_empty() -> None:
    """The key names every breakdown that was asked for, whatever the row has; what was not asked for stays too."""
    found = framed(at(8, "1"), {"time": "2026-11-02T08:00:00+0000", "value": "2"}, at(9, "3", country=None, os="9"))
    assert [json.loads(row["breakdowns"]) for row in found.rows.to_pylist()] == [
        {"country": ""},
        {"country": "", "os": "9"},
        {"country": ""},
    ]
    assert (
        framed({"time": "2026-11-02T08:00:00+0000"}, entry=AppMetric("api_calls")).rows["breakdowns"][0].as_py() == "{}"
    )


def test_an_empty_object_of_php_is_no_breakdown() -> None:
    """`[]` in place of `{}` means none; anything else that is no object is kept in `extra`."""
    [empty] = framed({**at(8, "1"), "breakdowns": []}).rows.to_pylist()
    assert (empty["breakdowns"], empty["extra"]) == ('{"country":""}', None)
    [odd] = framed({**at(8, "1"), "breakdowns": "AR"}).rows.to_pylist()
    assert odd["extra"] == '{"breakdowns":"AR"}'


def test_days_are_those_of_gmt_minus_8() -> None:
    """07:59 UTC belongs to the day before, all year; another offset is the same moment."""
    rows = [{"time": text, "value": "1"} for text in ("2026-07-02T07:59:00+0000", "2026-07-02T08:00:00+0000")]
    assert list(read(*rows).by_day()) == [date(2026, 7, 1), date(2026, 7, 2)]
    [row] = read({"time": "2026-07-02T00:00:00-0800"}).rows
    assert (row.day, row.time) == (date(2026, 7, 2), datetime(2026, 7, 2, 8, tzinfo=UTC))


def test_a_range_says_which_days_it_sums() -> None:
    """The days that were asked, not the day of its row."""
    entry = AppMetric("api_calls", period="range")
    days = Period(date(2026, 11, 1), date(2026, 11, 20))
    [row] = framed({"time": "2026-11-01T08:00:00+0000", "value": "5"}, entry=entry, days=days).rows.to_pylist()
    assert (row["date_start"], row["date_stop"]) == (date(2026, 11, 1), date(2026, 11, 19))


@pytest.mark.parametrize(
    ("metric", "raw", "value", "reasons"),
    [
        ("api_calls", "9007199254740993", Decimal(9007199254740993), []),
        ("api_calls", "1e3", Decimal(1000), []),
        ("payments_daily_spend", "0.1", Decimal("0.1"), []),
        ("payments_daily_spend", "0.1234567", Decimal("0.123457"), ["rounded"]),
        ("api_avg_request_time", "0.1234567", Decimal("0.123457"), []),
        ("api_calls", "", None, ["not a number"]),
        ("api_calls", "9" * 33, None, ["does not fit DECIMAL(38,6)"]),
        ("api_calls", "\udcff", None, ["not a number"]),
    ],
)
def test_a_value_is_exact_or_aside(metric: str, raw: str, value: Decimal | None, reasons: list[str]) -> None:
    """No float, no zero in place of what is no number; only ratios are rounded in silence."""
    found = framed({"time": "2026-11-01T08:00:00+0000", "value": raw}, entry=AppMetric(metric))
    assert found.rows["value"].to_pylist() == [value]
    assert [row["reason"] for row in found.aside] == reasons


def test_what_is_no_row_is_told_apart() -> None:
    """No object, no time, a time that is none: each kept as it was sent, with its reason."""
    values = read(7, {"value": "1"}, {"time": "soon"}, {"time": 1416000000}, at(8, "1"))
    assert values.aside == [
        ("7", "not an object"),
        ('{"value":"1"}', "lacks a key"),
        ('{"time":"soon"}', "lacks a key"),
    ]
    assert [row.time for row in values.rows] == [
        datetime(2014, 11, 14, 21, 20, tzinfo=UTC),
        datetime(2026, 11, 1, 8, tzinfo=UTC),
    ]


def test_a_row_of_a_day_that_was_not_asked_is_told_apart() -> None:
    """Another question answers for that day; where any day may come, all do."""
    row = {"time": "2026-11-02T07:59:00+0000", "value": "1"}
    first, second = (Period(day, day + ONE_DAY) for day in (date(2026, 11, 1), date(2026, 11, 2)))
    for days, taken in ((first, 1), (second, 0), (None, 1)):
        values = AppValues(BY_COUNTRY, days)
        values.take(json.dumps([row]).encode())
        assert (len(values.rows), len(values.aside)) == (taken, 1 - taken)
