"""Which days of app insights are due, together, and final: until they have stopped changing."""

from datetime import UTC, date, datetime, time, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.app_insights_due import AppSlice, due_slices, final, groups
from pipeline.app_insights_reach import LONGEST_DAYS, Reach
from pipeline.due_slices import Wanted
from schemas.app_insights import ZONE, AppMetric
from schemas.periods import Period, State
from schemas.work import SliceId, SliceRecord

NOW = datetime(2026, 11, 20, 14, 0, tzinfo=UTC)
CALLS = AppMetric("api_calls")
MONTHLY = AppMetric("api_calls", period="range")
TOTAL = AppMetric("facebook_login_total_users", period="lifetime")
SINCE = date(2026, 11, 1)


def start_of(day: date) -> datetime:
    """A slice's start, in local wall time as slices have it."""
    return datetime.combine(day, time.min)


def wanted(since: date = SINCE, until: date = date(2026, 11, 20), **more: object) -> Wanted:
    return Wanted(Period.inclusive(since, until), since, 28, **more)  # type: ignore[arg-type]  # flags of one kind each


def record(
    entry: AppMetric,
    start: datetime | None,
    *,
    days: int = 1,
    state: State = State.LANDED,
    as_of: datetime | None = NOW,
    stood: timedelta = timedelta(0),
) -> SliceRecord:
    return SliceRecord(
        id=SliceId("app_insights", entry.scope("700"), start),
        end=start + timedelta(days=days) if start else None,
        time_zone=ZONE,
        state=state,
        rows=1,
        as_of=as_of,
        fetched_at=as_of - stood if as_of else None,
        run_id="r",
        definition=entry.definition,
    )


def due(entry: AppMetric, *known: SliceRecord, now: datetime = NOW, given: Wanted | None = None) -> list[AppSlice]:
    return due_slices("700", entry, given or wanted(), {found.id: found for found in known}, now)


def test_every_day_that_is_over_is_due_once() -> None:
    """From the first wanted to the yesterday of GMT-8; today is not asked."""
    found = due(CALLS)
    assert [part.asked for part in found] == [
        Period(SINCE + timedelta(days=n), SINCE + timedelta(days=n + 1)) for n in range(19)
    ]
    assert {part.why for part in found} == {"never asked"}


def test_yesterday_begins_at_eight_utc() -> None:
    """A day of GMT-8 is over at 08:00 UTC of the next, in summer too."""
    for month in (7, 11):
        given = wanted(date(2026, month, 1), date(2026, month, 20))
        before = due(CALLS, now=datetime(2026, month, 20, 7, 59, tzinfo=UTC), given=given)
        after = due(CALLS, now=datetime(2026, month, 20, 8, 0, tzinfo=UTC), given=given)
        assert (len(before), len(after)) == (18, 19)


@pytest.mark.parametrize(
    ("state", "asked_ago", "stood", "is_due"),
    [
        (State.LANDED, timedelta(hours=1), timedelta(0), False),
        (State.LANDED, timedelta(days=1), timedelta(0), True),
        (State.EMPTY, timedelta(days=1), timedelta(0), True),
        (State.LANDED, timedelta(days=1), timedelta(days=6, hours=23), True),
        (State.LANDED, timedelta(days=1), timedelta(days=7), False),
        (State.EMPTY, timedelta(days=1), timedelta(days=7), False),
        (State.FAILED, timedelta(hours=1), timedelta(days=9), True),
    ],
)
def test_a_day_is_due_until_it_stood_for_a_week(
    state: State, asked_ago: timedelta, stood: timedelta, *, is_due: bool
) -> None:
    """Once a day; a failure at every load; a day that was never sent no other than one that was."""
    known = record(CALLS, start_of(date(2026, 11, 1)), state=state, as_of=NOW - asked_ago, stood=stood)
    given = wanted(SINCE, SINCE)
    assert bool(due(CALLS, known, given=given)) is is_due
    assert final(known) is (stood >= timedelta(days=7) and state is not State.FAILED)


def test_a_day_that_never_stands_is_final_after_four_weeks() -> None:
    """It is read once more after that, and then no longer."""
    start = start_of(date(2026, 11, 1))
    border = datetime(2026, 11, 30, 8, 0, tzinfo=UTC)
    changing = record(CALLS, start, as_of=border - timedelta(minutes=1))
    read = record(CALLS, start, as_of=border)
    given = wanted(SINCE, SINCE)
    later = border + timedelta(days=3)
    assert (final(changing), len(due(CALLS, changing, now=later, given=given))) == (False, 1)
    assert (final(read), due(CALLS, read, now=later, given=given)) == (True, [])


def test_a_range_is_a_calendar_month_to_yesterday() -> None:
    """Wanted days widen to months; the running one is asked again every day, however long its value stood."""
    found = due(MONTHLY, given=wanted(date(2026, 10, 15)))
    assert [part.asked for part in found] == [
        Period(date(2026, 10, 1), date(2026, 11, 1)),
        Period(date(2026, 11, 1), date(2026, 11, 20)),
    ]
    long = timedelta(days=9)
    october = record(MONTHLY, start_of(date(2026, 10, 1)), days=31, as_of=NOW - timedelta(days=1), stood=long)
    november = record(MONTHLY, start_of(date(2026, 11, 1)), days=18, as_of=NOW - timedelta(days=1), stood=long)
    assert [part.id.start for part in due(MONTHLY, october, november)] == [november.id.start]
    assert (final(october), final(november)) == (True, False)


def test_a_total_is_due_once_a_day_and_never_final() -> None:
    """What has no days cannot be asked about the past: a backfill leaves it alone."""
    fresh, old = (record(TOTAL, None, as_of=NOW - age, stood=timedelta(days=30)) for age in (timedelta(), timedelta(1)))
    assert (due(TOTAL, fresh), [part.why for part in due(TOTAL, old)]) == ([], ["may have changed"])
    assert [part.asked for part in due(TOTAL)] == [None]
    assert due(TOTAL, given=wanted(backfill=True)) == []
    assert (final(fresh), final(old)) == (False, False)


def test_only_what_failed_where_that_is_asked_for() -> None:
    """`load --failed` leaves everything else alone, also what was never asked."""
    broken = record(CALLS, start_of(date(2026, 11, 2)), state=State.FAILED)
    assert [part.id for part in due(CALLS, broken, given=wanted(only_failed=True, insist=True))] == [broken.id]
    assert due(TOTAL, given=wanted(only_failed=True)) == []
    assert len(due(TOTAL, record(TOTAL, None, state=State.FAILED), given=wanted(only_failed=True))) == 1


def test_a_forced_backfill_asks_what_is_final() -> None:
    """Until it was asked after that backfill began."""
    known = record(CALLS, start_of(date(2026, 11, 1)), as_of=NOW, stood=timedelta(days=8))
    given = wanted(SINCE, SINCE, backfill=True, insist=True)
    assert due(CALLS, known, given=given) == []
    forced = wanted(SINCE, SINCE, backfill=True, insist=True, renew=NOW + timedelta(hours=1))
    assert [part.why for part in due(CALLS, known, given=forced)] == ["asked for with --force"]


@given(st.sets(st.integers(0, 200), min_size=1), st.integers(1, 40))
def test_groups_are_neighbours_and_lose_nothing(days: set[int], longest: int) -> None:
    """Together they are what was due, in order; none has a gap, none is longer than is answered."""
    parts = []
    for number in sorted(days):
        day = SINCE + timedelta(days=number)
        parts.append(AppSlice(SliceId.of_day("t", "s", day), Period(day, day + timedelta(days=1)), "why"))
    found = list(groups(parts, longest))
    assert [part for group in found for part in group] == parts
    for group in found:
        periods = [part.asked for part in group if part.asked]
        assert 1 <= len(group) <= longest
        assert (periods[-1].end - periods[0].start).days == len(group)


class Notes:
    """A ledger's notes, without a ledger."""

    def __init__(self) -> None:
        self.kept: dict[str, object] = {}

    def note(self, name: str) -> object:
        return self.kept.get(name)

    def save_note(self, name: str, value: object) -> None:
        self.kept[name] = value


def test_a_refused_length_is_halved_and_remembered_for_a_month() -> None:
    """Down to a day; other scopes are untouched; after thirty days the longest is tried again."""
    notes, today = Notes(), date(2026, 11, 20)
    reach = Reach(notes, today)
    assert reach.days("a") == LONGEST_DAYS
    reach.refused("a", 300)
    reach.refused("a", 150)
    assert (reach.days("a"), reach.days("b")) == (75, LONGEST_DAYS)
    for _ in range(10):
        reach.refused("a", reach.days("a"))
    assert reach.days("a") == 1
    assert Reach(notes, today + timedelta(days=29)).days("a") == 1
    assert Reach(notes, today + timedelta(days=30)).days("a") == LONGEST_DAYS
