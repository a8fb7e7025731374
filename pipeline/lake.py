"""Owns the Parquet files: where they lie, how they are written and made safe, what their footers say.

Files are written to `lake/.tmp/` and made safe there; putting them in their place is `pipeline/landing.py`'s.
"""

import base64
import contextlib
import hashlib
import os
import shutil
import threading
from collections.abc import Iterable, Sequence
from pathlib import Path

import duckdb
import orjson
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from pipeline import codec, declaration, engine
from pipeline.disk import make_folder, sync_folder
from pipeline.errors import Inconsistent, Newer, Store
from schemas.arrow import file_schema
from schemas.columns import Column, Kind, Table
from schemas.work import Owner, Place, SliceFile, SliceRecord, Written

FORMAT = 1
FOOTER = b"insights"
ARROW_SCHEMA = "ARROW:schema"
MARKER = "_insights.json"
TEMPORARY = ".tmp"
ASIDE = ".aside"
"""Where files lie that were found in the lake and belong to no slice: never read, never deleted."""
QUARANTINE = "_quarantine"
SPILL_ROWS = 100_000
"""Rows a table of one slice may hold in memory before they are written as a row group."""
_MANY_ROWS = 10_000
"""Rows from which on it is worth to look how often texts repeat."""


class Lake:
    """One folder of Parquet files. All paths that leave this room are relative to it."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._names = 0
        self._guard = threading.Lock()

    def open(self, ledger_id: str, *, rehearsal: bool = False) -> None:
        """Makes the folder ours, or refuses it; `rehearsal`: whether the ledger was born under `--now`.

        Raises:
            Store: As `refuse_foreign`.
        """
        self.refuse_foreign(ledger_id)
        make_folder(self.root / TEMPORARY)
        if not (self.root / MARKER).exists():
            self.mark(ledger_id, rehearsal=rehearsal)

    def mark(self, ledger_id: str, *, rehearsal: bool) -> None:
        """Makes the folder this ledger's, whosever it was."""
        make_folder(self.root / TEMPORARY)
        data = {"format": FORMAT, "ledger": ledger_id, "rehearsal": rehearsal}
        self._write_safely(self.root / MARKER, orjson.dumps(data))

    def rehearsal(self) -> bool | None:
        """Whether the lake was born under `--now`; None where its mark is not there or cannot be read.

        Raises:
            Store: It was written by a newer version.
        """
        try:
            mark = orjson.loads((self.root / MARKER).read_bytes())
            version, told = int(mark["format"]), mark.get("rehearsal")
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            return None
        self._refuse_newer(version)
        return None if told is None else bool(told)

    def refuse_foreign(self, ledger_id: str | None) -> None:
        """Refuses a folder that is not this ledger's lake, None being a ledger that is not born; changes nothing.

        Raises:
            Store: The folder holds something else, or was written by a newer version or for another ledger.
        """
        marker = self.root / MARKER
        if marker.exists():
            self._refuse_other(marker, ledger_id or "")
        elif self.root.exists() and not self._is_unborn():
            raise Store(f"lake {self.root}: this folder holds something else; set [storage] lake to one of its own")

    def _is_unborn(self) -> bool:
        """Whether there is nothing but what a process killed while it made the lake leaves behind."""
        temporary = self.root / TEMPORARY
        return _names_in(self.root) <= {TEMPORARY} and (not temporary.exists() or _names_in(temporary) <= {MARKER})

    def _refuse_other(self, marker: Path, ledger_id: str) -> None:
        try:
            mark = orjson.loads(marker.read_bytes())
            version, owner = int(mark["format"]), str(mark["ledger"])
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise Store(
                f"lake {marker}: cannot be read ({error}); restore it from a copy of the lake, or run "
                "`insights rebuild --ledger`"
            ) from error
        self._refuse_newer(version)
        if owner != ledger_id:
            rebuild = "insights rebuild --ledger" if ledger_id else "insights rebuild"
            raise Store(
                f"lake {self.root}: it belongs to another ledger ({owner[:8]}, not {ledger_id[:8] or 'a new one'}); "
                f"point [storage] state and lake at the same store, or run `{rebuild}`"
            )

    def _refuse_newer(self, version: int) -> None:
        if version > FORMAT:
            raise Newer(f"lake {self.root}: format {version} is newer than this program's {FORMAT}; upgrade insights")

    def temporary(self, suffix: str = ".parquet") -> str:
        """A new name for a temporary file."""
        with self._guard:
            self._names += 1
            return f"{TEMPORARY}/{os.getpid()}-{self._names}{suffix}"

    def sweep(self) -> None:
        """Deletes temporary files that nothing waits for any more."""
        for entry in (self.root / TEMPORARY).iterdir():
            if entry.is_dir() and not entry.is_symlink():
                shutil.rmtree(entry)
            else:
                entry.unlink()

    def save_schema(self, table: Table, owner: Owner) -> None:
        """Keeps the whole present schema beside the table's files, for readers of files that lack a column."""
        path = self.root / table.name / declaration.NAME
        data = declaration.declared(table, owner)
        if not path.exists() or path.read_bytes() != data:
            make_folder(path.parent)
            self._write_safely(path, data)

    def _write_safely(self, path: Path, data: bytes) -> None:
        """Replaces a small file whole, or not at all; what a kill leaves of it lies where it is swept away."""
        temporary = self.root / TEMPORARY / path.name
        with temporary.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
        sync_folder(path.parent)

    def holds(self, file: SliceFile, record: SliceRecord) -> bool:
        """Whether the file in its place is this very one, of this very reading; an unreadable one is not."""
        try:
            found = orjson.loads(pq.read_metadata(self.root / file.path).metadata[FOOTER])
            return bool((found["slice"], found["fingerprint"]) == (codec.record_data(record), file.fingerprint))
        except (OSError, ValueError, KeyError, TypeError):
            return False

    def record_in(self, file: SliceFile) -> SliceRecord | None:
        """The slice as it was when the file landed, by the file's footer; None where there is none to be read."""
        try:
            return codec.read_record(orjson.loads(pq.read_metadata(self.root / file.path).metadata[FOOTER])["slice"])
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def lose(self, paths: Iterable[str]) -> None:
        """Removes files, and folders with all that they hold; what is gone already is no fault."""
        for path in (self.root / relative for relative in paths):
            if path.is_dir():
                shutil.rmtree(path)
            else:
                path.unlink(missing_ok=True)

    def put_in_place(self, files: Iterable[Written]) -> None:
        """Renames temporary files into their places, and makes the names safe."""
        for written in files:
            target = self.root / written.file.path
            make_folder(target.parent)
            (self.root / written.temporary).replace(target)
            sync_folder(target.parent)

    def aside(self, folder: str) -> Path:
        """Where `set_aside` puts files on an occasion."""
        return self.root / ASIDE / folder

    def set_aside(self, folder: str, paths: Iterable[str]) -> None:
        """Moves files to where nobody reads them, under a folder of this occasion; what is gone already is no fault."""
        for relative in paths:
            source, target = self.root / relative, self.aside(folder) / relative
            if source.exists():
                make_folder(target.parent)
                source.replace(target)
                sync_folder(target.parent)
                sync_folder(source.parent)


def path_of(table: str, place: Place) -> str:
    """Where a slice's file of `table` lies, relative to the lake: it follows from identity alone."""
    return f"{table}/{place.folder}/{place.stem}.parquet"


def quarantine_path(table: str, place: Place) -> str:
    """Where a slice's quarantine lies, `table` being the slice's."""
    return f"{QUARANTINE}/{path_of(table, place)}"


def _names_in(folder: Path) -> set[str]:
    return {entry.name for entry in folder.iterdir()} if folder.is_dir() else {folder.name}


class TableWriter:
    """The rows of one table of one slice: held in memory while few, written through to a temporary file when many.

    A re-read that finds the same rows is thereby recognised before anything is written.
    """

    def __init__(self, lake: Lake, table: Table, path: str, spill_rows: int, *, check_key: bool) -> None:
        self.table = table
        self.path = path
        self.rows = 0
        self._lake = lake
        self._spill_rows = spill_rows
        self._schema = file_schema(table)
        self._form: pa.Schema | None = None
        self._held: list[pa.RecordBatch] = []
        self._held_rows = 0
        self._sums = Fingerprint(table)
        self._keys = [name for name in table.key if name not in table.partition] if check_key else []
        self._key_batches: list[pa.Table] = []
        self._temporary: str | None = None
        self._writer: pq.ParquetWriter | None = None

    def write(self, rows: pa.Table) -> None:
        """Takes rows in the table's file schema; texts may be dictionaries, and past columns may be missing."""
        if not rows.num_rows:
            return
        rows = self._alike(self._whole(rows))
        self.rows += rows.num_rows
        self._sums.add(rows)
        if self._keys:
            self._key_batches.append(rows.select(self._keys))
        self._held.extend(rows.to_batches())
        self._held_rows += rows.num_rows
        if self._held_rows >= self._spill_rows:
            self._spill()

    def close(self, place_of_key: str) -> SliceFile:
        """No more rows come: checks the key and says what the file will be.

        Raises:
            Inconsistent: Two rows have the same key.
        """
        if self._keys:
            self._check_keys(place_of_key)
        return SliceFile(self.table.name, self.path, self.rows, self._sums.text)

    def save(self, file: SliceFile, record: SliceRecord, place: Place, tables: Sequence[str] = ()) -> Written:
        """Writes what is still held, with the footer, and makes the temporary file safe.

        `tables` are those of all the files that land together: by them a lake without a ledger knows what it lacks.
        """
        self._spill()
        if self._writer is None or self._temporary is None:
            raise AssertionError("a spill always opens the file")
        self._writer.add_key_value_metadata(
            {FOOTER.decode(): footer_text(record, file, place, tables), ARROW_SCHEMA: self._declared}
        )
        self._writer.close()
        with (self._lake.root / self._temporary).open("rb") as handle:
            os.fsync(handle.fileno())
        return Written(file, self._temporary)

    def discard(self) -> None:
        """Forgets the rows and what was already written of them."""
        if self._writer is not None:
            with contextlib.suppress(OSError, ValueError):  # the disk that refused the rows refuses the footer too
                self._writer.close()
        if self._temporary is not None:
            (self._lake.root / self._temporary).unlink(missing_ok=True)
        self._held.clear()
        self._key_batches.clear()

    def _whole(self, rows: pa.Table) -> pa.Table:
        """The rows with every column that the table ever had: one that is no longer asked for is NULL from now on."""
        if rows.column_names == self._schema.names:
            return rows
        there = set(rows.column_names)
        columns = [
            rows.column(field.name) if field.name in there else pa.nulls(rows.num_rows, field.type)
            for field in self._schema
        ]
        return pa.table(columns, names=self._schema.names)

    def _alike(self, rows: pa.Table) -> pa.Table:
        """Rows as the first were: texts that once were dictionaries are so in the whole file."""
        self._form = self._form or rows.schema
        return rows if rows.schema == self._form else rows.cast(self._form)

    def _spill(self) -> None:
        rows = pa.Table.from_batches(self._held) if self._held else self._schema.empty_table()
        if self._writer is None:
            self._temporary = self._lake.temporary()
            self._writer = pq.ParquetWriter(
                self._lake.root / self._temporary,
                rows.schema,
                compression="zstd",
                use_dictionary=_repeating(rows),
                write_statistics=_comparable(rows),
                store_schema=False,
            )
        if rows.num_rows:
            self._writer.write_table(rows.unify_dictionaries())
        self._held.clear()
        self._held_rows = 0

    @property
    def _declared(self) -> str:
        """What readers of Arrow see: the table as declared, whether or not its texts were dictionaries to us."""
        return base64.b64encode(self._schema.serialize()).decode()

    def _check_keys(self, slice_name: str) -> None:
        """Keys of different hashes are different; only where two hashes meet are the keys themselves compared."""
        keys = pa.concat_tables(self._key_batches) if self._key_batches else None
        self._key_batches.clear()
        if keys is None:
            return
        names = ", ".join(f'"{name}"' for name in self._keys)
        alike = f"SELECT count(DISTINCT hash({names})) < count(*) FROM keys"  # noqa: S608 - declared names
        if engine.ask(alike, keys=keys) == [(False,)]:
            return
        twice = engine.ask(
            f"SELECT {names}, count(*) FROM keys GROUP BY ALL HAVING count(*) > 1 LIMIT 1",  # noqa: S608 - declared names
            keys=keys,
        )
        if twice:
            key = dict(zip(self._keys, twice[0], strict=False))
            raise Inconsistent(f"{self.table.name} {slice_name}: the answer holds one key twice: {key}")


def _repeating(rows: pa.Table) -> bool | list[str]:
    """The columns that a dictionary serves: ids that hardly repeat are larger with one, and take half as long again."""
    if rows.num_rows < _MANY_ROWS:
        return True
    unique = {
        name for name in rows.column_names if rows.column(name).type == pa.string() and _differ(rows.column(name))
    }
    return [name for name in rows.column_names if name not in unique] if unique else True


def _comparable(rows: pa.Table) -> bool | list[str]:
    """The columns that get statistics: the least and greatest of many texts tell little, for a third of the time."""
    texts = (pa.types.is_string, pa.types.is_dictionary)
    return rows.num_rows < _MANY_ROWS or [f.name for f in rows.schema if not any(is_text(f.type) for is_text in texts)]


def _differ(texts: pa.ChunkedArray) -> bool:
    return bool(pc.count_distinct(texts).as_py() * 2 > len(texts) - texts.null_count)


class Fingerprint:
    """What the rows of one file add up to: the same for the same rows in any order, `fetched_at` and `run_id` aside.

    Two sums, of 64-bit row hashes and of their hashes; stamped with the engine's version, because its hash may change.
    """

    def __init__(self, table: Table) -> None:
        self._columns = tuple(table.without_origin())
        self._names = [column.name for column in self._columns]
        self._rows = 0
        self._sums = [0, 0]

    def add(self, rows: pa.Table) -> None:
        """Adds rows; their order and their division into calls do not matter."""
        columns = ", ".join(map(_hashed, self._columns))
        statement = f"SELECT sum(h)::VARCHAR, sum(hash(h))::VARCHAR FROM (SELECT hash({columns}) AS h FROM rows)"  # noqa: S608 - declared names
        found = engine.ask(statement, rows=rows.select(self._names))[0]
        if found[0] is None:
            return
        self._rows += rows.num_rows
        self._sums = [(old + int(str(new))) % 2**96 for old, new in zip(self._sums, found, strict=True)]

    @property
    def text(self) -> str:
        """The fingerprint as the ledger and footers keep it."""
        names = hashlib.sha256(",".join(self._names).encode()).hexdigest()[:8]
        return f"duckdb-{duckdb.__version__}:{self._rows}:{self._sums[0]:x}:{self._sums[1]:x}:{names}"


def _hashed(column: Column) -> str:
    """A column as it is hashed. Lists go as text: as lists [], [NULL] and NULL hash alike, as do [0] and [0, 0]."""
    return f'"{column.name}"::VARCHAR' if column.kind is Kind.NUMBERS else f'"{column.name}"'


def footer_text(record: SliceRecord, file: SliceFile, place: Place, tables: Sequence[str]) -> str:
    """The footer: the lake alone rebuilds the warehouse, the slices and the quarantine."""
    data = {"format": FORMAT, "slice": codec.record_data(record), "place": codec.place_data(place), "tables": tables}
    return orjson.dumps({**data, "file_table": file.table, "rows": file.rows, "fingerprint": file.fingerprint}).decode()


def same_rows(old: Iterable[SliceFile], new: Sequence[SliceFile]) -> bool:
    """Whether a re-read found what lies in the lake already, over all the slice's tables."""
    before = {file.path: (file.rows, file.fingerprint) for file in old}
    return before == {file.path: (file.rows, file.fingerprint) for file in new}
