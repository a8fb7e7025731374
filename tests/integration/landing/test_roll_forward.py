"""What a start makes of landings that were begun: finished, or due again; never one reading taken for another."""

from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest

from pipeline import catalogue
from pipeline.errors import Unpublished
from pipeline.store import Places, Store
from schemas.periods import State
from schemas.work import SliceRecord
from tests.integration.landing import world
from tests.integration.landing.stage import (
    Heard,
    ask,
    assert_holds,
    commit,
    footer,
    open_store,
    publish,
    read,
    record,
    written,
)
from tests.integration.landing.world import Part, Rows

ONE, OTHER = (Part("shop", "111", date(2026, 11, day)) for day in (1, 2))
FACTS, ACTIONS, RESULTS = ("shop", "shop_actions", "shop_results")
ASIDE = {"table_name": "shop", "scope": "111", "slice_start": ONE.id.start, "raw": "many", "reason": "no count"}


class PowerCut(BaseException):
    """The process ends here; what is on disk is all that is left."""


def cut() -> None:
    raise PowerCut


def rows(part: Part, number: int, *, aside: bool = False) -> Rows:
    grain = {"ad_id": "1", "date_start": part.day, "date_stop": part.day, "version": number}
    return {
        FACTS: [{**grain, "actions": 1, "results": 0}],
        ACTIONS: [{**grain, "action_type": "like"}],
        RESULTS: [],
        "quarantine": [{**ASIDE, "source": str(number)}] if aside else [],
    }


def path(part: Part, table: str) -> str:
    return f"{table}/account_id=111/{part.day}.parquet"


def landed(store: Store, *parts: Part, aside: bool = False) -> None:
    """Round 0, whole and published."""
    catalogue.settle(world.OWNED, store.ledger, store.lake)
    for part in parts:
        read(store, part, rows(part, 0, aside=aside), record(part, 0))
    publish(store)


def begin(where: Places, event: str, *parts: Part, aside: bool = False, number: int = 1) -> None:
    """Round 1, cut off at an event."""
    heard = Heard(reactions={event: cut})
    with open_store(where) as store:
        catalogue.settle(world.OWNED, store.ledger, store.lake)
        closed = []
        for part in parts:
            asked = record(part, number)
            found = rows(part, number, aside=aside)
            closed.append(written(store, part, found, asked).close(store.ledger, asked, final=False))
        with pytest.raises(PowerCut):
            commit(store, closed, heard)


def lose(where: Places, part: Part, table: str) -> None:
    """Somebody deletes one temporary file."""
    for temporary in (where.lake / ".tmp").iterdir():
        mark = footer(temporary)
        if (mark["slice"]["start"][:10], mark["file_table"]) == (str(part.day), table):
            temporary.unlink()


def known(store: Store, part: Part) -> SliceRecord:
    found = store.ledger.slice(part.id)
    assert found is not None
    return found


@pytest.mark.parametrize("table", [FACTS, ACTIONS, RESULTS])
def test_an_older_reading_that_is_whole_stays_and_is_due(table: str, where: Places, heard: Heard) -> None:
    """One temporary file is lost before any was renamed: the file in place is not taken for it."""
    with open_store(where) as store:
        landed(store, ONE, OTHER)
    begin(where, "landing.recorded", ONE, OTHER)
    lose(where, ONE, table)
    with open_store(where, heard) as store:
        assert (known(store, ONE).as_of, known(store, ONE).state) == (None, State.LANDED)
        assert known(store, OTHER).as_of == world.as_of(1)
        publish(store)
        assert_holds(where, {ONE: rows(ONE, 0), OTHER: rows(OTHER, 1)})
        read(store, ONE, rows(ONE, 1), record(ONE, 1))
        publish(store)
    assert [e for e in heard.names() if e in {"landing.lost", "landing.rolled_forward"}] == [
        "landing.lost",
        "landing.rolled_forward",
    ]
    assert_holds(where, {ONE: rows(ONE, 1), OTHER: rows(OTHER, 1)})


def test_an_older_reading_found_unchanged_is_no_longer_due(where: Places) -> None:
    """The slice that was due again is asked, and had not changed after all."""
    with open_store(where) as store:
        landed(store, ONE)
    begin(where, "landing.recorded", ONE)
    lose(where, ONE, FACTS)
    with open_store(where) as store:
        assert read(store, ONE, rows(ONE, 0), record(ONE, 2)).unchanged
        assert known(store, ONE).as_of == world.as_of(2)


def test_a_first_reading_that_is_lost_was_never_asked(where: Places) -> None:
    """There is nothing older: the ledger knows no such slice, the lake no file of it."""
    with open_store(where) as store:
        landed(store)
    begin(where, "landing.recorded", ONE, OTHER)
    lose(where, ONE, ACTIONS)
    with open_store(where) as store:
        assert store.ledger.slice(ONE.id) is None
        publish(store)
    assert_holds(where, {OTHER: rows(OTHER, 1)})


def test_two_readings_mixed_are_forgotten(where: Places) -> None:
    """The facts are renamed, the children's file is lost: due again whatever was known; the next landing mends all."""
    with open_store(where) as store:
        landed(store, ONE, aside=True)
    begin(where, "landing.file_renamed", ONE, aside=True)
    lose(where, ONE, ACTIONS)
    with open_store(where) as store:
        assert store.ledger.slice(ONE.id) is None
        assert ask(where.warehouse, "SELECT version FROM shop JOIN shop_actions USING (ad_id, version)") == [(0,)]
        read(store, ONE, rows(ONE, 2), record(ONE, 2))
        publish(store)
    assert_holds(where, {ONE: rows(ONE, 2)})


def test_a_broken_file_in_place_is_not_the_new_one(where: Places) -> None:
    """Neither is a file that cannot be read at all; the start does not fail over it."""
    with open_store(where) as store:
        landed(store, ONE)
    for garbage in (b"", b"PAR1 no more PAR1"):
        begin(where, "landing.recorded", ONE)
        lose(where, ONE, FACTS)
        (where.lake / path(ONE, FACTS)).write_bytes(garbage)
        with open_store(where) as store:
            assert store.ledger.landings() == []
            assert known(store, ONE).as_of is None
    with open_store(where) as store:
        read(store, ONE, rows(ONE, 1), record(ONE, 1))
        publish(store)
    assert_holds(where, {ONE: rows(ONE, 1)})


@pytest.mark.parametrize(
    "event", ["landing.begun", "landing.recorded", "landing.file_renamed", "landing.file_removed", "landing.renamed"]
)
def test_a_quarantine_that_goes_is_gone(event: str, where: Places) -> None:
    """The re-read has none: cut off anywhere, its old file goes with the slice's old rows and not before."""
    with open_store(where) as store:
        landed(store, ONE, aside=True)
    begin(where, event, ONE)
    with open_store(where) as store:
        publish(store)
    if event == "landing.begun":
        assert_holds(where, {ONE: rows(ONE, 0, aside=True)})
    else:
        assert_holds(where, {ONE: rows(ONE, 1)})


def in_the_way(where: Places, table: str) -> Path:
    """A folder where a file should come: the rename fails, as it does on a broken disk."""
    target = where.lake / path(ONE, table)
    target.unlink()
    (target / "in the way").mkdir(parents=True)
    return target


def out_of_the_way(target: Path) -> None:
    (target / "in the way").rmdir()
    target.rmdir()


def broken_off(where: Places, store: Store, table: str = ACTIONS) -> Path:
    """Round 0 landed; of round 1 the files before this table's are in place, the others are not."""
    landed(store, ONE)
    target = in_the_way(where, table)
    with pytest.raises(OSError, match="directory"):
        read(store, ONE, rows(ONE, 1), record(ONE, 1))
    return target


def test_a_landing_broken_off_is_finished_before_it_is_published(where: Places) -> None:
    """Until then two readings lie in the lake: a warehouse built whole from them would show half a slice of each."""
    with open_store(where) as store:
        target = broken_off(where, store)
        store.ledger.distrust_publication()
        with pytest.raises(Unpublished):
            publish(store)
        assert ask(where.warehouse, "SELECT version FROM shop JOIN shop_actions USING (ad_id, version)") == [(0,)]
        out_of_the_way(target)
        publish(store)
    assert_holds(where, {ONE: rows(ONE, 1)})


@pytest.mark.parametrize("table", [FACTS, ACTIONS])
def test_a_landing_broken_off_never_overtakes_a_later_one(table: str, where: Places) -> None:
    """Read again in the same run, the slice lands; the next start must not put the older reading over it."""
    with open_store(where) as store:
        out_of_the_way(broken_off(where, store, table))
        read(store, ONE, rows(ONE, 2), record(ONE, 2))
        publish(store)
    with open_store(where) as store:
        assert known(store, ONE).as_of == world.as_of(2)
        publish(store)
    assert_holds(where, {ONE: rows(ONE, 2)})


def test_a_slice_cut_off_twice_is_the_second(where: Places) -> None:
    """Each start finishes the one before it asks anew."""
    begin(where, "landing.file_renamed", ONE)
    begin(where, "landing.file_renamed", ONE, number=2)
    with open_store(where) as store:
        publish(store)
    assert_holds(where, {ONE: rows(ONE, 2)})


def test_a_lost_file_is_noticed_before_landed_is_said(where: Places) -> None:
    """A temporary file that goes while we land is an error, not a slice without it."""
    heard = Heard(reactions={"landing.recorded": lambda: lose(where, ONE, ACTIONS)})
    with open_store(where) as store:
        catalogue.settle(world.OWNED, store.ledger, store.lake)
        asked = record(ONE, 1)
        closed = written(store, ONE, rows(ONE, 1), asked).close(store.ledger, asked, final=False)
        with pytest.raises(FileNotFoundError):
            commit(store, [closed], heard)
        assert store.ledger.slice(ONE.id) is None


def dirt(temporary: Path) -> None:
    (temporary / "folder").mkdir()
    (temporary / "folder/file").touch()
    (temporary / "old.parquet").touch()
    (temporary / "link").symlink_to("/")


@pytest.mark.parametrize("leave", [dirt])
def test_whatever_lies_in_tmp_is_swept(leave: Callable[[Path], None], where: Places) -> None:
    """Files, folders and links, none of which the ledger waits for."""
    with open_store(where) as store:
        landed(store, ONE)
    leave(where.lake / ".tmp")
    with open_store(where) as store:
        publish(store)
    assert_holds(where, {ONE: rows(ONE, 0)})
