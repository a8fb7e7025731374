"""Owns the page of one account or other owner: a calendar of each of its tables, its spend by day, its quotas."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta

from pipeline.due import Due
from pipeline.ledger import Ledger
from pipeline.plan import Plan
from pipeline.status_page.calendar import Cell, Month, days, months
from pipeline.status_page.delivery import Delivery, read_delivery
from pipeline.status_page.marks import Mark, worst
from pipeline.status_page.overview import name_of
from pipeline.status_page.quotas import QuotaLine, of_owner
from pipeline.status_page.slices import Wanted, due_slices, mark_in, period_words, slice_address
from pipeline.status_page.source import Source
from pipeline.status_page.standing import MOST_DAYS, Marks, together
from pipeline.status_page.words import address, counted, day, number, tally
from schemas.periods import State, today_in
from schemas.work import Place, SliceId, SliceRecord

LONGEST_IN_CALENDAR = 31
"""Days of a slice that are shown as days; a longer one is named."""
CHART_DAYS = 92
ONE_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Spot:
    """One slice: its mark, what is told of it, its days (none for objects and for slices of many months)."""

    id: SliceId
    mark: Mark
    told: str
    days: tuple[date, ...]
    record: SliceRecord | None = None
    why: str | None = None

    @property
    def title(self) -> str:
        """Its period in words."""
        return period_words(self.id, self.record.end if self.record else None)

    @property
    def href(self) -> str:
        """Where its story is told."""
        return slice_address(self.id)


@dataclass(frozen=True, slots=True)
class TableSection:
    """One table and scope of the owner: its spots, as a calendar where they have days; `due` of another family."""

    table: str
    scope: str
    anchor: str
    loaded: bool
    marks: Mapping[Mark, int]
    rows: int
    months: Sequence[Month]
    spots: Sequence[Spot]
    due: Sequence[Due] = ()

    def narrowed(self, since: date, until: date | None) -> "TableSection":
        """The same with the days from `since` to `until`."""
        spots = [
            spot
            for spot in self.spots
            if not spot.days or (spot.days[-1] >= since and spot.days[0] <= (until or date.max))
        ]
        cells = {at: cell for at, cell in cells_of(spots, since).items() if at <= (until or date.max)}
        rows = sum(spot.record.rows for spot in spots if spot.record)
        return replace(self, spots=spots, months=months(cells), marks=Marks(spot.mark for spot in spots), rows=rows)

    @property
    def question(self) -> str:
        """Which of the owner's questions it is: the rest of the scope."""
        return self.scope.partition("/")[2]

    @property
    def is_single(self) -> bool:
        """Whether one line tells all of it, as of objects."""
        return not self.months and len(self.spots) == 1

    @property
    def singles(self) -> list[Spot]:
        """The spots that no calendar shows."""
        return [spot for spot in self.spots if not spot.days]


@dataclass(frozen=True, slots=True)
class AccountPage:
    """The page of an owner."""

    id: str
    name: str
    time_zone: str
    currency: str
    loaded: bool
    marks: Mapping[Mark, int]
    sections: Sequence[TableSection]
    delivery: Delivery | None
    quotas: Sequence[QuotaLine]

    def narrowed(self, tables: Collection[str], since: date, until: date | None) -> "AccountPage":
        """Only these tables, all if none are named, and of slices with days those from `since` to `until`."""
        sections = [
            section.narrowed(since, until) for section in self.sections if not tables or section.table in tables
        ]
        return replace(self, sections=sections, marks=together(Marks(section.marks) for section in sections))


def read_account(
    source: Source, ledger: Ledger, owner: str, table: str | None = None, since: date | None = None
) -> AccountPage | None:
    """The page of an owner, of one table if given, from a day on; None if the store knows no such owner."""
    accounts = ledger.accounts()
    pairs = [pair for pair in _pairs(ledger, owner) if table in (None, pair[0])]
    if owner not in accounts and not pairs:
        return None
    zone = accounts[owner]["time_zone"] if owner in accounts else "UTC"
    today = today_in(zone, source.now())
    first = since or today - ONE_DAY * MOST_DAYS
    placed = {pair: ledger.placed_slices(*pair) for pair in pairs}
    known = {pair: {record.id: record for record, _ in found} for pair, found in placed.items()}
    plan = source.plan_of(ledger, owner, table, lambda *pair: known.get(pair, {}))
    due = due_slices(plan)
    pairs = sorted({*pairs, *((slice_id.table, slice_id.scope) for slice_id in due)})
    sections = with_anchors([_section(source, pair, placed.get(pair, ()), first, due, plan) for pair in pairs])
    account = accounts.get(owner, {})
    return AccountPage(
        id=owner,
        name=name_of(accounts, owner),
        time_zone=account.get("time_zone", ""),
        currency=account.get("currency", ""),
        loaded=owner not in accounts or owner in source.accounts(ledger),
        marks=together(Marks(section.marks) for section in sections),
        sections=sections,
        delivery=_delivery(source, ledger, owner, today, account.get("currency", "")) if owner in accounts else None,
        quotas=of_owner(ledger, source.now(), owner),
    )


def spots_of(
    source: Source,
    known: Iterable[tuple[SliceRecord, Place | None]],
    due: Mapping[SliceId, Wanted],
    table: str,
    scope: str,
) -> list[Spot]:
    """A spot for each slice that is known, and for each that is due and is not."""
    found: dict[SliceId, Spot] = {}
    for record, place in known:
        wanted = due.get(record.id)
        mark = mark_in(source, record, place, due=wanted is not None)
        told, why = _told(record, mark), wanted.why if wanted else None
        found[record.id] = Spot(record.id, mark, told, _days_between(record.id.start, record.end), record, why)
    for slice_id, wanted in due.items():
        if (slice_id.table, slice_id.scope) == (table, scope) and slice_id not in found:
            end = datetime.combine(wanted.days.end, time.min) if wanted.days else None
            whole = _days_between(slice_id.start, end)
            found[slice_id] = Spot(slice_id, Mark.NEVER, str(Mark.NEVER), whole, None, wanted.why)
    return [found[slice_id] for slice_id in sorted(found, key=lambda one: (one.start is not None, one), reverse=True)]


def cells_of(spots: Iterable[Spot], first: date) -> dict[date, Cell]:
    """A cell for each day of a calendar from `first` on; one of several slices stands for its worst."""
    by_day: dict[date, list[Spot]] = defaultdict(list)
    for spot in spots:
        for at in spot.days:
            if at >= first:
                by_day[at].append(spot)
    return {at: _cell(at, group) for at, group in by_day.items()}


def with_anchors(sections: Iterable[TableSection]) -> list[TableSection]:
    """The first section of each table answers to the table's own name: what leads to a table leads there."""
    found: dict[str, TableSection] = {}
    for section in sections:
        name = section.table if section.table not in found else section.anchor
        found[name] = replace(section, anchor=name)
    return list(found.values())


def _cell(at: date, spots: Sequence[Spot]) -> Cell:
    if len(spots) == 1:
        return Cell(at, spots[0].mark, f"{day(at)}: {spots[0].told}", spots[0].href)
    marks = Marks(spot.mark for spot in spots)
    one = spots[0].id
    href = address("day", day=at.isoformat(), table=one.table, scope=one.scope)
    return Cell(at, worst(marks), f"{day(at)}: {counted(len(spots), 'slice')}, {tally(marks)}", href)


def _told(record: SliceRecord, mark: Mark) -> str:
    rows = "no rows" if record.state is State.EMPTY else f"{number(record.rows)} rows"
    return str(mark) if record.fetched_at is None else f"{mark}, {rows}"


def _days_between(start: datetime | None, end: datetime | None) -> tuple[date, ...]:
    """The days of a slice, also of one of an hour; none for objects and for what is longer than a calendar shows."""
    if start is None or end is None or (end - start).days > LONGEST_IN_CALENDAR:
        return ()
    return tuple(days(start.date(), end.date())) or (start.date(),)


def _pairs(ledger: Ledger, owner: str) -> list[tuple[str, str]]:
    return list(dict.fromkeys((row["table_name"], row["scope"]) for row in ledger.standing(owner)))


def _section(
    source: Source,
    pair: tuple[str, str],
    placed: Sequence[tuple[SliceRecord, Place | None]],
    first: date,
    due: Mapping[SliceId, Wanted],
    plan: Plan | None,
) -> TableSection:
    table, scope = pair
    spots = spots_of(source, placed, due, table, scope)
    return TableSection(
        table=table,
        scope=scope,
        anchor=f"{table}-{scope.partition('/')[2].replace('/', '-')}",
        loaded=table in source.configured,
        marks=Marks(spot.mark for spot in spots),
        rows=sum(spot.record.rows for spot in spots if spot.record),
        months=months(cells_of(spots, first)),
        spots=spots,
        due=[one for one in plan.families if (one.table, one.scope) == (table, scope)] if plan else (),
    )


def _delivery(source: Source, ledger: Ledger, account: str, today: date, currency: str) -> Delivery | None:
    first = max(filter(None, (today - ONE_DAY * CHART_DAYS, source.since)))
    wanted = list(days(first, today))
    return read_delivery(ledger, source.places.warehouse, source.delivery, account, wanted, currency)
