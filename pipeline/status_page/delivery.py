"""Owns spend and impressions per day of an account, as the published warehouse has them."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

from pipeline.errors import Store, Usage
from pipeline.ledger import Ledger
from pipeline.query import ask
from pipeline.sql_text import delivery_by_day
from pipeline.status_page.chart import Chart, bars
from pipeline.status_page.words import amount, number
from schemas.columns import Table
from schemas.periods import State

MEASURES = ("spend", "impressions")


@dataclass(frozen=True, slots=True)
class Delivery:
    """A table of facts that has everything once, its measures, and what it says of an account's days."""

    table: str
    currency: str
    charts: tuple[Chart, ...]
    trouble: str = ""


def delivery_table(tables: Iterable[tuple[str, Table]], wanted: Sequence[str]) -> tuple[str, tuple[str, ...]] | None:
    """The first wanted report that the store has with a measure, and the measures that it has."""
    known = {table.name: {column.name for column in table.columns} for owner, table in tables if owner == table.name}
    for name in wanted:
        measures = tuple(measure for measure in MEASURES if measure in known.get(name, ()))
        if measures:
            return name, measures
    return None


def read_delivery(
    ledger: Ledger, warehouse: Path, wanted: Sequence[str], account: str, days: Sequence[date], currency: str
) -> Delivery | None:
    """What the warehouse says of these days; None where no report has what is asked for."""
    found = delivery_table(ledger.tables(), wanted)
    if found is None or not days:
        return None
    table, measures = found
    try:
        answer = ask(warehouse, delivery_by_day(table, measures), [account, days[0], days[-1]])
    except (Store, Usage) as error:
        return Delivery(table, currency, (), str(error))
    known = ledger.slices_of(table, account).values()
    empty = {record.id.start.date() for record in known if record.id.start and record.state is State.EMPTY}
    return Delivery(table, currency, _charts(measures, answer.rows, days, empty, currency))


def _charts(
    measures: Sequence[str], rows: Iterable[Sequence[Any]], days: Sequence[date], empty: set[date], currency: str
) -> tuple[Chart, ...]:
    found = {row[0]: row[1:] for row in rows}
    writers = {"spend": (currency, amount), "impressions": ("", number)}
    charts = []
    for place, measure in enumerate(measures):
        values = {day: None if row[place] is None else Decimal(row[place]) for day, row in found.items()}
        charts.append(Chart(measure, writers[measure][0], bars(days, values, empty), writers[measure][1]))
    return tuple(charts)
