"""Owns one slice on its way into the lake: the rows of its tables and its quarantine, until ready or unchanged."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import pyarrow as pa

from pipeline.lake import SPILL_ROWS, Lake, TableWriter, path_of, quarantine_path, same_rows
from pipeline.ledger import Ledger
from schemas.columns import Table
from schemas.meta import QUARANTINE
from schemas.periods import State
from schemas.work import Place, Ready, SliceFile, SliceId, SliceRecord, Written


@dataclass(frozen=True, slots=True)
class Target:
    """Where rows go: the slice, its place, the end asked for, and the tables of its report (the facts first)."""

    id: SliceId
    place: Place
    tables: tuple[Table, ...]


@dataclass(frozen=True, slots=True)
class Closed:
    """A slice whose rows are all there: whether they are what lies in the lake already, and how many went aside."""

    ready: Ready
    unchanged: bool
    rows: dict[str, int]
    quarantined: int


RecordOf = Callable[[SliceRecord | None, Sequence[SliceFile]], SliceRecord]
"""Says what a slice is once a part has joined it."""


class SliceWriter:
    """Takes the rows of one slice's tables; only `pipeline/landing.py` puts their files in place."""

    def __init__(self, lake: Lake, target: Target, spill_rows: int = SPILL_ROWS, *, check_key: bool = True) -> None:
        self._lake = lake
        self._target = target
        self._tables = {
            table.name: TableWriter(
                lake, table, path_of(table.name, target.place), spill_rows, check_key=check_key and not number
            )
            for number, table in enumerate(target.tables)
        }
        aside = quarantine_path(target.id.table, target.place)
        self._aside = TableWriter(lake, QUARANTINE, aside, spill_rows, check_key=False)

    @property
    def rows(self) -> int:
        """How many rows of the facts it has taken."""
        return self._tables[self._target.tables[0].name].rows

    @property
    def path(self) -> str:
        """Where the file of the facts will lie, relative to the lake."""
        return self._tables[self._target.tables[0].name].path

    def write(self, table: str, rows: pa.Table) -> None:
        """Takes rows of one of the slice's tables, in its file schema."""
        self._tables[table].write(rows)

    def set_aside(self, rows: pa.Table) -> None:
        """Takes rows of `meta.quarantine`."""
        self._aside.write(rows)

    def close(self, ledger: Ledger, record: SliceRecord, *, final: bool) -> Closed:
        """Compares with what lies in the lake and, unless it is the same, writes the files and makes them safe.

        `record` says everything but rows and an emptiness that only the rows can tell.

        Raises:
            Inconsistent: A key stands twice among the facts.
            OSError: The files could not be written. Of a slice that is not closed nothing is left.
        """
        try:
            return self._close(ledger, record, final=final)
        except BaseException:
            self.discard()
            raise

    def join(self, ledger: Ledger, record_of: RecordOf) -> Closed:
        """Writes the files of a part, to lie beside those that the slice has already; whoever calls checks the key.

        `record_of(known, files)` says what the slice is with them: what is known of it, and all its files. Nothing may
        land between this and the landing of the part.

        Raises:
            OSError: The files could not be written. Of a part that is not closed nothing is left.
        """
        try:
            return self._join(ledger, record_of)
        except BaseException:
            self.discard()
            raise

    def _join(self, ledger: Ledger, record_of: RecordOf) -> Closed:
        slice_id, place = self._target.id, self._target.place
        writers = self._writers()
        files = [writer.close(str(slice_id)) for writer in writers]
        mine = {writer.path for writer in self._all()}
        kept = [file for file in ledger.files_of(slice_id) if file.path not in mine]
        record, tables = record_of(ledger.slice(slice_id), [*kept, *files]), [file.table for file in files]
        written = tuple(w.save(file, record, place, tables) for w, file in zip(writers, files, strict=True))
        ready = Ready(record, place, written, self._removed([], files), joins=True)
        counts = {file.table: file.rows for file in files if file.table != QUARANTINE.name}
        return Closed(ready, unchanged=False, rows=counts, quarantined=self._aside.rows)

    def _close(self, ledger: Ledger, record: SliceRecord, *, final: bool) -> Closed:
        writers = self._writers()
        files = [writer.close(str(self._target.id)) for writer in writers]
        record = self._counted(record, files)
        known, old = ledger.slice(record.id), ledger.files_of(record.id)
        unchanged = _may_stay(known, record, final=final) and same_rows(old, files) and self._lie_there(old)
        counts = {file.table: file.rows for file in files if file.table != QUARANTINE.name}
        written: tuple[Written, ...] = ()
        if unchanged:
            self.discard()
        else:
            place = self._target.place
            tables = [file.table for file in files]
            written = tuple(w.save(file, record, place, tables) for w, file in zip(writers, files, strict=True))
        ready = Ready(record, self._target.place, written, self._removed(old, files), final)
        return Closed(ready, unchanged, counts, self._aside.rows)

    def discard(self) -> None:
        """Forgets everything, temporary files included."""
        for writer in self._all():
            writer.discard()

    def _all(self) -> Sequence[TableWriter]:
        return [*self._tables.values(), self._aside]

    def _writers(self) -> Sequence[TableWriter]:
        """The writers that will have a file: every table's, and the quarantine's if anything was set aside."""
        return [*self._tables.values(), *([self._aside] if self._aside.rows else [])]

    def _lie_there(self, old: Sequence[SliceFile]) -> bool:
        return all((self._lake.root / file.path).exists() for file in old)

    def _removed(self, old: Sequence[SliceFile], files: Sequence[SliceFile]) -> tuple[str, ...]:
        """The files to take away; a quarantine also where the ledger forgot the slice that it belonged to."""
        known = {file.path for file in old} | {self._aside.path}
        return tuple(sorted(p for p in known - {file.path for file in files} if (self._lake.root / p).exists()))

    def _counted(self, record: SliceRecord, files: Sequence[SliceFile]) -> SliceRecord:
        rows = files[0].rows
        empty = record.state is State.LANDED and rows == 0 and not self._aside.rows
        return replace(record, rows=rows, state=State.EMPTY if empty else record.state)


def _may_stay(known: SliceRecord | None, record: SliceRecord, *, final: bool) -> bool:
    """Whether an identical re-read may keep the files: not the read that makes a slice final, nor a new definition."""
    if known is None or known.fetched_at is None or final:
        return False
    compared = ("definition", "state", "end", "time_zone")
    return all(getattr(known, name) == getattr(record, name) for name in compared)
