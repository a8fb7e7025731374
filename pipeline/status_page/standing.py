"""Owns what the ledger's counts say of tables, scopes and days: their marks, what is missing, one sentence. Pure."""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from pipeline.status_page.calendar import Cell, days
from pipeline.status_page.marks import AMISS, Mark, mark_of, worst
from pipeline.status_page.words import address, counted, day, number, tally
from schemas.periods import State

MOST_DAYS = 400
"""Days that a calendar goes back: further back is a matter for SQL."""

Marks = Counter[Mark]
_MARKS = {state.value: mark_of(state) for state in State}
"""The mark of each state as the ledger writes it; counts know nothing of final and due."""
Span = tuple[date, date]
"""Days from the first up to, not including, the second."""


@dataclass(frozen=True, slots=True)
class Scope:
    """What is counted of one table and scope; `asked_at` is when Meta was last asked and answered."""

    table: str
    scope: str
    marks: Marks
    rows: int
    asked_at: datetime | None

    @property
    def owner(self) -> str:
        """Whose it is: the first part of the scope."""
        return self.scope.partition("/")[0]


def scopes_of(standing: Iterable[Mapping[str, Any]], expected: Callable[[str, str], int]) -> list[Scope]:
    """The counts of the ledger per table and scope; `expected` says how many slices there should be, 0 if unknown."""
    groups: dict[tuple[str, str], list[Mapping[str, Any]]] = defaultdict(list)
    for row in standing:
        groups[row["table_name"], row["scope"]].append(row)
    return [_scope(table, scope, rows, expected(table, scope)) for (table, scope), rows in groups.items()]


def _scope(table: str, scope: str, rows: Sequence[Mapping[str, Any]], expected: int) -> Scope:
    marks = Marks()
    for row in rows:
        marks[_MARKS[row["state"]]] += row["slices"]
    if expected > marks.total():
        marks[Mark.NEVER] = expected - marks.total()
    newest = max(row["asked_at"] for row in rows)
    asked_at = datetime.fromisoformat(newest) if newest else None
    return Scope(table, scope, marks, sum(row["rows"] for row in rows), asked_at)


def together(marks: Iterable[Marks]) -> Marks:
    """Counts added up."""
    found = Marks()
    for one in marks:
        found.update(one)
    return found


def headline(marks: Mapping[Mark, int]) -> tuple[str, str]:
    """The answer to "is it complete?": a word and a sentence."""
    known = sum(count for mark, count in marks.items() if mark is not Mark.NEVER)
    if not known:
        return "Empty", "Nothing was loaded yet: run `insights load`."
    amiss = [(mark, marks[mark]) for mark in (*AMISS, Mark.NEVER) if marks.get(mark)]
    if not amiss:
        return "Complete", f"Everything that was wanted has landed: {counted(known, 'slice')}."
    told = ", ".join(f"{number(count)} {mark}" for mark, count in amiss)
    return "Incomplete", f"Of {counted(known + marks.get(Mark.NEVER, 0), 'slice')}: {told}."


def day_cells(
    rows: Iterable[Mapping[str, Any]], daily: Mapping[str, int], span: Span | None, table: str | None = None
) -> dict[date, Cell]:
    """A cell for each day over all scopes, of the last `MOST_DAYS`.

    `rows` are counts per table, day and state; `daily` says of how many scopes a table should have each day of `span`.
    """
    found: dict[date, Marks] = defaultdict(Marks)
    known: Counter[tuple[str, date]] = Counter()
    for row in rows:
        at = date.fromisoformat(row["day"])
        found[at][_MARKS[row["state"]]] += row["slices"]
        known[row["table_name"], at] += row["slices"]
    for at in days(*span) if span else ():
        never = sum(max(0, scopes - known[name, at]) for name, scopes in daily.items())
        if never:
            found[at][Mark.NEVER] += never
    newest = max(found, default=date.min)
    return {at: _day_cell(at, marks, table) for at, marks in found.items() if (newest - at).days < MOST_DAYS}


def _day_cell(at: date, marks: Marks, table: str | None) -> Cell:
    return Cell(at, worst(marks), f"{day(at)}: {tally(marks)}", address("day", day=at.isoformat(), table=table))
