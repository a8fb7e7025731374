"""The stage: a store on disk, a round played into it through the real doors, and what must then be found there."""

import atexit
import hashlib
import random
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import duckdb
import orjson
import pyarrow.parquet as pq

from pipeline import catalogue, engine
from pipeline import rebuild as rebuilding
from pipeline.landing import land
from pipeline.ledger import Ledger
from pipeline.lock import writing
from pipeline.meta_rows import meta_tables
from pipeline.rebuild import Rebuilt
from pipeline.slices import Closed, SliceWriter, Target
from pipeline.store import Places, Store, opened
from pipeline.warehouse import Published
from schemas.columns import ORIGIN_NAMES, Table
from schemas.events import Say, silent
from schemas.meta import QUARANTINE
from schemas.periods import State
from schemas.work import SliceRecord
from tests.integration.landing import world
from tests.integration.landing.world import Part, Rows

DRIVER = Path(__file__).with_name("driver.py")
ROOT = Path(__file__).resolve().parents[3]
SEED = 7
"""The seed of the store that `begin` copies."""
Found = Counter[tuple[Any, ...]]


@dataclass
class Heard:
    """Everything that was said, and what to do when it is."""

    events: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    reactions: dict[str, Callable[[], object]] = field(default_factory=dict)

    def __call__(self, event: str, /, **fields: object) -> None:
        self.events.append((event, fields))
        if event in self.reactions:
            self.reactions[event]()

    def names(self) -> list[str]:
        return [event for event, _ in self.events]

    def whole_because(self) -> list[Any]:
        return [fields["because"] for event, fields in self.events if event == "publish.whole"]


def places(root: Path, warehouse: Path | None = None) -> Places:
    return Places(root / "lake", warehouse or root / "warehouse.duckdb", root / "state")


@contextmanager
def open_store(where: Places, say: Say = silent, *, wait: bool = False) -> Iterator[Store]:
    with opened(where, "load", world.BORN, say, rehearsal=False, wait=wait) as store:
        yield store


def publish(store: Store, number: int = 0) -> Published:
    meta = meta_tables(store.ledger, world.LOOKBACK_DAYS, "test")
    return store.warehouse.publish(meta, world.as_of(number))


def record(part: Part, number: int, run_id: str = "run") -> SliceRecord:
    at = world.as_of(number)
    owned = next(owned for owned in world.OWNED if owned.name == part.report)
    times = (at, at + timedelta(hours=1))
    return SliceRecord(part.id, part.end, world.ZONE, State.LANDED, 0, *times, run_id, owned.definition)


def written(store: Store, part: Part, found: Rows, asked: SliceRecord, tables: Sequence[Table] = ()) -> SliceWriter:
    """A writer that has taken a slice's rows, in an order of its own and in two calls."""
    own = next(owned for owned in world.OWNED if owned.name == part.report).tables
    writer = SliceWriter(store.lake, Target(part.id, part.place, tuple(tables) or own), spill_rows=3)
    assert asked.fetched_at is not None
    for name, rows in found.items():
        rows = random.sample(rows, len(rows))  # noqa: PLW2901 - only their order is new
        table = next((t for t in tables if t.name == name), None) or world.table_of(name)
        for some in (rows[::2], rows[1::2]):
            arrow = world.arrow(table, some, asked.fetched_at, asked.run_id)
            writer.set_aside(arrow) if table is QUARANTINE else writer.write(name, arrow)
    return writer


def read(store: Store, part: Part, found: Rows, asked: SliceRecord, *, final: bool = False) -> Closed:
    """One slice, from its rows to where it is landed or found unchanged."""
    closed = written(store, part, found, asked).close(store.ledger, asked, final=final)
    commit(store, [closed], silent)
    return closed


def commit(store: Store, closed: Sequence[Closed], say: Say) -> None:
    for found in closed:
        if found.unchanged:
            store.ledger.touch(found.ready)
    land(store.ledger, store.lake, [found.ready for found in closed if not found.unchanged], say)


def land_round(store: Store, seed: int, number: int, say: Say = silent) -> None:
    """Every slice of the world as it is in this round, two in a commit."""
    catalogue.settle(world.OWNED, store.ledger, store.lake)
    run_id = f"run {number} {random.random()}"
    for at in range(0, len(world.PARTS), 2):
        closed = []
        for part in world.PARTS[at : at + 2]:
            asked = record(part, number, run_id)
            writer = written(store, part, world.rows(seed, part, number), asked)
            closed.append(writer.close(store.ledger, asked, final=False))
        commit(store, closed, say)


def play(where: Places, seed: int, number: int, say: Say = silent) -> Published:
    """One night: open, land, publish."""
    with open_store(where, say) as store:
        land_round(store, seed, number, say)
        return publish(store, number)


@cache
def _first_night() -> Places:
    folder = Path(tempfile.mkdtemp(prefix="first-night-"))
    atexit.register(shutil.rmtree, folder)
    play(places(folder), SEED, 0)
    return places(folder)


def begin(where: Places) -> None:
    """A store that has landed and published round 0: a copy of one made once, which is quicker than a night."""
    template = _first_night()
    shutil.copytree(template.lake, where.lake)
    shutil.copytree(template.state, where.state)
    shutil.copy2(template.warehouse, where.warehouse)
    with Ledger.open(where.ledger, born=world.BORN) as ledger:
        ledger.only_publication(*look(where.warehouse))


def recover(where: Places, say: Say = silent) -> Published:
    """A start that asks nothing: what was half landed is finished, and published."""
    with open_store(where, say) as store:
        return publish(store)


def rebuild(where: Places, say: Say = silent, *, asked: bool = False, now: datetime = world.BORN) -> Rebuilt:
    """`insights rebuild`, below the command line."""

    def published(store: Store) -> Published:
        return publish(store)

    with writing(where.state, "rebuild", now):
        return rebuilding.rebuild(where, now, say, published, asked=asked, rehearsal=False)


# ---- processes ----


def drive(where: Places, *options: str) -> "subprocess.Popen[str]":
    """The driver as a process; its options are its own."""
    paths = [str(where.lake), str(where.warehouse), str(where.state)]
    command = [sys.executable, str(DRIVER), *paths, *options]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT)


def drive_to_its_end(where: Places, *options: str) -> int:
    with drive(where, *options) as process:
        process.communicate()
    return process.returncode


@contextmanager
def analyst(code: str, *arguments: str) -> Iterator["subprocess.Popen[str]"]:
    """Somebody's Python beside us; killed with -9 at the end."""
    command = [sys.executable, "-c", f"import duckdb, sys\n{code}", *arguments]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield process
        finally:
            process.kill()


def go_on(process: "subprocess.Popen[str]") -> str:
    """Lets a waiting process take its next step, and waits for the line that it then prints."""
    assert process.stdin is not None
    process.stdin.write("\n")
    process.stdin.flush()
    return line_of(process)


def line_of(process: "subprocess.Popen[str]") -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


# ---- what is found ----


def ask(warehouse: Path, statement: str) -> list[tuple[Any, ...]]:
    with duckdb.connect(str(warehouse), read_only=True) as connection:
        return connection.execute(statement).fetchall()


def compared(table: Table) -> str:
    """A table's columns without when and by whom they were read, lists as text."""
    names = [column.name for column in table.columns if column.name not in ORIGIN_NAMES]
    return ", ".join(f'"{name}"::VARCHAR' for name in names)


def in_warehouse(connection: duckdb.DuckDBPyConnection, table: Table) -> Found:
    schema = "meta" if table is QUARANTINE else "main"
    if not connection.execute("FROM duckdb_tables() WHERE table_name = ?", [table.name]).fetchall():
        return Counter()  # killed before the first report was known
    return Counter(connection.execute(f'SELECT {compared(table)} FROM {schema}."{table.name}"').fetchall())


def in_lake(where: Places, table: Table) -> Found:
    """The one-line reader of the README: hive partitioning, columns united by name."""
    folder = where.lake / ("_quarantine/*" if table is QUARANTINE else table.name)
    if not list(where.lake.glob(f"{folder.relative_to(where.lake)}/**/*.parquet")):
        return Counter()
    files = f"read_parquet('{folder}/**/*.parquet', union_by_name = true, hive_types = {{account_id: VARCHAR}})"
    return Counter(duckdb.execute(f"SELECT {compared(table)} FROM {files}").fetchall())


def expected(table: Table, found: Mapping[Part, Rows]) -> Found:
    """The truth in the same words."""
    rows: Found = Counter()
    for part, by_table in found.items():
        owned = [{"account_id": part.account, **row} for row in by_table.get(table.name, ())]
        if owned:
            whole = [{c.name: row.get(c.name) for c in table.columns} for row in owned]
            typed = {"typed": world.arrow(_unpartitioned(table), whole, world.BORN, "")}
            rows.update(engine.ask(f"SELECT {compared(table)} FROM typed", **typed))
    return rows


def _unpartitioned(table: Table) -> Table:
    return replace(table, partition=())


def truth(seed: int, number: int) -> dict[Part, Rows]:
    return {part: world.rows(seed, part, number) for part in world.PARTS}


def assert_holds(where: Places, found: Mapping[Part, Rows]) -> None:
    """Lake, ledger and warehouse hold exactly these rows, and nothing is left over anywhere."""
    with duckdb.connect(str(where.warehouse), read_only=True) as connection:
        for table in (*world.TABLES, QUARANTINE):
            want = expected(table, found)
            assert want == in_lake(where, table), f"lake {table.name}"
            assert want == in_warehouse(connection, table), f"warehouse {table.name}"
    assert_sound(where)
    shop_rows = {part.id: len(rows[part.report]) for part, rows in found.items()}
    ledger = Ledger.read(where.ledger)
    assert ledger is not None
    with ledger:
        assert shop_rows == {record.id: record.rows for record in ledger.slices()}


def assert_sound(where: Places) -> None:
    """Nothing temporary, the ledger's files and the lake's are the same, `meta.slices` is what the ledger knows."""
    assert list((where.lake / ".tmp").iterdir()) == []
    ledger = Ledger.read(where.ledger)
    assert ledger is not None
    with ledger:
        known = {file.path: file for _, file in ledger.files()}
        records = ledger.slices()
        assert ledger.landings() == []
        assert (look(where.warehouse)) in ledger.publications()
    assert known.keys() == {str(path.relative_to(where.lake)) for path in where.lake.rglob("*.parquet")}
    for path, file in known.items():
        mark = footer(where.lake / path)
        assert (mark["file_table"], mark["rows"], mark["fingerprint"]) == (file.table, file.rows, file.fingerprint)
    in_meta = ask(where.warehouse, "SELECT table_name, scope, slice_start, state, rows FROM meta.slices")
    assert Counter(in_meta) == Counter((r.id.table, r.id.scope, r.id.start, r.state.value, r.rows) for r in records)
    assert [path.name for path in where.warehouse.parent.glob("*warehouse.duckdb*")] == ["warehouse.duckdb"]


def assert_whole(where: Places, seed: int, rounds: Collection[int]) -> None:
    """Each slice is wholly of one of these rounds; lake, ledger and warehouse agree on which."""
    found = {part: _the_one_found(where, seed, part, rounds) for part in world.PARTS}
    assert_holds(where, {part: rows for part, rows in found.items() if rows is not None})


def _the_one_found(where: Places, seed: int, part: Part, rounds: Collection[int]) -> Rows | None:
    """What the world answered when the slice's footer says that it was asked; None if it never landed."""
    path = where.lake / part.report / part.place.folder / f"{part.place.stem}.parquet"
    if not path.exists():
        return None
    asked = datetime.fromisoformat(footer(path)["slice"]["as_of"])
    number = next(r for r in rounds if world.as_of(r) == asked)
    return world.rows(seed, part, number)


def footer(path: Path) -> dict[str, Any]:
    found: dict[str, Any] = orjson.loads(pq.read_metadata(path).metadata[b"insights"])
    return found


def look(path: Path) -> tuple[int, int, int]:
    found = path.stat()
    return (found.st_ino, found.st_size, found.st_mtime_ns)


def listing(folder: Path) -> dict[str, str]:
    """Every path below a folder with what it holds."""
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else "folder"
        for path in sorted(folder.rglob("*"))
    }
