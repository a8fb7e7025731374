"""Owns the rows of one part of a slice while its other parts are still asked for, and how parts are put together.

Parts of entities follow one another; parts of fields are joined by key. Nothing is added up or de-duplicated: a key
that comes twice is a fault, here or where the slice is closed (design, invariant 7).
"""

import contextlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from pipeline.errors import Inconsistent
from pipeline.lake import Lake
from pipeline.normalise import exact_json
from pipeline.slices import SliceWriter, Target
from schemas.arrow import file_schema
from schemas.meta import QUARANTINE

EXTRA = "extra"
ASIDE = QUARANTINE.name


class PartBuffer:
    """The typed rows of one part, by table: in memory while few, in temporary files of the lake when many."""

    def __init__(self, lake: Lake, target: Target, spill_rows: int) -> None:
        self._tables = {
            **{table.name: _Spilled(lake, file_schema(table), spill_rows) for table in target.tables},
            ASIDE: _Spilled(lake, file_schema(QUARANTINE), spill_rows),
        }

    def write(self, table: str, rows: pa.Table) -> None:
        """Takes rows of one of the slice's tables, in its file schema."""
        self._tables[table].write(rows)

    def set_aside(self, rows: pa.Table) -> None:
        """Takes rows of `meta.quarantine`."""
        self._tables[ASIDE].write(rows)

    def rows(self, table: str) -> Iterator[pa.Table]:
        """The rows taken so far, lot by lot."""
        return self._tables[table].rows()

    def discard(self) -> None:
        """Forgets everything, temporary files included."""
        for table in self._tables.values():
            table.discard()


class _Spilled:
    """The rows of one table."""

    def __init__(self, lake: Lake, schema: pa.Schema, spill_rows: int) -> None:
        self._lake = lake
        self._schema = schema
        self._spill_rows = spill_rows
        self._held: list[pa.Table] = []
        self._held_rows = 0
        self._path: str | None = None
        self._writer: pa.ipc.RecordBatchStreamWriter | None = None

    def write(self, rows: pa.Table) -> None:
        self._held.append(rows.cast(self._schema))  # texts may come as dictionaries, and differ from lot to lot
        self._held_rows += rows.num_rows
        if self._held_rows >= self._spill_rows:
            self._spill()

    def _spill(self) -> None:
        if self._writer is None:
            self._path = self._lake.temporary()
            self._writer = pa.ipc.new_stream(str(self._lake.root / self._path), self._schema)
        for rows in self._held:
            self._writer.write_table(rows)
        self._held.clear()
        self._held_rows = 0

    def rows(self) -> Iterator[pa.Table]:
        if self._writer is not None and self._path is not None:
            self._spill()
            self._writer.close()
            with pa.ipc.open_stream(str(self._lake.root / self._path)) as stream:
                for batch in stream:
                    yield pa.Table.from_batches([batch])
        yield from self._held

    def discard(self) -> None:
        if self._writer is not None:
            with contextlib.suppress(OSError, ValueError):  # the disk that refused the rows refuses the end too
                self._writer.close()
        if self._path is not None:
            (self._lake.root / self._path).unlink(missing_ok=True)
        self._held.clear()


@dataclass(frozen=True, slots=True)
class Piece:
    """A part that was read: its rows, and which fields it asked for beside the key (None: all)."""

    buffer: PartBuffer
    fields: tuple[str, ...] | None


def put_together(pieces: Sequence[Piece], target: Target, writer: SliceWriter) -> None:
    """Writes the rows of pieces that ask for the same objects, the facts of a divided list of fields joined by key.

    Raises:
        Inconsistent: A piece holds a key twice.
    """
    facts = target.tables[0]
    if len(pieces) == 1:
        for rows in pieces[0].buffer.rows(facts.name):
            writer.write(facts.name, rows)
    else:
        lots = ((row for rows in piece.buffer.rows(facts.name) for row in rows.to_pylist()) for piece in pieces)
        key = [name for name in facts.key if name not in facts.partition]
        found = joined([list(lot) for lot in lots], key, str(target.id))
        writer.write(facts.name, pa.Table.from_pylist(found, schema=file_schema(facts)))
    for piece in pieces:
        for table in target.tables[1:]:
            for rows in piece.buffer.rows(table.name):
                writer.write(table.name, _own(rows, piece))
        for rows in piece.buffer.rows(ASIDE):
            writer.set_aside(rows)


def _own(rows: pa.Table, piece: Piece) -> pa.Table:
    """The rows of a long table whose metric the piece asked for: one that came unasked comes with its own piece."""
    if piece.fields is None:
        return rows
    return rows.filter(pc.is_in(rows.column("metric"), value_set=pa.array(piece.fields, pa.string())))


def joined(parts: Sequence[Sequence[dict[str, Any]]], key: Sequence[str], place: str) -> list[dict[str, Any]]:
    """Rows joined by key: each keeps what any part says of it, and NULL where the part that would is lacking it.

    Raises:
        Inconsistent: A part holds a key twice.
    """
    whole: dict[tuple[Any, ...], dict[str, Any]] = {}
    for part in parts:
        seen = set()
        for row in part:
            found = tuple(row[name] for name in key)
            if found in seen:
                raise Inconsistent(
                    f"{place}: the answer holds one key twice: {dict(zip(key, map(str, found), strict=True))}"
                )
            seen.add(found)
            _merge(whole.setdefault(found, {}), row)
    return list(whole.values())


def _merge(whole: dict[str, Any], row: dict[str, Any]) -> None:
    for name, value in row.items():
        if value is None:
            continue
        if name == EXTRA and name in whole:
            whole[name] = exact_json.write({**exact_json.read(whole[name]), **exact_json.read(value)})
        else:
            whole.setdefault(name, value)
