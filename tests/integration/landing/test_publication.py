"""When the last publication may be copied, when the file is built whole, and what is published."""

import os
import shutil
import stat
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import duckdb
import pytest

from pipeline.errors import Unpublished
from pipeline.store import Places
from tests.integration.landing.stage import (
    SEED,
    Heard,
    ask,
    assert_holds,
    begin,
    drive,
    land_round,
    look,
    open_store,
    places,
    play,
    publish,
    recover,
    truth,
)

SOMEBODY = "somebody else wrote into it"


def test_a_file_that_is_as_we_left_it_is_copied(where: Places, heard: Heard) -> None:
    """Only what landed since is applied to the copy."""
    begin(where)
    done = play(where, SEED, 1, heard)
    assert (done.whole_because, "publish.copied" in heard.names()) == ("", True)
    assert 0 < done.slices < len(truth(SEED, 1))
    assert_holds(where, truth(SEED, 1))


def another_mtime(path: Path) -> None:
    found = path.stat()
    os.utime(path, ns=(found.st_atime_ns, found.st_mtime_ns + 1))


def another_inode(path: Path) -> None:
    shutil.copy2(path, path.with_name("copy"))
    path.with_name("copy").replace(path)


def another_size(path: Path) -> None:
    with path.open("ab") as file:
        file.write(b"\0")


@pytest.mark.parametrize("change", [another_mtime, another_inode, another_size])
def test_a_file_that_is_not_as_we_left_it_is_built_whole(
    change: Callable[[Path], None], where: Places, heard: Heard
) -> None:
    """By inode, size and mtime, each alone; this is reported."""
    begin(where)
    change(where.warehouse)
    assert play(where, SEED, 1, heard).whole_because == SOMEBODY
    assert heard.whole_because() == [SOMEBODY]
    assert_holds(where, truth(SEED, 1))


def claim(where: Places) -> None:
    """As if we had published what lies there."""
    with open_store(where) as store:
        store.ledger.only_publication(*look(where.warehouse))


def test_a_warehouse_of_another_ledger_is_built_whole(where: Places, tmp_path: Path) -> None:
    """Even if inode, size and mtime are those of a file of ours."""
    other = places(tmp_path / "other")
    play(other, SEED + 1, 0)
    begin(where)
    shutil.copy(other.warehouse, tmp_path / "copy")
    (tmp_path / "copy").replace(where.warehouse)
    claim(where)
    assert play(where, SEED, 1).whole_because == "it did not fit the ledger"
    assert_holds(where, truth(SEED, 1))


def test_an_older_warehouse_put_back_catches_up(where: Places, tmp_path: Path) -> None:
    """It is built whole, as anybody may have put it there; claimed as ours it is copied and lacks nothing either."""
    begin(where)
    shutil.copy(where.warehouse, tmp_path / "older")
    play(where, SEED, 1)
    for claimed in (False, True):
        shutil.copy(tmp_path / "older", tmp_path / "copy")
        (tmp_path / "copy").replace(where.warehouse)
        if claimed:
            claim(where)
        assert recover(where).whole_because == ("" if claimed else SOMEBODY)
        assert_holds(where, truth(SEED, 1))


def test_a_warehouse_ahead_of_the_ledger_is_built_whole(where: Places, tmp_path: Path) -> None:
    """An older ledger and lake put back: the warehouse holds a number that was never drawn."""
    begin(where)
    for folder in (where.state, where.lake):
        shutil.copytree(folder, tmp_path / "older" / folder.name)
    play(where, SEED, 1)
    for folder in (where.state, where.lake):
        shutil.rmtree(folder)
        shutil.copytree(tmp_path / "older" / folder.name, folder)
    claim(where)
    assert recover(where).whole_because == "it did not fit the ledger"
    assert_holds(where, truth(SEED, 0))


def test_what_is_published_is_closed_and_read_only(where: Places) -> None:
    """Mode 0444, no `.wal`, a storage version that every DuckDB from 1.5 on reads."""
    begin(where)
    assert stat.S_IMODE(where.warehouse.stat().st_mode) == 0o444
    assert [path.name for path in where.warehouse.parent.glob("*.duckdb*")] == ["warehouse.duckdb"]
    versions = "SELECT tags['storage_version'] FROM duckdb_databases() WHERE database_name = 'warehouse'"
    assert ask(where.warehouse, versions) == [("v1.5.0+",)]
    assert ask(where.warehouse, "SELECT comment FROM duckdb_tables() WHERE table_name = 'shop'") == [
        ("What a shop's ads did",)
    ]


def test_no_later_write_can_have_the_mtime_that_we_set(where: Places) -> None:
    """It lies before our own last write, so even a write within the same tick of the clock is told."""
    begin(where)
    found = where.warehouse.stat()
    assert found.st_ctime_ns - found.st_mtime_ns > 0


def test_a_failed_publication_leaves_the_slices_landed(where: Places) -> None:
    """The disk takes no file as large as the warehouse: the old one stays to the byte; the next one makes it up."""
    begin(where)
    before = (look(where.warehouse), where.warehouse.read_bytes())
    with drive(where, str(SEED), "1", "1", "--file-size", "600000") as process:
        out, _ = process.communicate()
    assert process.returncode == 0
    assert "unpublished: warehouse" in out
    assert (look(where.warehouse), where.warehouse.read_bytes()) == before
    assert not list(where.warehouse.parent.glob(".warehouse*"))
    assert recover(where).whole_because == ""
    assert_holds(where, truth(SEED, 1))


def test_a_folder_in_its_place_is_a_failed_publication(where: Places) -> None:
    """Whatever comes into its place while a load runs is not replaced."""
    with open_store(where) as store:
        land_round(store, SEED, 0)
        where.warehouse.mkdir()
        with pytest.raises(Unpublished, match=r"this store did not publish it"):
            publish(store)
        where.warehouse.rmdir()
        publish(store)
    assert_holds(where, truth(SEED, 0))


def test_a_database_that_came_into_its_place_is_not_replaced(where: Places) -> None:
    """Somebody's own file at our name, put there while a load runs."""
    with open_store(where) as store:
        land_round(store, SEED, 0)
        with duckdb.connect(str(where.warehouse)) as connection:
            connection.execute("CREATE TABLE mine AS SELECT 1 AS a")
        with pytest.raises(Unpublished, match=r"this file is not ours"):
            publish(store)
    assert ask(where.warehouse, "SELECT a FROM mine") == [(1,)]


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of eight megabytes, where we may mount one."""
    folder = tmp_path / "small"
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", str(folder)], capture_output=True, check=False
    )
    if mounted.returncode:
        pytest.skip("no file system can be mounted here")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


def test_space_for_one_more_copy_is_checked_first(tmp_path: Path, small_disk: Path) -> None:
    """The message says how much is free and how much is needed; the published file stays."""
    where = places(tmp_path / "store", small_disk / "warehouse.duckdb")
    play(where, SEED, 0)
    with open_store(where) as store:
        land_round(store, SEED, 1)
        with pytest.raises(Unpublished, match=r"bytes free, [0-9,]+ needed for one more copy"):
            publish(store)
    assert ask(where.warehouse, "SELECT DISTINCT as_of FROM meta.slices") == ask(
        where.warehouse, "SELECT TIMESTAMPTZ '2026-11-10 04:00:00Z'"
    )


def test_a_symlink_stays_one(where: Places, tmp_path: Path) -> None:
    """What it points to is replaced, so that whoever opens either name sees the same."""
    target = tmp_path / "large disk" / "real.duckdb"
    where.warehouse.parent.mkdir()
    where.warehouse.symlink_to(target)
    play(where, SEED, 0)
    assert play(where, SEED, 1).whole_because == ""
    assert where.warehouse.is_symlink()
    assert ask(target, "SELECT count(*) FROM shop") == ask(where.warehouse, "SELECT count(*) FROM shop")
    assert_holds(where, truth(SEED, 1))
