"""Owns the first page: one sentence, every day over all accounts, every account beside every table, what is amiss."""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from pipeline.ledger import Ledger
from pipeline.status_page.calendar import Month, months
from pipeline.status_page.marks import AMISS, Mark, worst
from pipeline.status_page.source import Source
from pipeline.status_page.standing import Scope, day_cells, headline, scopes_of, together
from pipeline.status_page.words import address, day, tally
from schemas.periods import State, midnight, today_in

OWNERS_A_PAGE = 50
MOST_TROUBLES = 12
UTC = "UTC"

Accounts = Mapping[str, Mapping[str, Any]]
Zones = Mapping[str, str]
"""The time zones of the ad accounts that are loaded."""


@dataclass(frozen=True, slots=True)
class Wish:
    """What is looked for on the first page."""

    table: str | None = None
    search: str = ""
    page: int = 1


@dataclass(frozen=True, slots=True)
class Square:
    """One table of one owner."""

    mark: Mark
    label: str
    href: str


@dataclass(frozen=True, slots=True)
class OwnerRow:
    """One owner beside every table, None where it has nothing of one. `until`: the last day that all tables have.

    `loaded`: it is configured still, or is no ad account.
    """

    id: str
    name: str
    href: str
    loaded: bool
    rows: int
    until: date | None
    squares: tuple[Square | None, ...]


@dataclass(frozen=True, slots=True)
class Trouble:
    """Slices of one table and scope that are amiss in one way, with the newest of them."""

    table: str
    scope: str
    name: str
    mark: Mark
    slices: int
    newest: date | None
    reason: str
    href: str


@dataclass(frozen=True, slots=True)
class Overview:
    """The first page; `found` owners fit the wish, of which one page is shown."""

    word: str
    sentence: str
    marks: Mapping[Mark, int]
    rows: int
    all_tables: tuple[str, ...]
    tables: tuple[str, ...]
    months: Sequence[Month]
    owners: Sequence[OwnerRow]
    found: int
    page: int
    pages: int
    wish: Wish
    troubles: Sequence[Trouble]
    more_troubles: int


def read_overview(source: Source, ledger: Ledger, wish: Wish) -> Overview:
    """The first page of a store."""
    accounts, loaded = ledger.accounts(), source.accounts(ledger)
    zones = {account: accounts[account]["time_zone"] for account in loaded if account in accounts}
    scopes = scopes_of(ledger.standing(), lambda table, scope: _expected(source, zones, table, scope))
    chosen = [scope for scope in scopes if wish.table in (None, scope.table)]
    tables = tuple(sorted({scope.table for scope in chosen}))
    owners = searched({scope.owner: name_of(accounts, scope.owner) for scope in chosen}, wish.search)
    pages = max(1, -(-len(owners) // OWNERS_A_PAGE))
    page = min(max(1, wish.page), pages)
    marks = together(scope.marks for scope in chosen)
    amiss = sorted(_amiss(chosen), key=lambda found: (AMISS.index(found[1]), -found[0].marks[found[1]]))
    word, sentence = headline(marks)
    return Overview(
        word=word,
        sentence=sentence,
        marks=marks,
        rows=sum(scope.rows for scope in chosen),
        all_tables=tuple(sorted({scope.table for scope in scopes})),
        tables=tables,
        months=_months(source, ledger, zones, chosen, wish.table),
        owners=_rows(source, ledger, chosen, tables, owners[(page - 1) * OWNERS_A_PAGE : page * OWNERS_A_PAGE]),
        found=len(owners),
        page=page,
        pages=pages,
        wish=wish,
        troubles=[_trouble(ledger, accounts, *found) for found in amiss[:MOST_TROUBLES]],
        more_troubles=len(amiss[MOST_TROUBLES:]),
    )


def searched(owners: Mapping[str, str], search: str) -> list[tuple[str, str]]:
    """The owners, id and name, whose id or name holds what is searched for; by name, then by id."""
    wanted = search.strip().removeprefix("act_").casefold()
    found = [(owner, name) for owner, name in owners.items() if wanted in owner or wanted in name.casefold()]
    return sorted(found, key=lambda owner: (owner[1].casefold(), owner[0]))


def name_of(accounts: Accounts, owner: str) -> str:
    """What an owner is called; its id where no name is known."""
    return str(accounts[owner]["name"] or owner) if owner in accounts else owner


def square_of(scopes: Sequence[Scope], name: str, until: date | None, *, behind: bool) -> Square:
    """One table of one owner; `behind`: it was not asked since the owner's day began."""
    marks = together(scope.marks for scope in scopes)
    table, owner = scopes[0].table, scopes[0].owner
    landed = f", to {day(until)}" if until else ""
    label = f"{table} of {name}: {tally(marks)}{landed}{', not asked yet today' if behind else ''}"
    return Square(worst([*marks, *([Mark.DUE] if behind else [])]), label, f"{address('account', id=owner)}#{table}")


def _expected(source: Source, zones: Zones, table: str, scope: str) -> int:
    """How many days a daily table should have of an account that is loaded by now, in the account's own days."""
    if table not in source.daily or source.since is None or scope not in zones:
        return 0
    return max(0, (today_in(zones[scope], source.now()) - source.since).days)


def _months(source: Source, ledger: Ledger, zones: Zones, scopes: Sequence[Scope], table: str | None) -> list[Month]:
    """The calendar over all owners; days are missed up to the last that is over for every one that is loaded."""
    today = min(today_in(zone, source.now()) for zone in {*zones.values(), UTC})
    daily = Counter(scope.table for scope in scopes if scope.table in source.daily and scope.scope in zones)
    span = (source.since, today) if source.since and source.since < today else None
    return months(day_cells(ledger.standing_days(table), daily, span, table))


def _rows(
    source: Source, ledger: Ledger, scopes: Sequence[Scope], tables: Sequence[str], owners: Sequence[tuple[str, str]]
) -> list[OwnerRow]:
    accounts, loaded = ledger.accounts(), source.accounts(ledger)
    groups: dict[str, dict[str, list[Scope]]] = defaultdict(lambda: defaultdict(list))
    for scope in scopes:
        groups[scope.owner][scope.table].append(scope)
    found = []
    for owner, name in owners:
        is_loaded = owner in loaded or owner not in accounts
        zone = accounts[owner]["time_zone"] if owner in accounts else UTC
        began = midnight(today_in(zone, source.now()), zone) if is_loaded else None
        found.append(_row(source, ledger, (owner, name), tables, groups[owner], began))
    return found


def _row(
    source: Source,
    ledger: Ledger,
    owner: tuple[str, str],
    tables: Sequence[str],
    scopes: Mapping[str, list[Scope]],
    began: datetime | None,
) -> OwnerRow:
    """The line of an owner; `began` is when its present day began, None where it is no longer loaded."""
    squares: list[Square | None] = []
    newest = []
    for table in tables:
        if table not in scopes:
            squares.append(None)
            continue
        until = max(filter(None, (ledger.landed_until(table, one.scope) for one in scopes[table])), default=None)
        newest += [until] if until else []
        current = began if table in source.configured else None
        behind = current is not None and any(one.asked_at and one.asked_at < current for one in scopes[table])
        squares.append(square_of(scopes[table], owner[1], until, behind=behind))
    return OwnerRow(
        id=owner[0],
        name=owner[1],
        href=address("account", id=owner[0]),
        loaded=began is not None,
        rows=sum(one.rows for group in scopes.values() for one in group),
        until=min(newest, default=None),
        squares=tuple(squares),
    )


def _amiss(scopes: Sequence[Scope]) -> list[tuple[Scope, Mark]]:
    return [(scope, mark) for scope in scopes for mark in AMISS if scope.marks[mark]]


def _trouble(ledger: Ledger, accounts: Accounts, scope: Scope, mark: Mark) -> Trouble:
    record = ledger.newest_in_state(scope.table, scope.scope, State(mark.value))
    start = record.id.start if record else None
    return Trouble(
        table=scope.table,
        scope=scope.scope,
        name=name_of(accounts, scope.owner),
        mark=mark,
        slices=scope.marks[mark],
        newest=start.date() if start else None,
        reason=record.reason if record else "",
        href=address(
            "slice", table=scope.table, scope=scope.scope, start=start.strftime("%Y-%m-%dT%H:%M") if start else None
        ),
    )
