"""How slices of any length become the days of an account's calendars."""

from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path

from pipeline.plan import Plan
from pipeline.status_page.account import Spot, TableSection, cells_of, spots_of, with_anchors
from pipeline.status_page.marks import Mark
from pipeline.status_page.slices import Wanted
from pipeline.status_page.source import Source
from pipeline.store import Places
from schemas.periods import Period, State
from schemas.work import SliceId, SliceRecord, day_place

NOW = datetime(2026, 11, 26, 12, tzinfo=UTC)
SOURCE = Source(
    places=Places(Path("lake"), Path("warehouse"), Path("state")),
    now=lambda: NOW,
    plan=lambda _ledger, _choice, _known: Plan(NOW),
    accounts=lambda _ledger: (),
    configured=frozenset({"t"}),
    lookback_days=28,
)
LONG_AGO = date(2026, 1, 1)


def local(month: int, day: int, hour: int = 0) -> datetime:
    """Wall time, as slices begin."""
    return datetime.combine(date(2026, month, day), time(hour))


def known(start: datetime, hours: float, state: State = State.LANDED, as_of: datetime = NOW) -> SliceRecord:
    end = start + timedelta(hours=hours)
    return SliceRecord(SliceId("t", "1", start), end, "UTC", state, 7, as_of, as_of, "r", "d")


def spots(*records: SliceRecord, due: dict[SliceId, Wanted] | None = None) -> list[Spot]:
    placed = []
    for record in records:
        assert record.id.start is not None
        assert record.end is not None
        days = Period(record.id.start.date(), max(record.end.date(), record.id.start.date() + timedelta(days=1)))
        placed.append((record, day_place("account_id", "1", days)))
    return spots_of(SOURCE, placed, due or {}, "t", "1")


def test_a_day_leads_to_its_slice() -> None:
    """With its mark, its rows, and its address."""
    start = local(11, 25)
    [cell] = cells_of(spots(known(start, 24)), LONG_AGO).values()
    assert (cell.day, cell.mark, cell.label) == (start.date(), Mark.LANDED, "Wed 25 Nov 2026: landed, 7 rows")
    assert cell.href == "slice?table=t&scope=1&start=2026-11-25T00:00"


def test_hours_gather_in_their_day() -> None:
    """24 slices are one square that shows the worst and leads to all of them."""
    hours = [known(local(11, 25, hour), 1) for hour in range(24)]
    hours[5] = replace(hours[5], state=State.LOST, reason="gone")
    [cell] = cells_of(spots(*hours), LONG_AGO).values()
    assert (cell.mark, cell.href) == (Mark.LOST, "day?day=2026-11-25&table=t&scope=1")
    assert cell.label == "Wed 25 Nov 2026: 24 slices, 23 landed, 1 lost"


def test_a_week_is_seven_days_of_one_slice() -> None:
    """Each leads to it; one that is longer than a month stands by itself."""
    week = known(local(11, 16), 7 * 24)
    cells = cells_of(spots(week), LONG_AGO)
    assert sorted(cells) == [date(2026, 11, 16) + timedelta(days=number) for number in range(7)]
    assert {cell.href for cell in cells.values()} == {"slice?table=t&scope=1&start=2026-11-16T00:00"}
    assert cells_of(spots(known(local(1, 1), 300 * 24)), LONG_AGO) == {}


def test_what_is_due_is_told_and_what_was_never_asked_has_a_square() -> None:
    """Only of this table and scope; days before the calendar begins are left out."""
    start = local(11, 25)
    due = {
        SliceId("t", "1", start): Wanted("may have been restated", Period.inclusive(start.date(), start.date())),
        SliceId("t", "1", local(11, 9)): Wanted("never asked", Period(date(2026, 11, 9), date(2026, 11, 16))),
        SliceId("u", "1", start): Wanted("never asked", Period.inclusive(start.date(), start.date())),
    }
    found = spots(known(start, 24), due=due)
    assert [(spot.mark, spot.why) for spot in found] == [
        (Mark.DUE, "may have been restated"),
        (Mark.NEVER, "never asked"),
    ]
    cells = cells_of(found, date(2026, 11, 12))
    assert sorted(cells) == [*(date(2026, 11, day) for day in range(12, 16)), start.date()]


def test_a_late_read_is_final() -> None:
    """Read 28 days after its end it is; an hour earlier it is not."""
    start = local(10, 1)
    settled = datetime.combine(date(2026, 10, 30), time.min, UTC)
    assert [spot.mark for spot in spots(known(start, 24, as_of=settled))] == [Mark.FINAL]
    assert [spot.mark for spot in spots(known(start, 24, as_of=settled - timedelta(hours=1)))] == [Mark.LANDED]


def test_what_leads_to_a_table_leads_to_its_first_section() -> None:
    """Several questions of one owner have names of their own beside it."""
    sections = [
        TableSection(
            table, scope, f"{table}-{scope.partition('/')[2]}", loaded=True, marks={}, rows=0, months=(), spots=()
        )
        for table, scope in (("t", "1/a"), ("t", "1/b"), ("u", "1"))
    ]
    assert [section.anchor for section in with_anchors(sections)] == ["t", "t-b", "u"]
