"""Owns how rows taken apart become the typed tables of a report, and what goes to quarantine on the way."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime

import pyarrow as pa
import pyarrow.compute as pc

from pipeline.errors import Inconsistent
from pipeline.normalise import exact_json
from pipeline.normalise.layout import Layout
from pipeline.normalise.parsed import Aside, Elements, Parsed
from pipeline.normalise.typed import Fault, typed
from schemas.arrow import TYPES, file_schema
from schemas.columns import FETCHED_AT, RUN_ID, Column, Table
from schemas.meta import QUARANTINE

DAY = "date_start"
PACKED = pa.dictionary(pa.int32(), pa.string())
"""Texts of which each different one is held once: long tables are written in two thirds of the time (measured)."""


@dataclass(frozen=True, slots=True)
class Source:
    """Whose rows these are and when they were read: what every landed row and every quarantined cell says of itself."""

    table: str
    scope: str
    owner: str
    owner_id: str
    fetched_at: datetime
    run_id: str
    place: str


@dataclass(slots=True)
class Frames:
    """The typed rows of some pages by table, and what was set aside with the day it belongs to (None: unknown)."""

    rows: dict[str, pa.Table]
    aside: list[tuple[date | None, dict[str, object]]] = field(default_factory=list)
    lacking: Counter[str] = field(default_factory=Counter)
    unknown: Counter[str] = field(default_factory=Counter)


def build(layout: Layout, parsed: Parsed, source: Source) -> Frames:
    """Types the rows of a report.

    Raises:
        Inconsistent: A row belongs to another account than was asked.
    """
    facts = _Facts(layout, parsed, source)
    rows = {layout.tables.facts.name: facts.table}
    aside = [*parsed.aside, *facts.aside]
    for table, lists in ((layout.tables.actions, parsed.actions), (layout.tables.results, parsed.results)):
        if table is not None:
            long = _Long(layout, table, source, facts)
            rows[table.name] = long.rows(lists)
            aside += long.aside
    return Frames(rows, list(facts.explained(aside)), facts.lacking, parsed.unknown)


class _Facts:
    """The facts of some pages; children take their keys from here."""

    def __init__(self, layout: Layout, parsed: Parsed, source: Source) -> None:
        self._layout = layout
        self._source = source
        self.aside: list[Aside] = []
        self.lacking: Counter[str] = Counter()
        self.columns: dict[str, pa.Array] = {}
        for column in layout.cells:
            self.columns[column.name] = self._typed(column, parsed.cells[column.name])
        self._refuse_strangers()
        self.table = self._assembled(parsed)
        self.key = {name: packed(self.columns[name]) for name in layout.tables.facts.key}

    def _typed(self, column: Column, texts: pa.Array) -> pa.Array:
        if column.name in self._layout.report.breakdowns and texts.null_count:
            self.lacking[column.name] += texts.null_count
            texts = pc.fill_null(texts, "")
        found = typed(texts, column.kind, quotient=column.quotient)
        self.aside += _aside(self._layout.tables.facts.name, column.name, found.faults)
        return found.values

    def _refuse_strangers(self) -> None:
        owners = pc.unique(self.columns[self._source.owner]).to_pylist()
        strangers = [owner for owner in owners if owner != self._source.owner_id]
        if strangers:
            raise Inconsistent(
                f"{self._source.table} {self._source.scope}: "
                f"the answer holds rows of {self._source.owner} {strangers[0]}"
            )

    def _assembled(self, parsed: Parsed) -> pa.Table:
        columns = {**self.columns, **parsed.structures}
        if parsed.extra is not None:
            columns["extra"] = parsed.extra
        return assemble(self._layout.tables.facts, columns, parsed.rows, self._source)

    def explained(self, aside: Iterable[Aside]) -> Iterator[tuple[date | None, dict[str, object]]]:
        """The rows of `meta.quarantine`, each with its row's key and the day of its slice."""
        key = self._layout.tables.facts.key
        for fault in aside:
            day, row_key = None, ""
            if fault.row is not None:
                values = {name: self.columns[name][fault.row].as_py() for name in key}
                day = values[DAY]
                row_key = exact_json.write({name: str(value) for name, value in values.items()} | dict(fault.within))
            yield day, quarantined(self._source, fault, row_key)


def quarantined(source: Source, fault: Aside, row_key: str) -> dict[str, object]:
    """One row of `meta.quarantine`; the slice's start is filled in where the slice is known."""
    return {
        "table_name": fault.table,
        "scope": source.scope,
        "row_key": row_key or None,
        "column_name": fault.column,
        "raw": fault.raw,
        "reason": fault.reason,
        "source": source.place,
        "fetched_at": source.fetched_at,
        "run_id": source.run_id,
    }


class _Long:
    """The rows of one long table: a row per element of each list metric."""

    def __init__(self, layout: Layout, table: Table, source: Source, facts: _Facts) -> None:
        self._layout = layout
        self._table = table
        self._source = source
        self._facts = facts
        self._schema = file_schema(table)
        self.aside: list[Aside] = []

    def rows(self, lists: Sequence[Elements]) -> pa.Table:
        """All metrics' elements, one after the other."""
        parts = [self._of(elements) for elements in lists]
        return pa.concat_tables(parts) if parts else self._schema.empty_table()

    def _of(self, elements: Elements) -> pa.Table:
        count = len(elements.parents)
        columns = {name: column.take(elements.parents) for name, column in self._facts.key.items()}
        columns["metric"] = repeated(elements.metric, count)
        for column in self._table.columns:
            found = self._cell(column, elements)
            if found is not None:
                columns[column.name] = found
        columns["ordinal"] = self._ordinals(elements, columns)
        if elements.histogram is not None:
            columns["histogram"] = elements.histogram
        if elements.extra is not None:
            columns["extra"] = elements.extra
        return assemble(self._table, columns, count, self._source)

    def _cell(self, column: Column, elements: Elements) -> pa.Array | None:
        texts = elements.cells.get(column.where[0])
        if texts is None or column.name in self._facts.columns:
            return None
        if column.name in self._table.key:
            return packed(pc.fill_null(texts, ""))
        found = typed(texts, column.kind, quotient=elements.metric in self._layout.quotients)
        for fault in found.faults:
            within = {name: str(elements.cells[name][fault.row].as_py() or "") for name in self._splits_of(elements)}
            within = {"metric": elements.metric, **{name: part for name, part in within.items() if part}}
            parent = elements.parents[fault.row].as_py()
            self.aside.append(Aside(self._table.name, column.name, fault.raw, fault.reason, parent, within))
        return found.values

    def _splits_of(self, elements: Elements) -> Iterator[str]:
        return (name for name in (*self._layout.splits, "indicator") if name in elements.cells)

    def _ordinals(self, elements: Elements, columns: dict[str, pa.Array]) -> pa.Array:
        """0 unless the API repeats an element with the same key; then 1, 2 and so on, in its order."""
        own = [
            name for name in self._table.key if name not in self._facts.columns and name not in {"metric", "ordinal"}
        ]
        combined = elements.parents
        for name in own:
            texts = columns[name]
            combined = pc.add(
                pc.multiply(combined, pa.scalar(len(texts.dictionary), pa.int64())), pc.cast(texts.indices, pa.int64())
            )
        if len(pc.unique(combined)) == len(combined):
            return pa.repeat(pa.scalar(0, pa.int64()), len(combined))
        seen: Counter[int] = Counter()
        ordinals = []
        for code in combined.to_pylist():
            ordinals.append(seen[code])
            seen[code] += 1
        return pa.array(ordinals, pa.int64())


def whole_rows(
    table: str, rows: pa.Table, reason: str, source: Source
) -> Iterator[tuple[date | None, dict[str, object]]]:
    """Rows of `meta.quarantine` for typed rows that belong nowhere."""
    for row in rows.to_pylist():
        raw = exact_json.write({name: str(value) for name, value in row.items() if value is not None})
        yield None, quarantined(source, Aside(table, None, raw, reason), "")


def _aside(table: str, column: str, faults: Iterable[Fault]) -> Iterator[Aside]:
    return (Aside(table, column, fault.raw, fault.reason, fault.row) for fault in faults)


def assemble(table: Table, columns: dict[str, pa.Array], rows: int, source: Source) -> pa.Table:
    """A table in its file schema: columns that are not there are NULL, origin is filled in, texts may be packed."""
    origin = {
        FETCHED_AT.name: pa.repeat(pa.scalar(source.fetched_at, TYPES[FETCHED_AT.kind]), rows),
        RUN_ID.name: repeated(source.run_id, rows),
    }
    fields, arrays = [], []
    for declared in file_schema(table):
        if declared.name in columns:
            array = columns[declared.name]
        elif declared.name in origin:
            array = origin[declared.name]
        else:
            array = pa.nulls(rows, declared.type)
        fields.append(declared.with_type(PACKED) if array.type == PACKED else declared)
        arrays.append(array)
    return pa.Table.from_arrays(arrays, schema=pa.schema(fields))


def packed(column: pa.Array) -> pa.Array:
    """A column of text with each different text held once; any other column as it is."""
    return column.dictionary_encode() if column.type == pa.string() else column


def repeated(text: str, rows: int) -> pa.Array:
    """The same text in every row, held once."""
    return pa.DictionaryArray.from_arrays(pa.repeat(pa.scalar(0, pa.int32()), rows), pa.array([text], pa.string()))


def quarantine_table(rows: Sequence[dict[str, object]]) -> pa.Table:
    """Rows of `meta.quarantine` in its file schema."""
    return pa.Table.from_pylist(list(rows), schema=file_schema(QUARANTINE))


def by_day(rows: pa.Table) -> Iterator[tuple[date, pa.Table]]:
    """The rows of a table day by day, `date_start` telling the day."""
    days = rows.column(DAY)
    present = pc.unique(days).to_pylist()
    if len(present) <= 1:
        yield from ((day, rows) for day in present)
        return
    ordered = rows.take(pc.sort_indices(rows, sort_keys=[(DAY, "ascending")]))
    counts = {entry["values"]: entry["counts"] for entry in pc.value_counts(days).to_pylist()}
    start = 0
    for day in sorted(counts):
        yield day, ordered.slice(start, counts[day])
        start += counts[day]
