"""Owns the comparison of warehouse, lake and ledger: the published file holds the lake's rows, each once, no others.

A writer may be at work. The file is opened once and is of one publication, whatever takes its place meanwhile. Slices
that landed after it, or are landing, are left out on both sides; where a comparison fails, it is made again without
those that landed during it.
"""

import contextlib
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import duckdb

from pipeline import sql_text as sql
from pipeline.findings import Findings, Wrong
from pipeline.ledger import Ledger
from pipeline.snapshot import Snapshot, taken
from pipeline.warehouse import gone_places, gone_quarantine, look, registered
from schemas.columns import Table
from schemas.meta import QUARANTINE
from schemas.work import SliceId

ROW_BY_ROW = 200_000
"""Rows up to which a table is compared row by row; a bigger one by its count and two sums of row hashes."""
PUBLISH = "run `insights publish`"
REBUILD = "run `insights rebuild`"
LOOKS = 20
LOOK_AGAIN_SECONDS = 0.05
_SLICES = (
    "SELECT table_name, scope, slice_start, slice_end, time_zone, state, rows, as_of, fetched_at, run_id, reason "
    "FROM meta.slices"
)


@dataclass(slots=True)
class _Opened:
    """The published file as it was opened, and what the ledger knew then. `apart`: slices that are not compared."""

    connection: duckdb.DuckDBPyConnection
    ledger: Ledger
    lake: Path
    then: Snapshot
    number: int
    apart: set[SliceId] = field(default_factory=set)

    def moved(self) -> bool:
        """Leaves out what has landed since, or is landing; whether there is anything more to leave out."""
        now, before = taken(self.ledger), len(self.apart)
        self.apart |= {
            slice_id
            for slice_id in self.then.numbers.keys() | now.numbers.keys() | now.landing
            if not now.is_settled(slice_id, self.then) or self.then.numbers.get(slice_id, 0) > self.number
        }
        return len(self.apart) > before


def verify_warehouse(ledger: Ledger, lake: Path, path: Path, found: Findings, *, quiet: bool) -> None:
    """Whatever is wrong with the published file; not `quiet`: a writer is at work, and may not have published yet."""
    if not path.exists():
        if taken(ledger).last_landing and quiet:
            found.wrong.append(Wrong("warehouse", str(path), "it is not there", PUBLISH))
        return
    ours = _is_ours(ledger, path)
    with contextlib.ExitStack() as stack:
        try:
            connection = stack.enter_context(_connected(path))
            published = connection.execute("SELECT ledger_id, landing_number FROM meta.publication").fetchall()
        except duckdb.Error as error:
            found.wrong.append(Wrong("warehouse", str(path), f"it cannot be opened ({error})", REBUILD))
            return
        if [row[0] for row in published] != [ledger.id]:
            _unless_written(found, quiet, Wrong("warehouse", str(path), "it is of another ledger", PUBLISH))
            return
        if not ours:
            problem = "it is not as it was published: somebody wrote into it, it was restored, or something was dropped"
            _unless_written(found, quiet, Wrong("warehouse", str(path), problem, PUBLISH))
            if not quiet or not ledger.publications():
                return
        opened = _Opened(connection, ledger, lake, taken(ledger), int(published[0][1]))
        opened.moved()
        _compare(opened, found, quiet=quiet)


def _unless_written(found: Findings, quiet: bool, wrong: Wrong) -> None:  # noqa: FBT001 - the question itself
    """While a writer is at work the next publication may put it right: then it is noted, and not judged."""
    if quiet:
        found.wrong.append(wrong)
    else:
        found.notes.append(f"{wrong.room} {wrong.place}: {wrong.problem}; a writer is at work, so it is not judged")


def _is_ours(ledger: Ledger, path: Path) -> bool:
    """Whether the file is what was published; one that is just being replaced is looked at again."""
    for _ in range(LOOKS):
        if look(path) in ledger.publications():
            return True
        time.sleep(LOOK_AGAIN_SECONDS)
    return False


@contextlib.contextmanager
def _connected(path: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """The published file, read only; what does not fit into memory goes to a folder that is thrown away."""
    with (
        tempfile.TemporaryDirectory(prefix="insights-verify-") as folder,
        duckdb.connect(str(path), read_only=True, config={"threads": 2, "temp_directory": folder}) as connection,
    ):
        yield connection


def _compare(opened: _Opened, found: Findings, *, quiet: bool) -> None:
    then = opened.then
    late = sum(number > opened.number for number in then.numbers.values())
    if late:
        problem = f"{late} slices have landed and are not published"
        _unless_written(found, quiet, Wrong("warehouse", "meta.publication", problem, PUBLISH))
    there = sql.columns_of(opened.connection, "main")
    for report, table in then.tables:
        if not set(table.names) <= there.get(table.name, set()):
            problem = "the table, or a column of it, is not there"
            _unless_written(found, quiet, Wrong("warehouse", table.name, problem, PUBLISH))
            continue
        _table(opened, report, table, found)
        _keys(opened, table, found)
    known = {table.name for _, table in then.tables}
    for name in sorted(_tables(opened.connection) - known):
        wrong = Wrong("warehouse", name, "the ledger knows no such table", PUBLISH)
        _unless_written(found, quiet, wrong)
    _quarantine(opened, found)
    _slices(opened, found, quiet=quiet)


def _tables(connection: duckdb.DuckDBPyConnection) -> set[str]:
    rows = connection.execute(
        "SELECT table_name FROM duckdb_tables() WHERE database_name = current_database() AND schema_name = 'main'"
    ).fetchall()
    return {name for (name,) in rows}


# ---- rows ----


def _table(opened: _Opened, report: str, table: Table, found: Findings) -> None:
    """The rows of one table, in the warehouse and in the files that it was made of."""
    while True:
        places = [opened.then.places[s] for s in opened.apart if s.table == report and s in opened.then.places]
        published = sql.rows_apart(table, places[0] if places else None)
        with registered(opened.connection, gone_places(places)) if places else contextlib.nullcontext():
            problem, how = _difference(opened, published, table, _files(opened, table.name))
        if not problem or not opened.moved():
            break
    found.compared[table.name] = how
    if problem:
        found.wrong.append(Wrong("warehouse", table.name, problem, REBUILD))


def _quarantine(opened: _Opened, found: Findings) -> None:
    """The rows of `meta.quarantine`."""
    owned = opened.then.tables
    while True:
        gone = gone_quarantine((s, table) for s in opened.apart for report, table in owned if report == s.table)
        with registered(opened.connection, gone):
            files = _files(opened, QUARANTINE.name)
            problem, how = _difference(opened, sql.quarantine_apart(), QUARANTINE, files)
        if not problem or not opened.moved():
            break
    found.compared["meta.quarantine"] = how
    if problem:
        found.wrong.append(Wrong("warehouse", "meta.quarantine", problem, REBUILD))


def _files(opened: _Opened, table: str) -> list[str]:
    return [
        str(opened.lake / file.path)
        for slice_id, file in opened.then.files.values()
        if file.table == table and file.rows and slice_id not in opened.apart
    ]


def _difference(opened: _Opened, published: str, table: Table, files: list[str]) -> tuple[str, str]:
    """What the warehouse and the files do not share, empty if they are equal; and how they were compared."""
    try:
        return _unshared(opened.connection, published, table, files)
    except duckdb.Error as error:
        return f"cannot be compared with the lake ({error})", "not at all"


def _unshared(connection: duckdb.DuckDBPyConnection, published: str, table: Table, files: list[str]) -> tuple[str, str]:
    [(there,)] = connection.execute(f"SELECT count(*) FROM ({published})").fetchall()  # noqa: S608 - declared names
    if not files:
        return (f"{there} rows of it are not in the lake" if there else ""), "row by row"
    lake = sql.rows_of_files(table)
    if there > ROW_BY_ROW:
        mine = connection.execute(sql.sums(published, table)).fetchall()
        other = connection.execute(sql.sums(lake, table), [files]).fetchall()
        problem = f"its {there} rows and the {other[0][0]} of the lake do not add up to the same"
        return ("" if mine == other else problem), "by count and sums"
    lacking = _count(connection, f"({lake}) EXCEPT ALL ({published})", files)
    surplus = _count(connection, f"({published}) EXCEPT ALL ({lake})", files)
    problem = f"{lacking} rows of the lake are not in it, {surplus} rows of it are not in the lake"
    return (problem if lacking or surplus else ""), "row by row"


def _count(connection: duckdb.DuckDBPyConnection, rows: str, files: list[str]) -> int:
    found: tuple[Any, ...] | None = connection.execute(f"SELECT count(*) FROM ({rows})", [files]).fetchone()  # noqa: S608 - as above
    return int(found[0]) if found else 0


def _keys(opened: _Opened, table: Table, found: Findings) -> None:
    """Each key once, and whole; a table that was rebuilt from its files alone has none until the next load."""
    if not table.key:
        return
    try:
        twice = opened.connection.execute(sql.key_twice(table)).fetchall()
    except duckdb.Error as error:
        found.wrong.append(Wrong("warehouse", table.name, f"its keys cannot be read ({error})", REBUILD))
        return
    if twice:
        key = dict(zip(dict.fromkeys((*table.partition, *table.key)), twice[0], strict=False))
        problem = f"{twice[0][-1]} rows have the key {key}"
        found.wrong.append(Wrong("warehouse", table.name, problem, REBUILD))


# ---- slices ----


def _slices(opened: _Opened, found: Findings, *, quiet: bool) -> None:
    """`meta.slices`, but for `final`, which is computed by the settings of its publication."""
    try:
        rows = opened.connection.execute(_SLICES).fetchall()
    except duckdb.Error as error:
        found.wrong.append(Wrong("warehouse", "meta.slices", f"it cannot be read ({error})", REBUILD))
        return
    published = {SliceId(*row[:3]): row[3:] for row in rows}
    known = {
        r.id: (r.end, r.time_zone, r.state.value, r.rows, r.as_of, r.fetched_at, r.run_id, r.reason or None)
        for r in opened.then.records.values()
    }
    differing = [s for s in published.keys() | known.keys() if published.get(s) != known.get(s)]
    if differing or len(published) < len(rows):
        first = min(map(str, differing), default="one that stands twice")
        problem = f"{len(differing)} slices are not as the ledger knows them, the first is {first}"
        _unless_written(found, quiet, Wrong("warehouse", "meta.slices", problem, PUBLISH))
