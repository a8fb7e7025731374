"""Owns the DuckDB file that analysts query: how landed slices become visible. The only module that writes it.

A published file is never written in place. A publication is a copy of the last one, if nobody but us wrote that, plus
the slices landed since; otherwise the file is built whole from the lake. It takes the old one's place in one rename.
"""

import contextlib
import errno
import fcntl
import os
import random
import shutil
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import duckdb
import pyarrow as pa

from pipeline import identity
from pipeline import sql_text as sql
from pipeline.disk import make_folder, sync_folder
from pipeline.errors import Store, Unpublished
from pipeline.lake import QUARANTINE, Lake
from pipeline.landing import finish
from pipeline.ledger import Ledger
from schemas.columns import Column, Table
from schemas.events import Say
from schemas.meta import PUBLICATION
from schemas.view import LandedViews, View
from schemas.work import Place, SliceFile, SliceId

FORMAT = 1
STORAGE_VERSION = "v1.5.0"
"""With this version DuckDB refuses the WAL of a file of another identity (`pipeline/identity.py`)."""
LOGS = (".wal", ".wal.checkpoint", ".wal.recovery")
"""What DuckDB keeps beside a file that it writes to."""
SPARE_BYTES = 64 * 2**20
_FICLONE = 0x40049409
_QUARANTINED = pa.schema({"table_name": pa.string(), "scope": pa.string(), "slice_start": pa.timestamp("us")})


@dataclass(frozen=True, slots=True)
class Published:
    """What a publication did: the landing number it holds, how many slices it applied, and why it was built whole."""

    number: int
    slices: int
    whole_because: str = ""


@dataclass(frozen=True, slots=True)
class Extras:
    """What a publication holds besides landed slices: rows of `meta.*`, views, and its own moment."""

    meta: Mapping[str, tuple[Table, pa.Table]]
    views: Sequence[View | LandedViews]
    now: datetime


class Warehouse:
    """The published file at `path`, and how it is replaced."""

    def __init__(self, path: Path, lake: Lake, ledger: Ledger, say: Say) -> None:
        self.path = Path(os.path.realpath(path))  # of a symlink, what it points to is replaced
        self._named = path
        self._lake = lake
        self._ledger = ledger
        self._say = say

    def refuse_foreign(self) -> None:
        """Refuses to replace a file that is not a warehouse of ours, or that a newer program wrote.

        Raises:
            Store: As said.
        """
        refuse_foreign(self.path, [inode for inode, _, _ in self._ledger.publications()])

    def publish(
        self, meta: Mapping[str, tuple[Table, pa.Table]], now: datetime, views: Sequence[View | LandedViews] = ()
    ) -> Published:
        """Makes everything that has landed visible, with `meta`: rows of the `meta.*` tables by table name.

        `views` are made anew, each where all that it needs is there.

        Nothing may be landing meanwhile. What an error of the disk left half landed is finished first: until then two
        readings of a slice may lie side by side in the lake.

        Raises:
            Unpublished: The new file could not be written; the old one stays.
        """
        temporary = self.path.with_name(f".{self.path.name}.new")
        try:
            finish(self._ledger, self._lake, self._say)
            _remove(temporary)
            make_folder(self.path.parent)
            done = self._build(temporary, Extras(meta, views, now))
            self._replace(temporary)
        except (duckdb.Error, OSError, Store) as error:
            with contextlib.suppress(OSError):
                _remove(temporary)
            raise Unpublished(
                f"warehouse {self.path}: not published ({error}); the slices are landed, mend the cause and run "
                "`insights publish`"
            ) from error
        self._say("publish.done", number=done.number, slices=done.slices, whole_because=done.whole_because)
        return done

    # ---- building the new file ----

    def _build(self, temporary: Path, extras: Extras) -> Published:
        if self.path.exists():
            _need_space(self.path.parent, self.path.stat().st_size)
        whole_because = self._copy_last(temporary)
        done = None
        if not whole_because:
            try:
                done = self._apply(temporary, extras, "")
            except duckdb.Error as error:  # damaged where nobody looked before; what else is wrong meets us again below
                whole_because = f"a copy of it cannot be used ({error})"
        if done is None:
            whole_because = whole_because or "it did not fit the ledger"
            _remove(temporary)
            done = self._apply(temporary, extras, whole_because)
        if done is None:
            raise AssertionError("a file built whole always fits")
        return done

    def _copy_last(self, temporary: Path) -> str:
        """Copies the last publication, or says why it may not be copied."""
        if not self.path.exists():
            return "there was none"
        if not self._is_ours():
            self.refuse_foreign()
            known = self._ledger.publications()
            return "somebody else wrote into it" if known else "something was dropped, or the ledger is a new one"
        _copy(self.path, temporary)
        self._say("publish.copied")
        if not self._is_ours():
            return "somebody else wrote into it while it was copied"
        temporary.chmod(0o644)
        return "" if identity.renew(temporary) else "its header is not one that we know"

    def _is_ours(self) -> bool:
        """Whether the published file is, to the inode, size and mtime, what we published."""
        return look(self.path) in self._ledger.publications()

    def _apply(self, temporary: Path, extras: Extras, whole_because: str) -> Published | None:
        """Applies what landed since, in one transaction; None if the copy turns out not to fit the ledger."""
        if whole_because and self.path.exists():
            self._say("publish.whole", because=whole_because)
        with _opened(temporary) as connection:
            after = 0 if whole_because else _number_in(connection, self._ledger.id)
            if after is None or after > self._ledger.last_landing:
                return None
            number = self._ledger.last_landing
            landed = self._ledger.landed_after(after)
            self._say("publish.begun", after=after, slices=len(landed))
            connection.execute("BEGIN")
            _drop_views(connection)
            _shape_tables(connection, self._ledger.tables())
            _apply_slices(connection, self._lake.root, landed, _by_report(self._ledger.tables()), fresh=after == 0)
            _write_meta(connection, extras.meta)
            _make_views(connection, extras.views)
            _sign(connection, self._ledger.id, number, extras.now)
            connection.execute("COMMIT")
            connection.execute("CHECKPOINT")
        self._say("publish.built", number=number)
        return Published(number, len(landed), whole_because)

    # ---- putting it in place ----

    def _replace(self, temporary: Path) -> None:
        """Makes the new file safe, tells the ledger what it will look like, and renames it over the old one."""
        with temporary.open("rb") as handle:
            os.fsync(handle.fileno())
        temporary.chmod(0o444)
        stamp = temporary.stat().st_mtime_ns - random.randrange(1, 1_000_000)  # noqa: S311 - no later write has this mtime
        os.utime(temporary, ns=(stamp, stamp))
        seen = look(temporary)
        self._ledger.expect_publication(*seen)
        self._unlink_strangers_log()
        self._say("publish.replacing")
        temporary.replace(self.path)
        sync_folder(self.path.parent)
        self._unlink_strangers_log()
        self._say("publish.replaced")
        self._ledger.only_publication(*seen)

    def _unlink_strangers_log(self) -> None:
        """A `.wal` beside the file is never ours: with it no reader could open the new file."""
        for path in {self.path, self._named}:
            for log in (path.with_name(f"{path.name}{suffix}") for suffix in LOGS):
                if log.exists():
                    log.unlink(missing_ok=True)
                    self._say("publish.strangers_log_removed", path=str(log))


def refuse_foreign(path: Path, inodes: Collection[int] = ()) -> None:
    """Refuses a file at the warehouse's place that may be somebody's own. `inodes`: those of what was published.

    A file that cannot be read is replaced only if it is one that we published, into which somebody wrote or is just
    writing; any other may be a database that is in use, encrypted or of a newer DuckDB.

    Raises:
        Store: As said.
    """
    if not path.exists():
        return
    found = _what_is(path)
    if found == "newer":
        raise Store(f"warehouse {path}: written by a newer insights; upgrade this one")
    if found == "foreign":
        raise Store(f"warehouse {path}: this file is not ours; set [storage] warehouse to another name")
    if found == "unreadable" and look(path)[0] not in inodes:
        raise Store(
            f"warehouse {path}: cannot be read, and this store did not publish it; close it where it is open, move it "
            "away, or set [storage] warehouse to another name"
        )


def unreadable(path: Path) -> bool:
    """Whether DuckDB cannot open what lies there: damaged, encrypted, of a newer DuckDB, or open for writing."""
    return _what_is(path) == "unreadable"


def look(path: Path) -> tuple[int, int, int]:
    """Inode, size and mtime; zeros where there is no file."""
    try:
        found = path.stat()
    except FileNotFoundError:
        return (0, 0, 0)
    return (found.st_ino, found.st_size, found.st_mtime_ns)


def _remove(temporary: Path) -> None:
    for suffix in ("", *LOGS):
        temporary.with_name(f"{temporary.name}{suffix}").unlink(missing_ok=True)
    shutil.rmtree(_spilling(temporary), ignore_errors=True)


def _spilling(temporary: Path) -> Path:
    """Where DuckDB puts what does not fit into memory while it builds; its own choice is the user's folder."""
    return temporary.with_name(f"{temporary.name}.tmp")


def _need_space(folder: Path, size: int) -> None:
    free = shutil.disk_usage(folder).free
    if free < size + SPARE_BYTES:
        raise OSError(
            errno.ENOSPC, f"{free:,} bytes free, {size + SPARE_BYTES:,} needed for one more copy", str(folder)
        )


def _copy(source: Path, target: Path) -> None:
    """Copies by reflink where the file system can, byte by byte where it cannot."""
    with source.open("rb") as read, target.open("wb") as write:
        try:
            fcntl.ioctl(write.fileno(), _FICLONE, read.fileno())
        except OSError:
            shutil.copyfileobj(read, write, 2**22)


@contextlib.contextmanager
def _opened(path: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """A connection whose default catalog is the file at `path`, created if absent."""
    with duckdb.connect(config={"threads": 2, "temp_directory": str(_spilling(path))}) as connection:
        connection.execute(f"ATTACH {sql.text(str(path))} AS warehouse (STORAGE_VERSION '{STORAGE_VERSION}')")
        connection.execute("USE warehouse")
        yield connection
        connection.execute("USE memory")
        connection.execute("DETACH warehouse")


def _what_is(path: Path) -> str:
    """What lies at `path`: `ours`, `newer`, `foreign`, `empty` or `unreadable`."""
    if path.is_file() and not path.stat().st_size:
        return "empty"
    try:
        with duckdb.connect(str(path), read_only=True) as connection:
            found = connection.execute("SELECT max(format_version) FROM meta.publication").fetchone()
    except (duckdb.CatalogException, duckdb.BinderException):
        return "foreign"
    except duckdb.Error:
        return "unreadable"
    return "newer" if found and found[0] and found[0] > FORMAT else "ours"


def _number_in(connection: duckdb.DuckDBPyConnection, ledger_id: str) -> int | None:
    """The landing number that a copied file holds; None if it belongs to another life of the ledger."""
    try:
        rows = connection.execute("SELECT ledger_id, landing_number FROM meta.publication").fetchall()
    except duckdb.CatalogException:
        return None
    return int(rows[0][1]) if len(rows) == 1 and rows[0][0] == ledger_id else None


def _by_report(tables: Iterable[tuple[str, Table]]) -> dict[str, list[Table]]:
    found: dict[str, list[Table]] = {}
    for report, table in tables:
        found.setdefault(report, []).append(table)
    return found


def _shape_tables(connection: duckdb.DuckDBPyConnection, tables: Sequence[tuple[str, Table]]) -> None:
    """Creates the tables and columns that are new, and drops the tables that the ledger no longer knows."""
    connection.execute("CREATE SCHEMA IF NOT EXISTS meta")
    for statement in sql.create_quarantine():
        connection.execute(statement)
    wanted = {table.name: table for _, table in tables}
    present = sql.columns_of(connection, "main")
    for name in present.keys() - wanted.keys():
        connection.execute(f"DROP TABLE {sql.name(name)}")
    for name, table in wanted.items():
        if name not in present:
            for statement in sql.create(table):
                connection.execute(statement)
            continue
        for column in table.columns:
            if column.name not in present[name]:
                _add_column(connection, table, column)


def _add_column(connection: duckdb.DuckDBPyConnection, table: Table, column: Column) -> None:
    connection.execute(f"ALTER TABLE {sql.name(table.name)} ADD COLUMN {sql.column(column)}")
    connection.execute(sql.comment_on_column(sql.name(table.name), column))


def _apply_slices(
    connection: duckdb.DuckDBPyConnection,
    lake: Path,
    landed: Sequence[tuple[SliceId, Place, tuple[SliceFile, ...]]],
    tables: Mapping[str, Sequence[Table]],
    *,
    fresh: bool,
) -> None:
    """Replaces the rows of each slice, in all tables of its report, by those of its files."""
    if not fresh:
        for report, owned in tables.items():
            for alike in _by_shape((s, place) for s, place, _ in landed if s.table == report):
                _remove_slices(connection, alike, owned)
    for report, table in ((report, table) for report, owned in tables.items() for table in owned):
        paths = _paths(lake, landed, report, table.name)
        if paths:
            connection.execute(sql.insert_files(table), [paths])
    aside = [str(lake / f.path) for _, _, files in landed for f in files if f.path.startswith(f"{QUARANTINE}/")]
    if aside:
        connection.execute(sql.insert_quarantine(), [aside])


def _by_shape(slices: Iterable[tuple[SliceId, Place]]) -> Iterable[list[tuple[SliceId, Place]]]:
    found: dict[tuple[object, ...], list[tuple[SliceId, Place]]] = {}
    for slice_id, place in slices:
        found.setdefault(place.shape, []).append((slice_id, place))
    return found.values()


def _remove_slices(
    connection: duckdb.DuckDBPyConnection, slices: Sequence[tuple[SliceId, Place]], tables: Sequence[Table]
) -> None:
    """Removes the rows of some slices of one report, which all lie alike, and what was set aside of them."""
    if not slices:
        return
    with registered(connection, gone_places(place for _, place in slices)):
        for table in tables:
            connection.execute(sql.delete_slices(table, slices[0][1]))
    with registered(connection, gone_quarantine((s, table) for s, _ in slices for table in tables)):
        connection.execute(sql.delete_quarantine())


def gone_places(places: Iterable[Place]) -> pa.Table:
    """The relation `gone` by which the rows of slices are known that all lie alike."""
    rows = []
    for place in places:
        days = dict(zip(("slice_start", "slice_end"), place.within[1:], strict=True)) if place.within else {}
        rows.append({**dict(place.folders), **dict(place.where), **days})
    return pa.Table.from_pylist(rows)


def gone_quarantine(found: Iterable[tuple[SliceId, Table]]) -> pa.Table:
    """The relation `gone` by which what was set aside of slices is known."""
    rows = [{"table_name": t.name, "scope": s.scope, "slice_start": s.start} for s, t in found]
    return pa.Table.from_pylist(rows, _QUARANTINED)


@contextlib.contextmanager
def registered(connection: duckdb.DuckDBPyConnection, gone: pa.Table) -> Iterator[None]:
    """Has the relation `gone` for as long as it is needed."""
    connection.register("gone", gone)
    try:
        yield
    finally:
        connection.unregister("gone")


def _paths(
    lake: Path, landed: Sequence[tuple[SliceId, Place, tuple[SliceFile, ...]]], report: str, table: str
) -> list[str]:
    return [
        str(lake / file.path)
        for slice_id, _, files in landed
        if slice_id.table == report
        for file in files
        if file.table == table and file.rows
    ]


def _write_meta(connection: duckdb.DuckDBPyConnection, meta: Mapping[str, tuple[Table, pa.Table]]) -> None:
    """Writes the `meta.*` tables anew; `meta.quarantine` is kept slice by slice instead."""
    for table, rows in meta.values():
        connection.execute(f"DROP TABLE IF EXISTS meta.{sql.name(table.name)}")
        for statement in sql.create(table, schema="meta"):
            connection.execute(statement)
        connection.register("rows_of_meta", rows)
        connection.execute(f"INSERT INTO meta.{sql.name(table.name)} BY NAME SELECT * FROM rows_of_meta")  # noqa: S608 - declared name
        connection.unregister("rows_of_meta")


def _drop_views(connection: duckdb.DuckDBPyConnection) -> None:
    for schema, name in connection.execute(
        "SELECT schema_name, view_name FROM duckdb_views() WHERE database_name = current_database() AND NOT internal"
    ).fetchall():
        connection.execute(f"DROP VIEW {sql.name(schema)}.{sql.name(name)}")


def _make_views(connection: duckdb.DuckDBPyConnection, views: Iterable[View | LandedViews]) -> None:
    tables = sql.columns_of(connection, "main")
    there = {*tables, *(f"{table}.{column}" for table, columns in tables.items() for column in columns)}
    made: set[str] = set()
    for declared in (one for one in views if there.issuperset(one.needs)):
        found = [declared] if isinstance(declared, View) else declared.make(connection.execute(declared.ask).fetchall())
        for view in (one for one in found if one.name not in made):
            made.add(view.name)
            for statement in sql.create_view(view):
                connection.execute(statement)


def _sign(connection: duckdb.DuckDBPyConnection, ledger_id: str, number: int, now: datetime) -> None:
    connection.execute(f"DROP TABLE IF EXISTS meta.{PUBLICATION.name}")
    for statement in sql.create(PUBLICATION, schema="meta"):
        connection.execute(statement)
    connection.execute(
        "INSERT INTO meta.publication (ledger_id, landing_number, published_at, format_version) VALUES (?, ?, ?, ?)",
        [ledger_id, number, now, FORMAT],
    )
