"""Quotas over the day: which readings are kept, and how they become a curve."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from connectors.pace.governor import Governor
from connectors.pace.quotas import Reading, of_account
from pipeline.quota_readings import LATEST, POINTS, SOONEST, QuotaReadings, is_worth_keeping
from pipeline.status_page.quotas import MINUTES, quota_lines, steps

NOW = datetime(2026, 11, 26, 12, tzinfo=UTC)
QUOTA = of_account("111", "insights")


def before(minutes: float) -> datetime:
    return NOW - timedelta(minutes=minutes)


def test_a_level_holds_until_the_next_reading_and_until_now() -> None:
    """Steps, not slopes: between two readings nothing was known."""
    points = [(before(1440), 10.0), (before(720), 60.0), (before(60), 250.0)]
    assert steps(points, NOW) == "0,90 720,90 720,40 1380,40 1380,0 1440,0"
    assert steps([], NOW) == ""


def test_closed_quotas_come_first_then_the_highest() -> None:
    """A deadline that has passed closes nothing."""
    readings = [
        {"quota": name, "read_at": before(9).isoformat(), "utilisation": level}
        for name, level in (("1/insights", 20.0), ("2/insights", 80.0), ("3/insights", 5.0))
    ]
    deadlines = [("3/insights", before(-5)), ("1/insights", before(1)), ("app/platform", before(-1))]
    lines = quota_lines(readings, deadlines, NOW)
    assert [line.quota for line in lines] == ["3/insights", "app/platform", "2/insights", "1/insights"]
    assert [line.closed_until for line in lines] == [before(-5), before(-1), None, None]
    assert (lines[1].owner, lines[1].kind, lines[1].last, lines[1].peak) == ("app", "platform", None, 0.0)


def test_the_governor_hands_on_every_reading() -> None:
    """The readings of headers reach the memory with their quota, moment and level."""
    kept = QuotaReadings()
    Governor(85, None, kept).learn([Reading(QUOTA, 12.5)], NOW)
    assert kept.taken() == [("111/insights", NOW, 12.5)]
    assert kept.taken() == []


@given(st.lists(st.tuples(st.floats(0, 600), st.floats(0, 120)), max_size=200))
def test_few_readings_are_kept_and_none_that_matters_is_missed(steps_taken: list[tuple[float, float]]) -> None:
    """At most one a minute; every reading that is not kept is near the last kept one in level or in time."""
    kept: dict[datetime, float] = {}
    last: tuple[datetime, float] | None = None
    at = NOW
    for seconds, level in steps_taken:
        at += timedelta(seconds=seconds)
        if is_worth_keeping(last, at, level):
            assert last is None or at - last[0] >= SOONEST
            last = (at, level)
            kept[at] = level
        else:
            assert last is not None
            assert at - last[0] < LATEST
            assert at - last[0] < SOONEST or abs(level - last[1]) < POINTS
    assert len(kept) <= len(steps_taken)


@given(st.lists(st.tuples(st.floats(-100, 3000), st.floats(-5, 300)), max_size=40))
def test_a_curve_stays_in_its_drawing(points: list[tuple[float, float]]) -> None:
    """Whatever was read and whenever, no corner lies outside, and time runs to the right."""
    ordered = [(before(minutes), level) for minutes, level in sorted(points, reverse=True)]
    corners = [tuple(map(float, corner.split(","))) for corner in steps(ordered, NOW).split()]
    assert all(0 <= x <= MINUTES and 0 <= y <= 100 for x, y in corners)
    assert [x for x, _ in corners] == sorted(x for x, _ in corners)
