"""A re-read that finds the same rows keeps the files and the landing number; anything else lands."""

import sqlite3
from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from pipeline import catalogue
from pipeline.store import Places, Store
from schemas.periods import State
from schemas.work import SliceRecord
from tests.integration.landing import world
from tests.integration.landing.stage import open_store, read, record
from tests.integration.landing.world import Part, Rows

PART = Part("shop", "111", date(2026, 11, 1))
GRAIN = {"date_start": PART.day, "date_stop": PART.day, "version": 0}
FACT = {"ad_id": "1", **GRAIN, "clicks": 5, "note": "", "actions": 1, "results": 0}
ACTION = {"ad_id": "1", **GRAIN, "action_type": "like"}
ASIDE = {"table_name": "shop", "scope": "111", "slice_start": PART.id.start, "raw": "many", "reason": "no count"}


def rows() -> Rows:
    return {
        "shop": [{**FACT, "ad_id": str(i)} for i in range(8)],
        "shop_actions": [{**ACTION, "ad_id": str(i)} for i in range(8)],
        "shop_results": [],
        "quarantine": [dict(ASIDE)],
    }


def state(store: Store, where: Places) -> dict[str, Any]:
    """What a re-read may or may not move."""
    with sqlite3.connect(where.ledger) as connection:
        connection.row_factory = sqlite3.Row
        [row] = connection.execute("SELECT * FROM slices").fetchall()
    connection.close()
    files = {str(p): (p.stat().st_ino, p.stat().st_mtime_ns) for p in where.lake.rglob("*.parquet")}
    return {**dict(row), "files": files, "last_landing": store.ledger.last_landing}


def landed_once(store: Store) -> None:
    catalogue.settle(world.OWNED, store.ledger, store.lake)
    assert not read(store, PART, rows(), record(PART, 0, "first")).unchanged


def test_the_same_rows_move_nothing_but_as_of(where: Places) -> None:
    """Another order, another run, another night: inode, mtime and number stay, only the ledger's `as_of` moves."""
    with open_store(where) as store:
        landed_once(store)
        before = state(store, where)
        assert read(store, PART, rows(), record(PART, 1, "second")).unchanged
        after = state(store, where)
    assert before.pop("as_of") == "2026-11-10T04:00:00.000000Z"
    assert after.pop("as_of") == "2026-11-11T04:00:00.000000Z"
    assert before == after
    assert list((where.lake / ".tmp").iterdir()) == []


def cell(name: str, value: object) -> Callable[[Rows, SliceRecord], SliceRecord]:
    def change(found: Rows, asked: SliceRecord) -> SliceRecord:
        found["shop"][3][name] = value
        return asked

    return change


def _quarantine(found: Rows, asked: SliceRecord) -> SliceRecord:
    found["quarantine"][0]["raw"] = "more"
    return asked


def _no_quarantine(found: Rows, asked: SliceRecord) -> SliceRecord:
    found["quarantine"] = []
    return asked


def _child(found: Rows, asked: SliceRecord) -> SliceRecord:
    found["shop_actions"][3]["action_type"] = "buy"
    return asked


def _children_swapped(found: Rows, asked: SliceRecord) -> SliceRecord:
    found["shop_results"] = [{**row, "indicator": "like"} for row in found["shop_actions"]]
    return asked


CHANGES: dict[str, Callable[[Rows, SliceRecord], SliceRecord]] = {
    "a count": cell("clicks", 6),
    "a count that is absent": cell("clicks", None),
    "a text that is absent": cell("note", None),
    "an empty list": cell("curve", []),
    "a quarantined cell": _quarantine,
    "no quarantine any more": _no_quarantine,
    "a child": _child,
    "children of another table": _children_swapped,
    "the definition": lambda _, asked: replace(asked, definition="wider"),
    "the state": lambda _, asked: replace(asked, state=State.PARTIAL, reason="a hole"),
    "the end asked for": lambda _, asked: replace(asked, end=(asked.end or world.BORN) + timedelta(days=1)),
    "the time zone": lambda _, asked: replace(asked, time_zone="Asia/Tokyo"),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES.keys())
def test_a_change_lands(change: Callable[[Rows, SliceRecord], SliceRecord], where: Places) -> None:
    """One cell, the quarantine, the definition, the state, the end: the slice lands under a new number."""
    with open_store(where) as store:
        landed_once(store)
        found = rows()
        asked = change(found, record(PART, 1, "second"))
        assert not read(store, PART, found, asked).unchanged
        assert state(store, where)["landing"] == 2


def test_the_read_that_makes_a_slice_final_lands(where: Places) -> None:
    """Footers alone prove finality: the last read's `as_of` is in them."""
    with open_store(where) as store:
        landed_once(store)
        assert not read(store, PART, rows(), record(PART, 30, "last"), final=True).unchanged
        assert state(store, where)["landing"] == 2


def test_a_failed_slice_lands_again_even_unchanged(where: Places) -> None:
    """A failure in between keeps rows, `as_of` and `fetched_at`; the next good read makes it `landed`."""
    with open_store(where) as store:
        landed_once(store)
        store.ledger.fail(replace(record(PART, 1, "second"), state=State.FAILED, reason="refused"))
        failed = store.ledger.slice(PART.id)
        assert failed is not None
        assert (failed.state, failed.rows, failed.as_of) == (State.FAILED, 8, world.as_of(0))
        assert not read(store, PART, rows(), record(PART, 2, "third")).unchanged
        again = store.ledger.slice(PART.id)
        assert again is not None
        assert (again.state, again.reason) == (State.LANDED, "")


def test_a_file_that_is_gone_is_written_again(where: Places) -> None:
    """A re-read heals a lake from which somebody took a file."""
    with open_store(where) as store:
        landed_once(store)
        lost = where.lake / "shop_actions/account_id=111/2026-11-01.parquet"
        lost.unlink()
        assert not read(store, PART, rows(), record(PART, 1, "second")).unchanged
        assert lost.exists()


def test_no_file_is_written_for_an_unchanged_slice(where: Places, tmp_path: Path) -> None:
    """A slice small enough to be held is compared before anything is written: a read-only lake does not mind."""
    with open_store(where) as store:
        landed_once(store)
        writer_rows = rows()
        temporary = where.lake / ".tmp"
        temporary.rename(tmp_path / "moved")
        from pipeline.slices import SliceWriter, Target  # noqa: PLC0415 - only here the default spill is wanted

        writer = SliceWriter(store.lake, Target(PART.id, PART.place, world.SHOP.tables))
        for name in ("shop", "shop_actions"):
            writer.write(name, world.arrow(world.table_of(name), writer_rows[name], world.BORN, "x"))
        writer.set_aside(world.arrow(world.table_of("quarantine"), writer_rows["quarantine"], world.BORN, "x"))
        assert writer.close(store.ledger, record(PART, 1), final=False).unchanged
        (tmp_path / "moved").rename(temporary)
