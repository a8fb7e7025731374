"""What is not ours, or newer than we are, is refused in one sentence, and nothing on disk is changed."""

import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import duckdb
import orjson
import pytest

from pipeline.errors import Store as StoreRefused
from pipeline.errors import Usage
from pipeline.ledger import Ledger
from pipeline.store import Places, opened
from schemas.events import silent
from tests.integration.landing import world
from tests.integration.landing.stage import (
    SEED,
    analyst,
    ask,
    assert_holds,
    begin,
    drive_to_its_end,
    line_of,
    listing,
    open_store,
    places,
    play,
    truth,
)

Prepare = Callable[[Places], None]


def assert_refused(where: Places, message: str) -> None:
    """One sentence, exit code 2, and not a byte, name or folder more or less."""
    root = where.state.parent
    before = listing(root)
    with pytest.raises(StoreRefused) as refused, open_store(where):
        pass
    assert listing(root) == before
    assert refused.value.exit_code == 2
    assert str(refused.value).replace(str(root), "ROOT") == message


def foreign_lake(where: Places) -> None:
    where.lake.mkdir(parents=True)
    (where.lake / "thesis.txt").write_text("mine")


def lake_with_foreign_temporary_files(where: Places) -> None:
    (where.lake / ".tmp").mkdir(parents=True)
    (where.lake / ".tmp/thesis.txt").write_text("mine")


def file_as_lake(where: Places) -> None:
    where.lake.parent.mkdir(parents=True)
    where.lake.write_text("mine")


def orphaned_lake(where: Places) -> None:
    where.lake.mkdir(parents=True)
    (where.lake / "_insights.json").write_bytes(orjson.dumps({"format": 1, "ledger": "0123456789abcdef"}))


def newer_lake(where: Places) -> None:
    where.lake.mkdir(parents=True)
    (where.lake / "_insights.json").write_bytes(orjson.dumps({"format": 2, "ledger": "0123456789abcdef"}))


def garbled_lake(where: Places) -> None:
    where.lake.mkdir(parents=True)
    (where.lake / "_insights.json").write_text("[]")


def foreign_ledger(where: Places) -> None:
    where.state.mkdir(parents=True)
    with closing(sqlite3.connect(where.ledger)) as connection:
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("CREATE TABLE mine (a)")


def garbage_as_ledger(where: Places) -> None:
    where.state.mkdir(parents=True)
    where.ledger.write_text("mine")


def newer_ledger(where: Places) -> None:
    foreign_ledger(where)
    with closing(sqlite3.connect(where.ledger)) as connection:
        connection.execute(f"PRAGMA application_id={0x494E5349}")
        connection.execute("PRAGMA user_version=2")


def foreign_warehouse(where: Places) -> None:
    where.warehouse.parent.mkdir(parents=True)
    with duckdb.connect(str(where.warehouse)) as connection:
        connection.execute("CREATE TABLE mine AS SELECT 1 AS a")


def garbage_as_warehouse(where: Places) -> None:
    where.warehouse.parent.mkdir(parents=True)
    where.warehouse.write_text("mine")


def damaged_warehouse(where: Places) -> None:
    """As an encrypted one, or one of a newer DuckDB, looks to us."""
    foreign_warehouse(where)
    with where.warehouse.open("r+b") as file:
        file.seek(12)
        file.write(b"\xff")


def folder_as_warehouse(where: Places) -> None:
    (where.warehouse / "mine").mkdir(parents=True)


def newer_warehouse(where: Places) -> None:
    foreign_warehouse(where)
    with duckdb.connect(str(where.warehouse)) as connection:
        connection.execute("CREATE SCHEMA meta")
        connection.execute("CREATE TABLE meta.publication AS SELECT 'x' ledger_id, 1 landing_number, 2 format_version")


FOREIGN_LAKE = "lake ROOT/lake: this folder holds something else; set [storage] lake to one of its own"
UNREADABLE = (
    "warehouse ROOT/warehouse.duckdb: cannot be read, and this store did not publish it; close it where it is open, "
    "move it away, or set [storage] warehouse to another name"
)
FOREIGN_LEDGER = (
    "ledger ROOT/state/ledger.sqlite: this is not an insights ledger; set [storage] state to a folder of its own, "
    "or run `insights rebuild` if it was one"
)
ORPHANED = (
    "lake ROOT/lake: it belongs to another ledger (01234567, not a new one); "
    "point [storage] state and lake at the same store, or run `insights rebuild`"
)
GARBLED = (
    "lake ROOT/lake/_insights.json: cannot be read (list indices must be integers or slices, not str); "
    "restore it from a copy of the lake, or run `insights rebuild --ledger`"
)
UNBORN: list[tuple[Prepare, str]] = [
    (foreign_lake, FOREIGN_LAKE),
    (lake_with_foreign_temporary_files, FOREIGN_LAKE),
    (file_as_lake, FOREIGN_LAKE),
    (
        orphaned_lake,
        ORPHANED,
    ),
    (newer_lake, "lake ROOT/lake: format 2 is newer than this program's 1; upgrade insights"),
    (
        garbled_lake,
        GARBLED,
    ),
    (foreign_ledger, FOREIGN_LEDGER),
    (garbage_as_ledger, FOREIGN_LEDGER),
    (
        newer_ledger,
        "ledger ROOT/state/ledger.sqlite: format 2 is newer than this program's 1; upgrade insights",
    ),
    (
        foreign_warehouse,
        "warehouse ROOT/warehouse.duckdb: this file is not ours; set [storage] warehouse to another name",
    ),
    (garbage_as_warehouse, UNREADABLE),
    (damaged_warehouse, UNREADABLE),
    (folder_as_warehouse, UNREADABLE),
    (newer_warehouse, "warehouse ROOT/warehouse.duckdb: written by a newer insights; upgrade this one"),
]


@pytest.mark.parametrize(("prepare", "message"), UNBORN, ids=[prepare.__name__ for prepare, _ in UNBORN])
def test_a_new_store_is_not_born_over_something_else(prepare: Prepare, message: str, where: Places) -> None:
    """No lock, no ledger, no folder is made before everything has been looked at."""
    prepare(where)
    assert_refused(where, message)


@pytest.fixture
def born(where: Places) -> Places:
    """A store that has published."""
    begin(where)
    return where


def test_a_lake_of_another_store_is_refused(born: Places, tmp_path: Path) -> None:
    """State and lake point at different stores."""
    other = places(tmp_path / "store" / "other")
    play(other, SEED, 0)
    mixed = Places(other.lake, born.warehouse, born.state)
    with pytest.raises(StoreRefused, match="it belongs to another ledger"), open_store(mixed):
        pass
    assert_holds(born, truth(SEED, 0))
    assert_holds(other, truth(SEED, 0))


def test_newer_formats_of_a_store_of_ours_are_refused(born: Places) -> None:
    """A newer program was here: its lake, then its warehouse, then its ledger, though it recorded what it published."""
    marker = born.lake / "_insights.json"
    mark = orjson.loads(marker.read_bytes())
    marker.write_bytes(orjson.dumps({**mark, "format": 2}))
    assert_refused(born, "lake ROOT/lake: format 2 is newer than this program's 1; upgrade insights")
    marker.write_bytes(orjson.dumps(mark))

    with open_store(born) as store:
        born.warehouse.chmod(0o644)
        with duckdb.connect(str(born.warehouse)) as connection:
            connection.execute("UPDATE meta.publication SET format_version = 2")
        found = born.warehouse.stat()
        store.ledger.only_publication(found.st_ino, found.st_size, found.st_mtime_ns)
    assert_refused(born, "warehouse ROOT/warehouse.duckdb: written by a newer insights; upgrade this one")

    with closing(sqlite3.connect(born.ledger)) as connection:
        connection.execute("PRAGMA user_version=2")
    assert_refused(born, "ledger ROOT/state/ledger.sqlite: format 2 is newer than this program's 1; upgrade insights")


def test_a_database_in_use_is_refused(born: Places) -> None:
    """Somebody else's database at our warehouse's name, open in their process: it cannot be looked into."""
    born.warehouse.rename(born.warehouse.with_name("ours"))
    code = 'connection = duckdb.connect(sys.argv[1])\nconnection.execute("CREATE TABLE mine (a INT)")\n'
    with analyst(code + 'print("open", flush=True)\nsys.stdin.readline()', str(born.warehouse)) as process:
        assert line_of(process) == "open"
        assert_refused(born, UNREADABLE)


def test_an_empty_file_stands_in_nobodys_way(where: Places) -> None:
    """There is nothing in it to lose."""
    where.warehouse.parent.mkdir(parents=True)
    where.warehouse.touch()
    play(where, SEED, 0)
    assert_holds(where, truth(SEED, 0))


def test_a_rehearsal_and_real_data_do_not_mix(born: Places) -> None:
    """A store that was born without `--now` takes none."""
    before = listing(born.state.parent)
    with pytest.raises(Usage, match="it holds real data"), opened(born, "load", world.BORN, silent, rehearsal=True):
        pass
    assert listing(born.state.parent) == before


BIRTH = """
import os, signal, sqlite3, sys
from pathlib import Path
sys.path.insert(0, sys.argv[3])
before, left = getattr(os, sys.argv[2]), [int(sys.argv[4])]
def killing(*arguments, **options):
    left[0] -= 1
    if not left[0]:
        os.kill(os.getpid(), signal.SIGKILL)
    return before(*arguments, **options)
setattr(os, sys.argv[2], killing)
from tests.integration.landing.stage import places, play
play(places(Path(sys.argv[1])), 7, 0)
"""


@pytest.mark.parametrize("nth", range(1, 6))
def test_a_birth_killed_at_each_of_its_steps_is_made_up(nth: int, where: Places) -> None:
    """Before each of the first syncs of a folder or file: lock, ledger and lake are half made, and taken for ours."""
    root = str(Path(__file__).resolve().parents[3])
    killed = subprocess.run(
        [sys.executable, "-c", BIRTH, str(where.state.parent), "fsync", root, str(nth)], check=False
    )
    assert killed.returncode == -9
    play(where, SEED, 0)
    assert_holds(where, truth(SEED, 0))


def test_an_unborn_ledger_is_no_ledger(where: Places) -> None:
    """Killed between the first byte and the rename: `status` finds nothing, the next start makes a whole one."""
    where.state.mkdir(parents=True)
    where.ledger.with_name("ledger.sqlite.new").write_text("half")
    where.ledger.with_name("ledger.sqlite-wal").write_text("of a ledger that was deleted")
    assert Ledger.read(where.ledger) is None
    play(where, SEED, 0)
    assert_holds(where, truth(SEED, 0))


def test_a_killed_first_load_leaves_a_store_that_reads_as_one(where: Places) -> None:
    """The ledger is whole from the moment it is there."""
    assert drive_to_its_end(where, str(SEED), "0", "0", "landing.begun", "1") == -9
    ledger = Ledger.read(where.ledger)
    assert ledger is not None
    with ledger:
        assert ledger.slices() == []
    play(where, SEED, 0)
    assert ask(where.warehouse, "SELECT count(*) FROM meta.slices") == [(6,)]
