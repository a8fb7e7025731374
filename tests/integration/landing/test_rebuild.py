"""A store is made whole again from its lake alone; every file is judged by a stated rule, and none is deleted."""

import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from datetime import date, datetime, timedelta
from pathlib import Path

import orjson
import pytest

from pipeline.errors import Refused
from pipeline.landing import land
from pipeline.ledger import Ledger
from pipeline.slices import SliceWriter, Target
from pipeline.store import Places, Store
from schemas.columns import Table
from schemas.events import silent
from schemas.meta import QUARANTINE
from schemas.periods import State
from schemas.work import Place, SliceFile, SliceId, SliceRecord
from tests.integration.landing import world
from tests.integration.landing.stage import (
    SEED,
    ask,
    assert_holds,
    begin,
    drive_to_its_end,
    expected,
    in_lake,
    listing,
    open_store,
    places,
    play,
    read,
    rebuild,
    record,
    recover,
    truth,
)
from tests.integration.landing.world import Part

Damage = Callable[[Places], None]
KILLED = -9
STEPS = ("read", "put_forward", "written", "moved_aside", "marked", "in_place")
PART = world.PARTS[0]
FACTS = "shop/account_id=111/2026-11-01.parquet"


@pytest.fixture
def born(where: Places) -> Places:
    """A store that has landed and published two rounds."""
    begin(where)
    play(where, SEED, 1)
    return where


def memory(where: Places) -> tuple[dict[SliceId, SliceRecord], list[tuple[SliceId, SliceFile]]]:
    """What a ledger knows of slices and files."""
    ledger = Ledger.read(where.ledger)
    assert ledger is not None
    with ledger:
        return {found.id: found for found in ledger.slices()}, ledger.files()


def as_footers_say(where: Places) -> object:
    """The same, with `as_of` of when the rows that lie there were asked: a later read that found them again is lost."""
    slices, files = memory(where)
    asked = {part.id: world.as_of(world.version(SEED, part, 1)) for part in world.PARTS}
    return {name: replace(found, as_of=asked[name]) for name, found in slices.items()}, files


def tables(where: Places) -> list[tuple[str, Table]]:
    ledger = Ledger.read(where.ledger)
    assert ledger is not None
    with ledger:
        return ledger.tables()


def shapes(where: Places) -> list[tuple[object, ...]]:
    """Every table as its readers see it: whose it is, key, partition, and columns with kinds and comments."""
    return sorted(
        (report, t.name, t.meaning, t.key, t.partition, [(c.name, c.kind, c.comment) for c in t.columns])
        for report, t in tables(where)
    )


def missing(where: Places) -> None:
    where.ledger.unlink()


def garbled(where: Places) -> None:
    where.ledger.write_bytes(b"x" * 40_000)


def empty(where: Places) -> None:
    where.ledger.write_bytes(b"")


def damaged_inside(where: Places) -> None:
    """The header is whole, so that nobody notices before pages are read."""
    with where.ledger.open("r+b") as file:
        file.seek(4096)
        file.write(b"\xa5" * 30_000)


def of_wrong_words(where: Places) -> None:
    """The pages are sound, what stands in them is not."""
    with closing(sqlite3.connect(where.ledger)) as connection:
        connection.execute("UPDATE slices SET place = '{'")
        connection.commit()


def test_a_sound_ledger_is_kept(born: Places) -> None:
    """Only the warehouse is built anew, whole; nothing of the lake or the ledger's memory changes."""
    before, lake = memory(born), listing(born.lake)
    born.warehouse.unlink()
    found = rebuild(born)
    assert (found.because, found.exit_code) == ("", 0)
    assert found.published is not None
    assert found.published.whole_because == "there was none"
    assert (memory(born), listing(born.lake)) == (before, lake)
    assert_holds(born, truth(SEED, 1))


@pytest.mark.parametrize("damage", [missing, garbled, empty, damaged_inside, of_wrong_words], ids=lambda d: d.__name__)
def test_a_lost_ledger_comes_back_from_footers(damage: Damage, born: Places) -> None:
    """Slices, files, fingerprints, places, tables and definitions are what they were; the next night goes on."""
    before, shaped = as_footers_say(born), shapes(born)
    lake = listing(born.lake)
    damage(born)
    broken = born.ledger.read_bytes() if born.ledger.exists() else None
    found = rebuild(born)
    assert found.exit_code == 0
    assert found.because
    assert (memory(born), shapes(born)) == (before, shaped)
    assert {path: sha for path, sha in listing(born.lake).items() if path != "_insights.json"} == {
        path: sha for path, sha in lake.items() if path != "_insights.json"
    }
    if broken is not None:
        assert Path(found.kept_as[0]).read_bytes() == broken
    assert_holds(born, truth(SEED, 1))
    play(born, SEED, 2)
    assert_holds(born, truth(SEED, 2))


def test_a_ledger_is_made_anew_where_that_is_asked(born: Places) -> None:
    """It has an id of its own, which the lake is marked with; the sound one is kept under a dated name."""
    was = orjson.loads((born.lake / "_insights.json").read_bytes())
    before = as_footers_say(born)
    found = rebuild(born, asked=True)
    rebuild(born, asked=True)
    mark = orjson.loads((born.lake / "_insights.json").read_bytes())
    assert mark["ledger"] != was["ledger"]
    assert [Path(path).name for path in found.kept_as] == ["ledger.sqlite.before-20261110T040000Z"]
    assert sorted(path.name for path in born.state.glob("*before*")) == [
        "ledger.sqlite.before-20261110T040000Z",
        "ledger.sqlite.before-20261110T040000Z-2",
    ]
    assert ask(born.warehouse, "SELECT ledger_id FROM meta.publication") == [(mark["ledger"],)]
    assert memory(born) == before
    assert_holds(born, truth(SEED, 1))


def test_a_grain_is_still_refused_after_a_rebuild(born: Places) -> None:
    """The lake itself says which grain its reports have."""
    rebuild(born, asked=True)
    ledger = Ledger.read(born.ledger)
    assert ledger is not None
    with ledger:
        assert ledger.definition_of("shop") == ("grain", "definition")
        assert ledger.definition_of("things") == ("objects", "objects")


def test_a_table_whose_declaration_is_lost_is_known_by_its_files(born: Places) -> None:
    """Columns and kinds come from the files, its report from their footers; the next load declares it again."""
    kinds = {t.name: {(c.name, c.kind, c.comment) for c in t.columns if c.name != "account_id"} for t in world.TABLES}
    (born.lake / "shop/_schema.arrow").unlink()
    (born.lake / "shop_actions/_schema.arrow").write_bytes(b"half")
    rebuild(born, asked=True)
    found = tables(born)
    assert {(report, t.name) for report, t in found} == {("shop", t.name) for t in world.SHOP.tables} | {
        ("things", "things")
    }
    assert kinds == {
        t.name: {(c.name, c.kind, c.comment) for c in t.columns if c.name != "account_id"} for _, t in found
    }
    assert_holds(born, truth(SEED, 1))
    play(born, SEED, 2)
    assert_holds(born, truth(SEED, 2))
    assert shapes(born) == sorted(
        (own.name, t.name, t.meaning, t.key, t.partition, [(c.name, c.kind, c.comment) for c in t.columns])
        for own in world.OWNED
        for t in own.tables
    )


# ---- the rules by which files are judged ----


def without(part: Part, table: str, number: int) -> dict[Part, world.Rows]:
    """The truth, but for one table of one slice."""
    found = truth(SEED, number)
    found[part] = {**found[part], table: []}
    return found


def assert_lake_and_warehouse(where: Places, found: dict[Part, world.Rows]) -> None:
    for table in (*world.TABLES, QUARANTINE):
        assert expected(table, found) == in_lake(where, table), table.name
        schema = "meta" if table is QUARANTINE else "main"
        rows = ask(where.warehouse, f"SELECT count(*) FROM {schema}.{table.name}")
        assert rows == [(sum(expected(table, found).values()),)], table.name


def test_a_file_that_cannot_be_read_is_set_aside_and_its_slice_is_due(born: Places) -> None:
    """What is left of the slice stays, as partial, and was never asked as far as plans go; the next load heals it."""
    broken = "shop_actions/account_id=111/2026-11-01.parquet"
    (born.lake / broken).write_bytes(b"PAR1 but no more")
    found = rebuild(born, asked=True)
    assert (found.exit_code, found.partial) == (1, ("shop 111 2026-11-01",))
    assert [(one.path, one.harm) for one in found.aside] == [(broken, True)]
    assert (Path(found.aside_in) / broken).read_bytes() == b"PAR1 but no more"
    assert_lake_and_warehouse(born, without(PART, "shop_actions", 1))
    slices, _ = memory(born)
    assert (slices[PART.id].state, slices[PART.id].as_of) == (State.PARTIAL, None)
    play(born, SEED, 2)
    assert_lake_and_warehouse(born, truth(SEED, 2))


def test_a_slice_of_which_nothing_can_be_read_was_never_asked(born: Places) -> None:
    """The only file of a table of objects."""
    broken = "things/account_id=111/current.parquet"
    (born.lake / broken).write_bytes(b"")
    found = rebuild(born, asked=True)
    assert (found.exit_code, found.partial, [one.path for one in found.aside]) == (1, (), [broken])
    assert SliceId("things", "111", None) not in memory(born)[0]
    play(born, SEED, 2)
    assert_lake_and_warehouse(born, truth(SEED, 2))


def test_a_file_that_is_gone_is_missed(born: Places) -> None:
    """Somebody deleted it: the footers of its siblings name it."""
    (born.lake / "shop_actions/account_id=111/2026-11-01.parquet").unlink()
    for _ in range(2):
        found = rebuild(born, asked=True)
        assert (found.exit_code, found.partial, found.aside) == (1, ("shop 111 2026-11-01",), ())
    assert_lake_and_warehouse(born, without(PART, "shop_actions", 1))
    play(born, SEED, 2)
    assert_holds(born, truth(SEED, 2))


def test_a_copy_of_a_file_is_set_aside(born: Places) -> None:
    """It does not lie where its footer says; every row would count twice."""
    copy = "shop/account_id=111/2026-11-01 (copy).parquet"
    moved = "shop/account_id=222/2026-10-01.parquet"
    for target in (copy, moved):
        shutil.copy(born.lake / FACTS, born.lake / target)
    found = rebuild(born, asked=True)
    assert (found.exit_code, found.partial) == (0, ())
    assert {one.path: one.why for one in found.aside} == dict.fromkeys(
        (copy, moved), f"its footer says that it belongs at {FACTS}"
    )
    assert_lake_and_warehouse(born, truth(SEED, 1))


def test_what_is_no_file_of_ours_is_left_alone_and_told(born: Places) -> None:
    """A note beside the files stands in nobody's way."""
    (born.lake / "shop/account_id=111/README.txt").write_text("mine")
    found = rebuild(born, asked=True)
    assert found.strangers == ("shop/account_id=111/README.txt",)
    assert (born.lake / "shop/account_id=111/README.txt").read_text() == "mine"
    assert_holds(born, truth(SEED, 1))


@pytest.mark.parametrize("nth", range(1, 9))
def test_a_landing_killed_between_its_files_is_finished_without_its_ledger(nth: int, where: Places) -> None:
    """Two readings of one slice meet: the newer is put forward from its temporary files, the older is kept aside."""
    begin(where)
    assert drive_to_its_end(where, str(SEED), "1", "1", "landing.file_renamed", str(nth), "1") == KILLED
    shutil.copytree(where.state.parent, where.state.parent.with_name("finished"))
    finished = places(where.state.parent.with_name("finished"))
    recover(finished)
    garbled(where)
    found = rebuild(where)
    assert (found.exit_code, found.partial) == (0, ())
    whole, now = memory(finished)[0], memory(where)[0]
    older = [name for name in whole if whole[name].fetched_at != now[name].fetched_at]
    assert len(older) <= 1, "but for a slice of the same commit of which nothing was in place yet"
    play(where, SEED, 1)
    assert_lake_and_warehouse(where, truth(SEED, 1))


def test_two_readings_that_nothing_completes_leave_a_partial_slice(born: Places) -> None:
    """The older file is set aside, the newer ones stay, and the slice is asked again."""
    older = places(born.state.parent.with_name("older"))
    begin(older)
    with open_store(born) as store:
        read(store, PART, world.rows(SEED, PART, 1), replace(record(PART, 3), reason="another"))
    old = "shop_actions/account_id=111/2026-11-01.parquet"
    shutil.copy(older.lake / old, born.lake / old)
    found = rebuild(born, asked=True)
    assert (found.exit_code, found.partial) == (1, ("shop 111 2026-11-01",))
    assert [(one.path, one.why) for one in found.aside] == [(old, "it is of an older reading of its slice")]
    assert_lake_and_warehouse(born, without(PART, "shop_actions", 1))


# ---- what is refused, and kills ----


def test_a_folder_that_is_no_lake_is_not_rebuilt_from(where: Places) -> None:
    """Nothing is changed."""
    where.lake.mkdir(parents=True)
    where.state.mkdir()
    (where.lake / "thesis.txt").write_text("mine")
    with pytest.raises(Refused, match="this folder holds something else"):
        rebuild(where)
    assert [path.name for path in where.lake.iterdir()] == ["thesis.txt"]
    assert not where.ledger.exists()


def test_a_sound_ledger_of_another_lake_is_given_up_only_when_that_is_asked(born: Places, tmp_path: Path) -> None:
    """Otherwise a wrong line of the configuration would take a store its memory."""
    other = places(tmp_path / "other")
    play(other, SEED, 0)
    mixed = Places(other.lake, other.warehouse, born.state)
    with pytest.raises(Refused, match="run `insights rebuild --ledger`"):
        rebuild(mixed)
    assert_holds(born, truth(SEED, 1))
    rebuild(mixed, asked=True)
    assert_holds(mixed, truth(SEED, 0))


def test_an_unreadable_mark_of_a_lake_is_written_anew(born: Places) -> None:
    """Where it is asked: the footers say whose the files are."""
    (born.lake / "_insights.json").write_text("[]")
    with pytest.raises(Refused, match="insights rebuild --ledger"):
        rebuild(born)
    rebuild(born, asked=True)
    assert_holds(born, truth(SEED, 1))


def test_a_damaged_warehouse_is_kept_under_another_name(born: Places) -> None:
    """It may be somebody's after all; ours takes its place."""
    born.warehouse.unlink()
    born.warehouse.write_bytes(b"\x00garbage" * 5_000)
    found = rebuild(born)
    assert [Path(path).name for path in found.kept_as] == ["warehouse.duckdb.before-20261110T040000Z"]
    assert Path(found.kept_as[0]).read_bytes() == b"\x00garbage" * 5_000
    Path(found.kept_as[0]).unlink()
    assert_holds(born, truth(SEED, 1))


def test_what_was_dropped_does_not_come_back(born: Places) -> None:
    """A drop that was killed before it reached the lake is finished before the ledger is given up."""
    with Ledger.open(born.ledger, born=world.BORN) as ledger:
        ledger.drop_report("things", ["things", "_quarantine/things"])
    rebuild(born, asked=True)
    assert not (born.lake / "things").exists()
    assert {report for report, _ in tables(born)} == {"shop"}


@pytest.mark.parametrize("step", [*(f"rebuild.{step}" for step in STEPS), "publish.begun", "publish.replaced"])
def test_a_rebuild_killed_at_each_of_its_steps_is_made_up(step: str, born: Places) -> None:
    """Run again it leaves a whole store, whatever was in its way; nothing is deleted."""
    broken = "shop_actions/account_id=111/2026-11-01.parquet"
    (born.lake / broken).write_bytes(b"PAR1 but no more")
    assert drive_to_its_end(born, str(SEED), "rebuild", "0", step, "1") == KILLED
    rebuild(born, asked=True)
    assert_lake_and_warehouse(born, without(PART, "shop_actions", 1))
    assert [path.read_bytes() for path in (born.lake / ".aside").rglob("*.parquet")] == [b"PAR1 but no more"]
    assert memory(born)[0][PART.id].state is State.PARTIAL
    play(born, SEED, 2)
    assert_lake_and_warehouse(born, truth(SEED, 2))


def test_between_two_ledgers_nothing_is_born(born: Places) -> None:
    """A load that comes while there is no ledger is refused, and named the remedy."""
    assert drive_to_its_end(born, str(SEED), "rebuild", "0", "rebuild.moved_aside", "1") == KILLED
    with pytest.raises(Refused, match="run `insights rebuild`"), open_store(born):
        pass
    rebuild(born)
    assert_holds(born, truth(SEED, 1))


# ---- slices of several files ----


def test_parts_that_landed_one_after_the_other_make_one_slice(born: Places) -> None:
    """An hour whose parts have files of their own: all that name it belong to it, the latest record is its own."""
    hour = Part("shop", "111", date(2026, 11, 20))
    early = record(hour, 1)
    with open_store(born) as store:
        for number, asked in ((1, early), (2, replace(early, fetched_at=world.as_of(1) + timedelta(hours=2)))):
            place = replace(hour.place, stem=f"00-{number}_of_2")
            _land_part(store, hour, place, asked, number)
    found = rebuild(born, asked=True)
    assert (found.exit_code, found.aside) == (0, ())
    slices, files = memory(born)
    assert slices[hour.id].fetched_at == datetime.fromisoformat("2026-11-11T06:00:00Z")
    assert slices[hour.id].rows == 3
    assert sorted(file.path for name, file in files if name == hour.id and file.table == "shop") == [
        "shop/account_id=111/00-1_of_2.parquet",
        "shop/account_id=111/00-2_of_2.parquet",
    ]
    assert ask(born.warehouse, "SELECT count(*) FROM shop WHERE date_start = '2026-11-20'") == [(3,)]


def _land_part(store: Store, part: Part, place: Place, asked: SliceRecord, rows: int) -> None:
    """One part beside those that are there, so many rows."""
    writer = SliceWriter(store.lake, Target(part.id, place, world.SHOP.tables))
    grain = {"date_start": part.day, "date_stop": part.day, "version": 0}
    facts = [{**grain, "ad_id": f"{place.stem}-{number}"} for number in range(rows)]
    assert asked.fetched_at is not None
    writer.write("shop", world.arrow(world.FACTS, facts, asked.fetched_at, asked.run_id))
    ready = writer.close(store.ledger, asked, final=False).ready
    land(store.ledger, store.lake, [replace(ready, removed=(), joins=True)], silent)
