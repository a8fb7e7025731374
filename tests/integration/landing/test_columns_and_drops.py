"""Columns that come later, tables and accounts that go."""

from dataclasses import replace
from datetime import date

import pyarrow as pa

from pipeline import catalogue
from pipeline.catalogue import Owned
from pipeline.forget import forget_account, forget_table
from pipeline.store import Places, Store
from schemas.columns import Column, Kind
from tests.integration.landing import world
from tests.integration.landing.stage import (
    Heard,
    ask,
    assert_holds,
    land_round,
    open_store,
    play,
    publish,
    read,
    record,
    recover,
    truth,
    written,
)
from tests.integration.landing.world import Part, Rows

FIRST, SECOND = (Part("shop", "111", date(2026, 11, day)) for day in (1, 2))
WIDER = replace(world.FACTS, columns=(*world.FACTS.columns, Column("reach", Kind.COUNT, "People", "people")))


def rows(part: Part, **more: object) -> Rows:
    grain = {"ad_id": "1", "date_start": part.day, "date_stop": part.day, "clicks": 5}
    return {"shop": [{**grain, **more}], "shop_actions": [], "shop_results": [], "quarantine": []}


def test_a_column_added_later_is_null_in_what_landed_before(where: Places) -> None:
    """Old files lack it, `_schema.arrow` has it, the warehouse has NULL in a copy and when built whole."""
    with open_store(where) as store:
        catalogue.settle(world.OWNED, store.ledger, store.lake)
        read(store, FIRST, rows(FIRST), record(FIRST, 0))
        publish(store)
        wider = Owned("shop", "grain", "wider", (WIDER, world.ACTIONS, world.RESULTS))
        tables = catalogue.settle([wider], store.ledger, store.lake)["shop"]
        asked = replace(record(SECOND, 1), definition="wider")
        closed = written(store, SECOND, rows(SECOND, reach=9), asked, tables).close(store.ledger, asked, final=False)
        from pipeline.landing import land  # noqa: PLC0415 - the rest of this file lands by the stage

        land(store.ledger, store.lake, [closed.ready], Heard())
        for because in ("", "something was dropped, or the ledger is a new one"):
            assert publish(store).whole_because == because
            found = ask(where.warehouse, "SELECT date_start, clicks, reach FROM shop ORDER BY 1")
            assert found == [(date(2026, 11, 1), 5, None), (date(2026, 11, 2), 5, 9)]
            store.ledger.distrust_publication()
    comment = "SELECT comment FROM duckdb_columns() WHERE column_name = 'reach'"
    assert ask(where.warehouse, comment) == [("People [people]",)]
    schema = pa.ipc.read_schema(pa.py_buffer((where.lake / "shop/_schema.arrow").read_bytes()))
    assert "reach" in schema.names


def drop_shop(store: Store) -> None:
    forget_table(store, "shop")


def test_a_table_that_the_ledger_forgot_is_dropped(where: Places) -> None:
    """Its rows, its children and its quarantine leave the warehouse at the next publication; others stay."""
    play(where, 7, 0)
    assert ask(where.warehouse, "SELECT count(*) > 0 FROM meta.quarantine") == [(True,)]
    with open_store(where) as store:
        drop_shop(store)
        publish(store)
    tables = "SELECT table_name FROM duckdb_tables() WHERE schema_name = 'main'"
    assert ask(where.warehouse, tables) == [("things",)]
    assert ask(where.warehouse, "SELECT count(*) FROM meta.quarantine") == [(0,)]
    assert ask(where.warehouse, "SELECT DISTINCT table_name FROM meta.slices") == [("things",)]
    assert not list((where.lake).glob("_quarantine/shop"))


def test_a_report_that_comes_again_gets_none_of_the_old_rows(where: Places) -> None:
    """Dropped, not published, loaded again under the same name: only what landed since is there."""
    play(where, 7, 0)
    with open_store(where) as store:
        drop_shop(store)
    with open_store(where) as store:
        catalogue.settle(world.OWNED, store.ledger, store.lake)
        read(store, FIRST, rows(FIRST), record(FIRST, 0))
        publish(store)
    assert ask(where.warehouse, "SELECT account_id, ad_id, date_start FROM shop") == [("111", "1", date(2026, 11, 1))]


def test_an_account_dropped_leaves_everywhere(where: Places) -> None:
    """Its rows, its slices and its quarantine; the other account's stay, and the warehouse is built whole."""
    play(where, 7, 0)
    heard = Heard()
    with open_store(where, heard) as store:
        forget_account(store, "222")
        publish(store)
    assert heard.whole_because() == ["something was dropped, or the ledger is a new one"]
    assert_holds(where, {part: found for part, found in truth(7, 0).items() if part.account == "111"})


def test_a_round_after_a_drop_is_the_truth(where: Places) -> None:
    """What was dropped may be loaded again."""
    play(where, 7, 0)
    with open_store(where) as store:
        drop_shop(store)
        publish(store)
        land_round(store, 7, 1)
    recover(where)
    assert_holds(where, truth(7, 1))


def test_a_drop_killed_before_it_reached_the_lake_is_made_up(where: Places) -> None:
    """The ledger forgot a report and the process died: the next start takes its files away, and no others."""
    play(where, 7, 0)
    with open_store(where) as store:
        names = [table.name for table in world.SHOP.tables]
        store.ledger.drop_report("shop", [path for name in names for path in (name, f"_quarantine/{name}")])
    assert list(where.lake.glob("shop/**/*.parquet"))
    with open_store(where) as store:
        publish(store)
        assert store.ledger.to_lose() == []
    assert not list(where.lake.glob("shop*"))
    assert not list(where.lake.glob("_quarantine/shop*"))
    assert_holds(where, {part: found for part, found in truth(7, 0).items() if part.report != "shop"})
