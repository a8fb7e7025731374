"""Owns which tables a store has: what is configured now joined with what the ledger knows from before."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from pipeline.errors import Store, Usage
from pipeline.lake import Lake
from pipeline.ledger import Ledger
from schemas.ad_objects import ObjectTable
from schemas.ads_insights import tables_of
from schemas.columns import Table, merged
from schemas.reports import Report
from schemas.work import Owner

OBJECTS = "objects"
"""The definition of every table of objects: it has no grain that could change."""


@dataclass(frozen=True, slots=True)
class Owned:
    """A report or a family's table, with its grain, its definition and the tables it owns, the facts first."""

    name: str
    grain: str
    definition: str
    tables: tuple[Table, ...]


def of_report(report: Report) -> Owned:
    """A report of ads insights."""
    return Owned(report.name, report.grain_hash, report.definition_hash, tuple(tables_of(report)))


def of_objects(table: ObjectTable) -> Owned:
    """A table of objects."""
    return Owned(table.table.name, OBJECTS, OBJECTS, (table.table,))


def of_all(
    reports: Iterable[Report], objects: Iterable[ObjectTable], others: Iterable[Iterable[Owned]] = ()
) -> list[Owned]:
    """Everything that a command is about; `others` are what the further families own."""
    return [*map(of_report, reports), *map(of_objects, objects), *(owned for family in others for owned in family)]


def refuse_other_grains(owned: Iterable[Owned], ledger: Ledger) -> None:
    """Refuses a report whose grain changed under its name: its old rows and its new ones would not be alike.

    Raises:
        Usage: As said.
    """
    for one in owned:
        known = ledger.definition_of(one.name)
        if known is not None and known[0] not in {"", one.grain}:  # '': a rebuilt ledger that could not learn it
            raise Usage(
                f"[[ads_insights.reports]] name = {one.name!r}: its level, breakdowns, action breakdowns, increment or "
                f"filtering differ from what was loaded under this name; give the new report another name, or forget "
                f"the old one with `insights drop --table {one.name}`"
            )


def settle(owned: Sequence[Owned], ledger: Ledger, lake: Lake) -> dict[str, tuple[Table, ...]]:
    """Joins every table with its past and keeps the result in the ledger and beside the files.

    A table that a report owned once stays its own and lands without rows; a column left out stays and is NULL.

    Raises:
        Usage: A report's grain changed.
        Store: A column changed its type between versions of this program.
    """
    refuse_other_grains(owned, ledger)
    known = ledger.tables()
    settled: dict[str, tuple[Table, ...]] = {}
    for one in owned:
        before = {table.name: table for owner, table in known if owner == one.name}
        present = tuple(_with_past(table, before.get(table.name)) for table in one.tables)
        names = {table.name for table in present}
        settled[one.name] = (*present, *(table for name, table in before.items() if name not in names))
        ledger.save_report(one.name, one.grain, one.definition, settled[one.name])
        for table in settled[one.name]:
            lake.save_schema(table, Owner(one.name, one.grain, one.definition))
    return settled


def _with_past(table: Table, before: Table | None) -> Table:
    if before is None:
        return table
    try:
        columns = merged(before.columns, table.columns)
    except ValueError as error:
        raise Store(f"table {table.name}: {error}; drop it with `insights drop --table {table.name}`") from error
    return Table(table.name, table.meaning, columns, table.key, table.partition)
