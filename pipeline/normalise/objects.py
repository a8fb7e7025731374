"""Owns how listed objects become rows of their table, and how those meet the rows that are known already."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from pipeline.errors import Inconsistent
from pipeline.normalise import exact_json
from pipeline.normalise.careful import HALF_CHARACTER, NO_KEY, NO_OBJECT, STRUCTURE
from pipeline.normalise.frames import Source, assemble, quarantined
from pipeline.normalise.parsed import Aside
from pipeline.normalise.typed import typed
from schemas.columns import ORIGIN_NAMES, Column, Kind, Table

EXTRA = "extra"


class ObjectRows:
    """The rows of one table as they are read; the last listing of an id counts."""

    def __init__(self, table: Table, source: Source) -> None:
        self._table = table
        self._source = source
        self._key = table.key[0]
        self._columns = [c for c in table.columns if c.name not in ORIGIN_NAMES and c.name != EXTRA]
        self._known = {column.where[0] for column in self._columns}
        nested = [column.where for column in self._columns if len(column.where) > 1]
        self._nested = {name: {where[1] for where in nested if where[0] == name} for name, *_ in nested}
        self._objects: dict[str, Mapping[str, Any]] = {}
        self._aside: list[Aside] = []

    def take(self, pages: Iterable[bytes]) -> None:
        """Takes the raw JSON arrays of some pages."""
        for page in pages:
            for found in exact_json.read(page):
                self._take(found)

    def _take(self, found: object) -> None:
        if not isinstance(found, dict):
            self._aside.append(Aside(self._table.name, None, exact_json.write(found), NO_OBJECT))
        elif not _text_of(found.get(self._key)):
            self._aside.append(Aside(self._table.name, None, exact_json.write(found), NO_KEY))
        else:
            owner = found.get(self._source.owner)
            if owner is not None and _text_of(owner) != self._source.owner_id:
                raise Inconsistent(f"{self._source.place}: the listing holds an object of {exact_json.write(owner)}")
            self._objects[found[self._key]] = found

    def table(self) -> tuple[pa.Table, list[dict[str, object]]]:
        """The typed rows, and what was set aside of them."""
        objects = list(self._objects.values())
        columns = {column.name: self._column(column, objects) for column in self._columns}
        columns[self._source.owner] = pa.repeat(pa.scalar(self._source.owner_id), len(objects))
        columns[EXTRA] = pa.array([self._rest(found) for found in objects], pa.string())
        aside = [self._explained(fault, objects) for fault in self._aside]
        return assemble(self._table, columns, len(objects), self._source), aside

    def _column(self, column: Column, objects: Sequence[Mapping[str, Any]]) -> pa.Array:
        texts = [cell(self._table.name, column, found, row, self._aside) for row, found in enumerate(objects)]
        found = typed(pa.array(texts, pa.string()), column.kind, quotient=column.quotient)
        self._aside += [Aside(self._table.name, column.name, f.raw, f.reason, f.row) for f in found.faults]
        return found.values

    def _rest(self, found: Mapping[str, Any]) -> str | None:
        """What no column declares, as one JSON object; of an object that columns take members from, the others."""
        rest = {name: value for name, value in found.items() if name not in self._known and value is not None}
        for name, members in self._nested.items():
            value = found.get(name)
            others = {k: v for k, v in value.items() if k not in members} if isinstance(value, dict) else value
            rest |= {name: others} if others else {}
        return exact_json.write(rest) if rest else None

    def _explained(self, fault: Aside, objects: Sequence[Mapping[str, Any]]) -> dict[str, object]:
        key = "" if fault.row is None else exact_json.write({self._key: str(objects[fault.row][self._key])})
        return quarantined(self._source, fault, key)


def cell(table: str, column: Column, found: Mapping[str, Any], row: int, aside: list[Aside]) -> str | None:
    """The text of a cell of an object, to be typed; what is no scalar, or not Unicode, goes aside."""
    value: Any = found
    for step in column.where:
        value = value.get(step) if isinstance(value, dict) else None
    if value is None:
        return None
    if column.kind is Kind.JSON:
        return exact_json.write(value)
    if isinstance(value, dict | list):
        aside.append(Aside(table, column.name, exact_json.write(value), STRUCTURE, row))
        return None
    text = exact_json.scalar(value)
    if text is not None and not exact_json.is_unicode(text):
        aside.append(Aside(table, column.name, ascii(text), HALF_CHARACTER, row))
        return exact_json.whole(text)
    return text


def _text_of(value: object) -> str:
    """An id as text, whether it was sent as text or as a number; '' for anything else."""
    return str(value) if isinstance(value, str) and exact_json.is_unicode(value) else ""


def upserted(known: pa.Table | None, read: pa.Table, key: str = "id") -> pa.Table:
    """The rows of a table after a listing: what it no longer shows, by its `key`, keeps its last row.

    `known` may lack columns of `read`; they are NULL.
    """
    if known is None or not known.num_rows:
        return read
    known = pa.Table.from_arrays(
        [
            known.column(field.name).cast(field.type).combine_chunks()
            if field.name in known.column_names
            else pa.nulls(known.num_rows, field.type)
            for field in read.schema
        ],
        schema=read.schema,
    )
    kept = known.filter(pc.invert(pc.is_in(known.column(key), value_set=read.column(key).combine_chunks())))
    return pa.concat_tables([kept, read])
