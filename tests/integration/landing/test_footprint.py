"""The room that a store takes is measured to the byte, wherever its parts lie."""

import os
from datetime import date, timedelta

from pipeline import catalogue
from pipeline.footprint import footprint
from pipeline.store import Places
from tests.integration.landing import world
from tests.integration.landing.stage import begin, open_store, read, record
from tests.integration.landing.world import Part


def test_bytes_and_growth_are_those_of_the_files(where: Places) -> None:
    """Forty days of one account: growth is told by the last 28 alone, objects do not count as days."""
    begin(where)
    parts = [Part("shop", "111", date(2026, 11, 1) + timedelta(days=n)) for n in range(40)]
    with open_store(where) as store:
        catalogue.settle(world.OWNED, store.ledger, store.lake)
        for part in parts:
            read(store, part, {}, record(part, 0))
    found = footprint(where)
    files = {path: path.stat().st_size for path in where.lake.rglob("*") if path.is_file()}
    newest = [part.day.isoformat() for part in parts[-28:] if part.day]
    recent = sum(size for path, size in files.items() if path.stem in newest)
    assert found["lake_bytes"] == sum(files.values())
    assert found["warehouse_bytes"] == where.warehouse.stat().st_size
    assert found["growth_bytes_per_day"]["lake"] == round(recent / 28)
    assert found["growth_bytes_per_day"]["from_days"] == 28
    room = os.statvfs(where.lake)
    assert abs(found["free_bytes"] - room.f_bavail * room.f_frsize) < 2**30, "others write to this disk meanwhile"
    assert found["days_until_full"] > 0


def test_a_store_that_is_not_born_takes_none(where: Places) -> None:
    """Nothing is made by asking."""
    found = footprint(where)
    assert (found["lake_bytes"], found["warehouse_bytes"], found["ledger_bytes"]) == (0, 0, 0)
    assert found["days_until_full"] is None
    assert not where.state.exists()
